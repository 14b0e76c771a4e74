"""Captioned motion from disk: readers, preparation, joining."""

"""Readers: sentences as vectors of their meaning, by models that others trained on much text."""

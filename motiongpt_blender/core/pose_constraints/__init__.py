"""Marked poses, and the correction that makes a motion pass exactly through them."""

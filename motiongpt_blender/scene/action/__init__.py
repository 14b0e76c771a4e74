"""Actions and NLA tracks: written, read, reduced."""

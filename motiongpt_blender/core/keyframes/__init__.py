"""Few keys instead of one a frame, with a known error."""

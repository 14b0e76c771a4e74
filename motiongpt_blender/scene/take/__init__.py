"""A take: applied, put on a track, removed."""

"""Ways over the floor that a motion follows: drawn curves and waypoints."""

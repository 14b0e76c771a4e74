"""What the animator sees. Draws, and never changes anything."""

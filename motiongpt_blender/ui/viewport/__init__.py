"""What is drawn over the 3D view and the timeline. Reads the scene, never changes it."""

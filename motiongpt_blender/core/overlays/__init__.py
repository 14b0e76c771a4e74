"""What is drawn over Blender's editors, as plain arrays: ghosts, trails, signs on the timeline."""

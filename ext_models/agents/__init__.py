"""A door for agents: a server of the Model Context Protocol over a Blender without a window."""

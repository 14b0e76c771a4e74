"""The sample character: its skeleton, the shape around it, and how it is put into a scene."""

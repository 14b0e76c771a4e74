"""The Python environment of the model process, made from the pinned requirements."""

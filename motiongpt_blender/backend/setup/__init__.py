"""The environment of the model's process: made from the pins."""

"""The model's body: skeleton, motion, rotations, and arithmetic along time."""

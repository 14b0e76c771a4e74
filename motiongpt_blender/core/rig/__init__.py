"""A rig as plain numpy: its description, options, kinematics and bone maps."""

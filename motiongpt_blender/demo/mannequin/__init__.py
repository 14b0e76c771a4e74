"""The mannequin that the demo films: its shape, its surface and its mesh on a rig."""

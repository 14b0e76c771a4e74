"""From joint positions to the controls of a rig, and back."""

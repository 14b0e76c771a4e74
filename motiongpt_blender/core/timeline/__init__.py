"""Where in time a take goes: plan, frame range, sequence, loop, blending."""

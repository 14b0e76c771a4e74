"""Blender side of motions and poses: rigs described, poses read, actions written.

The only package that turns core's numbers into Blender data. It draws no panels and
starts no processes.
"""

"""A windowed Blender: waypoints by clicks, a curve, and takes that follow them."""


def test_ways(play):
    play("ways.py")

"""A windowed Blender: ghosts, trails and signs are drawn, a sign is dragged."""


def test_overlays(play):
    play("overlays.py")

"""A windowed Blender, marks and takes: the side bar fits its window."""


def test_panel_height(play):
    play("panel_height.py")

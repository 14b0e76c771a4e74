"""A windowed Blender, clicks in the panel Bones."""


def test_bones_are_found_and_one_is_chosen(play):
    play("bones_panel.py")

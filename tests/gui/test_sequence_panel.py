"""A windowed Blender, clicks in the panel Sequence."""


def test_three_blocks_are_added_and_made(play):
    play("sequence_panel.py", timeout=500)

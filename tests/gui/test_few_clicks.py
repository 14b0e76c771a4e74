"""A windowed Blender: how many clicks and keys lead to four takes, and to the third one kept."""


def test_few_clicks(play):
    play("few_clicks.py")

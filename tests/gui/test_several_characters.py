"""A windowed Blender, three characters, Generate for all of them, Esc."""


def test_several_characters(play):
    play("several_characters.py")

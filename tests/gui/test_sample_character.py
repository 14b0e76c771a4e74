"""A windowed Blender: the default scene is no dead end."""


def test_sample_character(play):
    play("sample_character.py")

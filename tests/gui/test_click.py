"""A windowed Blender, a click on Generate, a character that moves."""


def test_click_generate(play):
    play("click_generate.py", "--fake")

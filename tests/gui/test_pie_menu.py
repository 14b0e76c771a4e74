"""A windowed Blender, a key for the pie menu, and a take from it."""


def test_pie_menu(play):
    play("pie_menu.py")

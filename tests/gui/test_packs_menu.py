"""A windowed Blender, the preferences: an installed pack, and another one chosen in the list."""


def test_packs_menu(play):
    play("packs_menu.py", packs=("starter", "styles"))

"""A windowed Blender, four takes, keys and clicks that choose one."""


def test_takes_list(play):
    play("takes_list.py")

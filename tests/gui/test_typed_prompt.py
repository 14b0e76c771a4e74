"""A windowed Blender: a typed prompt is understood before anything is generated."""


def test_typed_prompt(play):
    play("typed_prompt.py", packs=["starter"])

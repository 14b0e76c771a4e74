"""A windowed Blender that speaks another language."""

import pytest


@pytest.mark.parametrize("language", ["zh_HANS", "ja_JP"])
def test_the_add_on_in_another_language(play, language):
    play("languages.py", "--language", language)

"""A windowed Blender on a computer where nothing is set up: Set Up, its dialog, its progress."""

import sys


def test_set_up(play, tmp_path, monkeypatch):
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path / "home"))
    play("set_up.py", "--small", tmp_path / "small", "--base", sys._base_executable)

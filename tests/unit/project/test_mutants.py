"""Mutation testing: its table in ``pyproject.toml`` names modules and tests that are there."""

import pytest

from tests.support.mutants import ROOT, Settings


def test_the_table_names_files():
    settings = Settings.read()
    assert settings.sample == 200
    for subject in settings.subjects:
        assert subject.modules and subject.tests, subject.name
        assert all((ROOT / path).is_file() for path in (*subject.modules, *subject.tests))
    changed = [path for subject in settings.subjects for path in subject.modules]
    assert len(changed) == len(set(changed))


def test_a_pattern_without_a_file_is_named(tmp_path):
    text = (ROOT / "pyproject.toml").read_text("utf-8")
    (tmp_path / "pyproject.toml").write_text(text)
    with pytest.raises(FileNotFoundError, match=r"mutants: no file is motiongpt_blender/core/"):
        Settings.read(tmp_path)

"""The folder of captioned clips that the add-on exports to."""

import json

import numpy as np
import pytest

from motiongpt_blender.core.body.motion import MotionClip
from motiongpt_blender.core.body.neutral_pose import NEUTRAL
from motiongpt_blender.core.packs.clip_folder import ClipFolderError, add_clip, clip_name

CLIP = MotionClip(np.repeat(NEUTRAL[None], 20, 0).astype(np.float32), prompt="a person waits")


def test_clips_and_captions_add_up(tmp_path):
    add_clip(tmp_path / "one.npz", CLIP, "a person waits")
    (tmp_path / "captions.json").write_text('{"one": "a person waits", "other": ["x"]}')
    add_clip(tmp_path / "one.npz", CLIP, "somebody waits")
    add_clip(tmp_path / "one.npz", CLIP, "somebody waits")
    add_clip(tmp_path / "two.npz", CLIP, "é")
    message = json.loads((tmp_path / "captions.json").read_text("utf-8"))
    assert message == {"one": ["a person waits", "somebody waits"], "other": ["x"], "two": ["é"]}
    assert np.array_equal(MotionClip.load(tmp_path / "one.npz").joints, CLIP.joints)
    assert sorted(p.name for p in tmp_path.iterdir()) == ["captions.json", "one.npz", "two.npz"]


@pytest.mark.parametrize("name", ["con", "walks?", "COM1.walk"])
def test_a_name_that_windows_cannot_write_is_refused(tmp_path, name):
    with pytest.raises(ClipFolderError, match="cannot be written on Windows"):
        add_clip(tmp_path / f"{name}.npz", CLIP, "x")
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("text", ["[", "[1]", '{"a": 1}', '{"a": [1]}'])
def test_a_captions_file_that_is_none_is_left_alone(tmp_path, text):
    (tmp_path / "captions.json").write_text(text)
    with pytest.raises(ClipFolderError, match=r"captions\.json"):
        add_clip(tmp_path / "one.npz", CLIP, "x")
    assert (tmp_path / "captions.json").read_text() == text
    assert [p.name for p in tmp_path.iterdir()] == ["captions.json"]


def test_a_place_that_is_none(tmp_path):
    with pytest.raises(ClipFolderError, match="no folder"):
        add_clip(tmp_path / "absent" / "one.npz", CLIP, "x")
    with pytest.raises(ClipFolderError, match=r"\.npz"):
        add_clip(tmp_path / "one.txt", CLIP, "x")
    (tmp_path / "dir.npz").mkdir()
    with pytest.raises(ClipFolderError, match="cannot be written"):
        add_clip(tmp_path / "dir.npz", CLIP, "x")
    assert [p.name for p in tmp_path.iterdir()] == ["dir.npz"]


@pytest.mark.parametrize(
    ("text", "name"),
    [
        ("Walk, left (2)", "Walk_left_2"),
        ("a/b\\c:d", "a_b_c_d"),
        ("...", "clip"),
        ("é.001", "é_001"),
    ],
)
def test_names_of_files(text, name):
    assert clip_name(text) == name

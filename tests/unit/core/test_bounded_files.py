"""Files from outside are read with limits; what they claim is not believed."""

import io
import os
import sys
import zipfile

import numpy as np
import pytest

from motiongpt_blender.core.body.motion import MotionClip, MotionError
from motiongpt_blender.core.bounded_arrays import read_arrays
from motiongpt_blender.core.bounded_files import MB, FileError, parse_json, read_bytes
from motiongpt_blender.core.packs.clip_folder import ClipFolderError, read_captions
from tests.support.memory import at_most


@pytest.fixture
def pipe(tmp_path):
    if sys.platform == "win32":
        pytest.skip("Windows has no pipes in folders")
    os.mkfifo(tmp_path / "pipe")
    return tmp_path / "pipe"


def npy(shape, data=b""):
    """A ``.npy`` of float32 whose header claims a shape."""
    stream = io.BytesIO()
    header = {"descr": "<f4", "fortran_order": False, "shape": shape}
    np.lib.format.write_array_header_1_0(stream, header)
    return stream.getvalue() + data


def test_a_file_of_the_largest_size_is_read_whole(tmp_path):
    path = tmp_path / "a"
    path.write_bytes(b"abcd")
    assert read_bytes(path, 4) == b"abcd"
    with pytest.raises(FileError, match="larger than"):
        read_bytes(path, 3)


@pytest.mark.parametrize(
    "text",
    ["{", "[" * 100_000, "NaN", '{"a": Infinity}', r'["\ud800"]', b"\xff", "1" * 10_000, ""],
    ids=range(8),
)
def test_json_that_is_refused(text):
    with pytest.raises(FileError) as caught:
        parse_json(text)
    assert len(str(caught.value)) < 300


def test_json_of_whole_characters():
    assert parse_json(r'{"a": ["\ud83d\ude00", "\u00e4", "\\ud800"]}') == {
        "a": ["\U0001f600", "\u00e4", "\\ud800"]
    }


def test_arrays_come_back_as_they_were_written(tmp_path):
    arrays = {"a": np.arange(6.0).reshape(2, 3), "b": np.asarray("text"), "c": np.zeros((0, 3))}
    np.savez_compressed(tmp_path / "a.npz", **arrays)
    found = read_arrays(tmp_path / "a.npz", MB)
    assert found.keys() == arrays.keys()
    assert all(np.array_equal(found[k], v) and found[k].dtype == v.dtype for k, v in arrays.items())
    assert read_arrays(tmp_path / "a.npz", MB, ("b", "z")).keys() == {"b"}


@pytest.mark.parametrize(
    "entries",
    [
        {"joints.npy": npy((10**9, 22, 3), bytes(100))},
        {"joints.npy": npy((2**62, 2**62))},
        {"joints.npy": bytes(300 * MB)},
        {"joints.npy": b"\x93NUMPY\x09\x00"},
        {"joints.npy": npy((1, 22, 3))[:30]},
    ],
    ids=["claim", "overflow", "zeros", "version", "cut"],
)
def test_a_clip_allocates_nothing_that_it_only_claims(tmp_path, entries):
    path = tmp_path / "clip.npz"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED, compresslevel=1) as archive:
        for name, data in entries.items():
            archive.writestr(name, data)
    with at_most(20 * MB), pytest.raises(MotionError) as caught:
        MotionClip.load(path)
    assert str(path) in str(caught.value) and len(str(caught.value)) < 500


def test_a_pipe_is_not_waited_for(pipe):
    with pytest.raises(MotionError, match="is no file"):
        MotionClip.load(pipe)
    with pytest.raises(ClipFolderError, match="is no file"):
        read_captions(pipe)


def test_captions_that_are_nested_deeply(tmp_path):
    path = tmp_path / "captions.json"
    path.write_text("[" * 100_000)
    with pytest.raises(ClipFolderError, match="nested too deeply"):
        read_captions(path)

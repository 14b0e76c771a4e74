"""The captions of a pack as the panel reads them: examples, and the words that are known."""

import json
import struct

import pytest

from motiongpt_blender import paths
from motiongpt_blender.core.packs.known_captions import (
    CAPTIONS,
    examples,
    read_captions,
    stems,
)
from motiongpt_blender.core.packs.manifest import PackError


def write(folder, captions):
    """A file with the captions in its header, as safetensors writes it."""
    header = json.dumps({"__metadata__": {"captions": json.dumps(captions)}}).encode()
    (folder / CAPTIONS).write_bytes(struct.pack("<Q", len(header)) + header + b"\x01\x02")


def test_captions_are_read_without_their_vectors(tmp_path):
    assert read_captions(tmp_path) == ()
    write(tmp_path, ["he bows", "she läuft", "turn \u202e round"])
    assert read_captions(tmp_path) == ("he bows", "she läuft")


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"\x05",
        struct.pack("<Q", 2**40) + b"{}",
        struct.pack("<Q", 2) + b"{}",
        struct.pack("<Q", 2) + b"[]",
        struct.pack("<Q", 40) + b'{"__metadata__": {"captions": "no list"}}',
    ],
)
def test_a_damaged_file_is_named_and_the_panel_shows_nothing(tmp_path, content):
    (tmp_path / CAPTIONS).write_bytes(content)
    with pytest.raises(PackError, match=f"{CAPTIONS} is damaged .*: install the pack again"):
        read_captions(tmp_path)
    assert paths.known_captions(tmp_path) is None


def test_examples_are_spread_and_short():
    captions = [f"walks {k:02d}" for k in range(30)]
    assert examples(captions) == ("walks 05", "walks 15", "walks 25")
    assert examples([*captions[:4], *["x" * 80] * 90]) == ("walks 00", "walks 01", "walks 02")
    assert examples(["only one"]) == ("only one",)
    assert examples(["x" * 80, "y"]) == ("x" * 80, "y")


def test_stems_of_the_words_that_tell_of_a_motion():
    assert stems("a person is walking to it") == {"wal"}
    assert not stems("she and the man with him")
    for one, other in (("bow", "bowing"), ("waves", "waving"), ("Jump", "jumps")):
        assert stems(one) & stems(other)


def test_the_panels_view_follows_the_file(tmp_path):
    assert paths.known_captions(tmp_path) is None
    write(tmp_path, ["a man bows", "he waves", "she sits"])
    known = paths.known_captions(tmp_path)
    assert known.examples == ("a man bows", "he waves", "she sits")
    assert known.stems == {"bow", "wav", "sit"}

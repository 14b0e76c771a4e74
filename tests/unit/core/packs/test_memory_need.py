"""The memory of a pack, told before it is loaded."""

import json
import struct
from pathlib import Path

import pytest

from motiongpt_blender import paths
from motiongpt_blender.core.packs import memory_need
from motiongpt_blender.core.packs.fetched_bases import FetchedBase, Kind
from motiongpt_blender.core.packs.manifest import PLANNER
from motiongpt_blender.core.packs.memory_need import (
    PROGRAM,
    MemoryNeed,
    free_memory,
    needed_memory,
    weights_in,
)
from tests.support import pack_files


def write_weights(path, shape, names=("a",)):
    tensor = {"dtype": "F16", "shape": shape, "data_offsets": [0, 2]}
    header = dict.fromkeys(names, tensor) | {"__metadata__": {}}
    text = json.dumps(header).encode()
    path.write_bytes(struct.pack("<Q", len(text)) + text + b"xx")


@pytest.fixture(autouse=True)
def bases(tmp_path, monkeypatch):
    monkeypatch.setenv("MOTIONGPT_BASES", str(tmp_path / "bases"))
    return tmp_path / "bases"


def test_every_weight_counts_in_the_form_of_computing(tmp_path):
    pack = pack_files.make(tmp_path / "walks")
    before = needed_memory(pack)
    write_weights(pack / "base" / "more.safetensors", [1000, 50, 20])
    assert needed_memory(pack) - before == pytest.approx(4.4e6)
    assert before == pytest.approx(PROGRAM, rel=1e-3)


def test_the_planners_base_counts_where_it_lies(tmp_path, bases):
    pack = pack_files.make(tmp_path / "walks")
    pack_files.make(pack / PLANNER, base_model="maker/base", base_layers=2)
    before = needed_memory(pack)
    folder = bases / "maker--base"
    folder.mkdir(parents=True)
    FetchedBase("maker/base", "", Kind.LANGUAGE, "MIT", "hub", 9, {}).write(folder)
    names = ["model.embed.weight", *(f"model.layers.{k}.up.weight" for k in (0, 1, 2, 11))]
    write_weights(folder / "model.safetensors", [1000, 1000], names)
    assert needed_memory(pack) - before == pytest.approx(3 * 4.4e6)  # two layers and the rest


@pytest.mark.parametrize(
    "content", [b"", b"short", b"\xff" * 30, struct.pack("<Q", 2) + b"[]", struct.pack("<Q", 2**60)]
)
def test_a_damaged_file_of_weights_needs_nothing(tmp_path, content):
    (tmp_path / "x.safetensors").write_bytes(content)
    assert weights_in(tmp_path / "x.safetensors") == 0


def test_what_does_not_fit_says_why_and_what_to_do():
    small, large = MemoryNeed(1.0e9, 3.0e9), MemoryNeed(4.2e9, 3.0e9)
    assert small.fits and str(small) == "Needs about 1.0 GB of memory; 3.0 GB are free"
    assert not large.fits
    assert str(large).startswith("Needs about 4.2 GB of memory, and 3.0 GB are free: close")
    unknown = MemoryNeed(4.2e9, None)
    assert unknown.fits and str(unknown) == "Needs about 4.2 GB of memory"


def test_the_shipped_packs_fit_a_small_computer():
    for pack in paths.shipped_packs():
        assert 0.8e9 < needed_memory(pack) < 1.1e9


@pytest.mark.skipif(not Path("/proc/meminfo").is_file(), reason="Linux alone has /proc/meminfo")
def test_the_free_memory_is_that_of_the_system(monkeypatch):
    lines = dict(line.split(":") for line in Path("/proc/meminfo").read_text().splitlines())
    total = 1024 * int(lines["MemTotal"].split()[0])
    assert 0 < free_memory() < total
    monkeypatch.setattr(memory_need.Path, "read_text", lambda *_, **__: "nothing")
    assert free_memory() is None

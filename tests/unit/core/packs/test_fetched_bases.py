"""Bases of packs, seen without torch: which are named, which are here, how large they are."""

import json
import os

import pytest

from motiongpt_blender import paths
from motiongpt_blender.core.packs.fetched_bases import (
    FetchedBase,
    FileNote,
    Kind,
    NamedBase,
    download_sizes,
    named_bases,
)
from motiongpt_blender.core.packs.manifest import PLANNER
from tests.support import pack_files

ID, COMMIT = "maker/tiny-base", "0123456789abcdef0123456789abcdef01234567"


@pytest.fixture(autouse=True)
def bases(tmp_path, monkeypatch):
    """The user's folder of bases, and an empty cache of the hub."""
    monkeypatch.setenv("MOTIONGPT_BASES", str(tmp_path / "bases"))
    monkeypatch.setenv("HF_HUB_CACHE", str(tmp_path / "hub"))
    return tmp_path / "bases"


def put(folder, size=7):
    """A base of one file, as ``bases fetch`` leaves it."""
    folder.mkdir(parents=True)
    (folder / "model.safetensors").write_bytes(bytes(size))
    files = {"model.safetensors": FileNote(7, "0" * 64)}
    FetchedBase(ID, COMMIT, Kind.LANGUAGE, "MIT", "hub", 9, files).write(folder)


def test_a_pack_and_its_planner_name_bases(tmp_path):
    pack = pack_files.make(tmp_path / "walks")
    assert named_bases(pack) == ()
    pack_files.make(pack / PLANNER, base_model=ID, base_revision=COMMIT)
    assert named_bases(pack) == (NamedBase(ID, COMMIT),)
    body = json.loads((pack / "pack.json").read_text())
    for name, named in {"other/base": 2, ID: 2, "./base": 1}.items():
        (pack / "pack.json").write_text(json.dumps(body | {"base_model": name}))
        assert len(named_bases(pack)) == named, name
    same = body | {"base_model": ID, "base_revision": COMMIT}
    (pack / "pack.json").write_text(json.dumps(same))
    assert named_bases(pack) == (NamedBase(ID, COMMIT),)


@pytest.mark.parametrize(
    "name", ["../outside", "./base", "/a/b", "~/b", "--from/wheel", "a/b/c", "base", "", "a/b c"]
)
def test_what_is_no_id_is_never_fetched(tmp_path, name):
    assert named_bases(pack_files.make(tmp_path / "walks", base_model=name)) == ()


def test_a_base_is_here_when_it_is_whole_and_of_that_revision(bases):
    assert not NamedBase(ID, "").is_here
    put(bases / f".fetching-{ID.replace('/', '--')}--hub" / "files")
    put(bases / ".fetching-x")
    assert not NamedBase(ID, "").is_here
    put(bases / "maker--tiny-base")
    assert NamedBase(ID, "").is_here
    assert NamedBase("Maker/Tiny-Base", COMMIT).is_here
    assert not NamedBase(ID, "fedcba").is_here
    (bases / "maker--tiny-base" / "model.safetensors").write_bytes(b"cut")
    assert not NamedBase(ID, COMMIT).is_here


def test_the_hubs_own_cache_counts(tmp_path):
    repository = tmp_path / "hub" / "models--maker--tiny-base"
    snapshot = repository / "snapshots" / COMMIT
    snapshot.mkdir(parents=True)
    (snapshot / "config.json").write_text("{}")
    assert NamedBase(ID, COMMIT).is_here
    assert not NamedBase(ID, "").is_here, "nothing says which commit is meant"
    (repository / "refs").mkdir()
    (repository / "refs" / "main").write_text(COMMIT)
    assert NamedBase(ID, "").is_here


def test_the_panel_follows_what_is_fetched_and_removed(tmp_path, bases):
    pack = pack_files.make(tmp_path / "walks")
    pack_files.make(pack / PLANNER, base_model=ID)
    assert paths.missing_base(pack) == NamedBase(ID, "")
    put(bases / "maker--tiny-base")
    os.utime(bases, ns=(1, 1))
    assert paths.missing_base(pack) is None
    (bases / "maker--tiny-base").rename(bases / ".removed-1")
    assert paths.missing_base(pack) == NamedBase(ID, "")


def test_sizes_come_from_the_table_of_known_bases():
    sizes = download_sizes(paths.KNOWN_BASES)["huggingfacetb/smollm2-135m-instruct"]
    assert sizes == (271_170_520, 92_871_040)
    smol = NamedBase("HuggingFaceTB/SmolLM2-135M-Instruct", "")
    assert paths.download_text(smol) == "93 to 271 MB"
    assert paths.download_text(NamedBase("HuggingFaceTB/SmolLM2-1.7B-Instruct", "")) == "3425 MB"
    assert "unknown" in paths.download_text(NamedBase(ID, ""))

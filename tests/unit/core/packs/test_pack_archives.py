"""Packs as archives: written the same each time, checked whole, installed or not at all."""

import os
import zipfile

import pytest

import build
from ext_models import __main__ as cli
from ext_models import packs as model_packs
from motiongpt_blender.core.body.motion import MotionClip, Origin
from motiongpt_blender.core.body.neutral_pose import BONE_LENGTHS
from motiongpt_blender.core.packs import archives, manifest
from tests.support.pack_files import files, make, weights


@pytest.fixture
def pack(tmp_path):
    return make(tmp_path / "made" / "walks")


@pytest.fixture
def home(tmp_path, monkeypatch):
    monkeypatch.setenv(manifest.VARIABLE, str(tmp_path / "home"))
    return tmp_path / "home"


def zipped(path, entries):
    with zipfile.ZipFile(path, "w") as archive:
        for name, data in entries.items():
            archive.writestr(name, data)
    return path


@pytest.mark.parametrize(
    ("licence", "forbids"),
    [
        ("CC BY-NC 4.0", True),
        ("CC-BY-NC-SA-4.0", True),
        ("Non-commercial use only", True),
        ("Commercial use allowed, with credit", False),
        ("CC BY 4.0", False),
        ("Vincent's own", False),
    ],
)
def test_licences_that_forbid_commercial_use(licence, forbids):
    assert manifest.is_non_commercial(licence) is forbids


def test_round_trip_and_remove(pack, home, tmp_path):
    first = archives.write_archive(pack, tmp_path / "a.zip")
    for path in pack.rglob("*"):
        os.utime(path, (10**9, 10**9))
    assert archives.write_archive(pack, tmp_path / "b.zip").read_bytes() == first.read_bytes()
    folder = archives.install(first, home)
    assert folder == home / "walks"
    assert files(folder) == files(pack)
    assert manifest.packs_in(home) == [folder]
    archives.remove("walks", home)
    assert list(home.iterdir()) == []


def test_nothing_is_overwritten_unasked(pack, home):
    archives.install(pack, home)
    (pack / "MODEL_CARD.md").write_text("Another card.")
    before = files(home)
    with pytest.raises(manifest.PackError, match="choose Replace"):
        archives.install(pack, home)
    assert files(home) == before
    archives.install(pack, home, replace=True)
    assert files(home / "walks") == files(pack)
    assert [p.name for p in home.iterdir()] == ["walks"]


def test_a_failure_while_replacing_brings_the_old_one_back(pack, home, monkeypatch):
    archives.install(pack, home)
    before = files(home)
    rename = archives.Path.rename

    def fail(self, target):
        if self.name == "new":
            raise PermissionError(13, "Permission denied")
        return rename(self, target)

    monkeypatch.setattr(archives.Path, "rename", fail)
    with pytest.raises(manifest.PackError, match="cannot be written"):
        archives.install(pack, home, replace=True)
    assert files(home) == before


BAD = {
    "no manifest": (lambda e: e.pop("walks/pack.json"), "no pack.json"),
    "no card": (lambda e: e.pop("walks/MODEL_CARD.md"), "no MODEL_CARD.md"),
    "no base": (lambda e: e.pop("walks/base/model.safetensors"), "'base'"),
    "no JSON": (lambda e: e.update({"walks/pack.json": b"{"}), "not readable JSON"),
    "a list": (lambda e: e.update({"walks/pack.json": b"[]"}), "format_version is None"),
    "a script": (lambda e: e.update({"walks/run.py": b""}), "run.py does not belong"),
    "a pickle": (lambda e: e.update({"walks/base/model.bin": b""}), "model.bin does not belong"),
    "beside": (lambda e: e.update({"more.txt": b""}), "outside the pack's folder"),
    "zip slip": (lambda e: e.update({"walks/../../x.txt": b""}), "leads out of the pack"),
    "absolute": (lambda e: e.update({"/etc/x.txt": b""}), "leads out of the pack"),
    "drive": (lambda e: e.update({"C:/x.txt": b""}), "leads out of the pack"),
    "backslash": (lambda e: e.update({"walks\\..\\x.txt": b""}), "leads out of the pack"),
    "same name": (lambda e: e.update({"walks/license": b"x"}), "two files of one name"),
    "cut weights": (
        lambda e: e.update({"walks/base/model.safetensors": weights()[:-1]}),
        "is incomplete or holds no weights",
    ),
    "no weights": (
        lambda e: e.update({"walks/base/model.safetensors": b"x"}),
        "is incomplete or holds no weights",
    ),
}


@pytest.mark.parametrize("case", sorted(BAD))
def test_bad_archives_leave_everything_as_it_was(case, pack, home, tmp_path):
    change, words = BAD[case]
    entries = {f"walks/{name}": data for name, data in files(pack).items()}
    change(entries)
    path = zipped(tmp_path / "bad.zip", entries)
    with pytest.raises(manifest.PackError, match=words) as caught:
        archives.install(path, home)
    assert "\n" not in str(caught.value)
    assert not home.exists()
    assert not (tmp_path / "x.txt").exists()


@pytest.mark.parametrize(
    ("field", "value", "words"),
    [
        ("format_version", 9, "format_version is 9"),
        ("licence", "", "'licence' is missing or empty"),
        ("title", None, "'title'"),
        ("name", "../walks", "must be of letters"),
        ("credits", "me", "'credits' must be a list"),
    ],
)
def test_bad_fields(field, value, words, home, tmp_path):
    folder = make(tmp_path / "walks", **{field: value})
    with pytest.raises(manifest.PackError, match=words):
        archives.install(folder, home)
    assert not home.exists()


def test_broken_and_absent_archives(pack, home, tmp_path):
    good = archives.write_archive(pack, tmp_path / "good.zip").read_bytes()
    bad = tmp_path / "bad.zip"
    at = good.index(b"base/model.safetensors") + 30
    flipped = good[:at] + bytes([good[at] ^ 255]) + good[at + 1 :]
    for data in (b"no zip", good[: len(good) // 2], flipped):
        bad.write_bytes(data)
        with pytest.raises(manifest.PackError, match="broken"):
            archives.install(bad, home)
    with pytest.raises(manifest.PackError, match="no such file"):
        archives.install(tmp_path / "none.zip", home)
    assert not home.exists()


def test_links_are_refused(pack, home, tmp_path):
    entry = zipfile.ZipInfo("walks/more.txt")
    entry.external_attr = 0o120777 << 16
    path = zipped(tmp_path / "l.zip", {f"walks/{n}": d for n, d in files(pack).items()})
    with zipfile.ZipFile(path, "a") as archive:
        archive.writestr(entry, "/etc/passwd")
    with pytest.raises(manifest.PackError, match="is a link"):
        archives.install(path, home)
    (pack / "more.txt").symlink_to(tmp_path / "l.zip")
    with pytest.raises(manifest.PackError, match="is a link"):
        archives.install(pack, home)


@pytest.mark.parametrize("name", ["..", ".", "", "walks/base", "none", ".new-x"])
def test_only_installed_packs_are_removed(name, pack, home):
    archives.install(pack, home)
    before = files(home)
    with pytest.raises(manifest.PackError, match="No installed pack"):
        archives.remove(name, home)
    assert files(home) == before


# --- the commands -----------------------------------------------------------------------


def test_commands(pack, home, capsys):
    assert cli.main(["packs", "install", str(pack)]) == 0
    assert "licence: CC BY-NC 4.0" in capsys.readouterr().out
    assert cli.main(["packs"]) == 0
    output = capsys.readouterr().out
    for words in ("starter", "Walks", "CC BY-NC 4.0", "installed", "text, poses, places", "MB"):
        assert words in output
    assert model_packs.named("walks") == home / "walks"
    assert model_packs.named("starter") == model_packs.DEFAULT_PACK
    assert cli.main(["packs", "install", str(pack)]) == 1
    assert capsys.readouterr().err.count("\n") == 1
    assert cli.main(["packs", "remove", "walks"]) == 0
    assert cli.main(["packs", "remove", "starter"]) == 1
    assert "comes with the project" in capsys.readouterr().err


def test_shipped_names_are_taken(home, tmp_path, capsys):
    assert cli.main(["packs", "install", str(make(tmp_path / "starter"))]) == 1
    assert "give the pack another name" in capsys.readouterr().err


def test_build_writes_the_other_packs(tmp_path, monkeypatch):
    parent = tmp_path / "ext_models" / "model_packs"
    make(parent / "styles")
    make(parent / "starter", licence="CC BY 4.0")
    monkeypatch.setattr(build, "_version", lambda _: "1.2.3")
    [target] = build.package_packs(tmp_path / "dist", tmp_path)
    assert target.name == "motiongpt-pack-styles-1.2.3.motionpack"
    assert archives.install(target, tmp_path / "home").name == "styles"
    (parent / "styles" / "LICENSE").unlink()
    with pytest.raises(build.BuildError, match="LICENSE is missing"):
        build.package_packs(tmp_path / "dist", tmp_path)


def test_build_refuses_heavy_and_misnamed_packs(pack, tmp_path, monkeypatch):
    monkeypatch.setattr(archives, "SHIPPED_LIMIT", 100)
    with pytest.raises(manifest.PackError, match="a pack that ships"):
        archives.write_archive(pack, tmp_path / "x.zip")
    with pytest.raises(manifest.PackError, match="the same in both"):
        archives.write_archive(pack.rename(pack.with_name("other")), tmp_path / "x.zip")
    assert not list(tmp_path.glob("*.zip"))


def test_clips_say_whose_they_are(tmp_path):
    import numpy as np

    joints = np.zeros((3, len(BONE_LENGTHS), 3), np.float32)
    origin = Origin("walks", "CC BY-NC 4.0", ("Somebody", "Somebody else"))
    MotionClip(joints, origin=origin).save(tmp_path / "a.npz")
    assert MotionClip.load(tmp_path / "a.npz").origin == origin
    MotionClip(joints).save(tmp_path / "b.npz")
    assert MotionClip.load(tmp_path / "b.npz").origin == Origin()
    np.savez(tmp_path / "old.npz", joints=joints, fps=20.0)
    assert MotionClip.load(tmp_path / "old.npz").origin == Origin()

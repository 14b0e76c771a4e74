"""Packs that are damaged or made to do harm: one sentence, nothing installed, nothing allocated."""

import json
import os
import struct
import sys
import threading
import zipfile
from types import SimpleNamespace

import pytest

from motiongpt_blender.core.packs import archives, manifest, pack_source
from motiongpt_blender.core.packs.install_task import InstallStoppedError, InstallTask
from tests.support.memory import at_most
from tests.support.pack_files import files, make, weights

posix = pytest.mark.skipif(sys.platform == "win32", reason="pipes and devices of Unix")


@pytest.fixture
def entries(tmp_path):
    """The files of a good pack, as an archive holds them."""
    folder = make(tmp_path / "made" / "walks")
    return {f"walks/{name}": data for name, data in files(folder).items()}


@pytest.fixture
def home(tmp_path):
    return tmp_path / "home"


def zipped(path, entries, compression=zipfile.ZIP_DEFLATED):
    with zipfile.ZipFile(path, "w", compression) as archive:
        for name, data in entries.items():
            archive.writestr(name, data)
    return path


def refused(path, home, words):
    with pytest.raises(manifest.PackError, match=words) as caught:
        archives.install(path, home)
    text = str(caught.value)
    assert "\n" not in text and text.isprintable() and len(text) < 600
    assert not home.exists()


def changed(entries, **fields):
    body = json.loads(entries["walks/pack.json"]) | fields
    return {"walks/pack.json": json.dumps(body).encode()}


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("walks/CON.txt", "on every system"),
        ("walks/base/nul.json", "on every system"),
        ("walks/com1", "on every system"),
        ("walks/more.txt.", "on every system"),
        ("walks/more.txt ", "on every system"),
        ("walks/a?.txt", "on every system"),
        ("walks/\x1b[2Jmore.txt", "on every system"),
        ("walks/\u202etxt.md", "on every system"),
        ("walks/" + "x" * 200 + ".txt", "on every system"),
        ("walks//more.txt", "on every system"),
        ("walks/./more.txt", "on every system"),
        ("walks/LICENCE/../../x.txt", "leads out"),
        ("walks/BASE/model.safetensors", "two files of one name"),
    ],
)
def test_names_that_no_system_or_not_every_system_can_write(entries, name, words, home, tmp_path):
    refused(zipped(tmp_path / "a.zip", entries | {name: weights()}), home, words)


def test_names_that_differ_in_their_unicode_form_only(entries, home, tmp_path):
    both = {"walks/caf\u00e9.txt": b"", "walks/cafe\u0301.txt": b""}
    refused(zipped(tmp_path / "a.zip", entries | both), home, "two files of one name")


@pytest.mark.parametrize(
    ("fields", "words"),
    [
        ({"title": "\ud800"}, "pack.json is not readable JSON"),
        ({"title": "Walks\x1b[31m"}, "'title' must be one plain line"),
        ({"licence": "a\nb"}, "'licence' must be one plain line"),
        ({"credits": [1]}, "'credits' must be of plain lines"),
        ({"name": "con"}, "no device of Windows"),
        ({"name": "x" * 100_000}, "must be of letters"),
        ({"format_version": "x" * 100_000}, "format_version is 'xxx"),
        ({"base_model": "./../outside"}, "'base_model' leads out of the pack"),
        ({"adapter": "base/../../x"}, "'adapter' leads out of the pack"),
        ({"cfg_scale": float("nan")}, "NaN is no number"),
    ],
)
def test_fields_that_do_harm(entries, fields, words, home, tmp_path):
    refused(zipped(tmp_path / "a.zip", entries | changed(entries, **fields)), home, words)


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"walks/pack.json": b" " * (5 << 20)}, "pack.json is larger than 4 MB"),
        ({"walks/pack.json": b"[" * 100_000}, "nested too deeply"),
        ({"walks/more.txt": bytes(8 << 20)}, "100 times its size"),
        ({f"walks/{k}.txt": b"" for k in range(1001)}, "more than 1000 files"),
        ({"walks/base/model.safetensors": struct.pack("<Q", 9) + b"[" * 9}, "holds no weights"),
    ],
    ids=["manifest", "nested", "zeros", "files", "no header"],
)
def test_more_than_a_pack_holds(entries, change, words, home, tmp_path):
    refused(zipped(tmp_path / "a.zip", entries | change), home, words)


def test_a_header_of_weights_that_claims_much_is_not_read(home, tmp_path):
    folder = make(tmp_path / "walks")
    with (folder / "base" / "model.safetensors").open("wb") as file:
        file.write(struct.pack("<Q", 64 << 20))
        file.truncate(65 << 20)
    with at_most(2**24):
        refused(folder, home, "incomplete or holds no weights")


def test_a_list_of_files_that_claims_gigabytes_is_not_read(entries, home, tmp_path, monkeypatch):
    path = zipped(tmp_path / "a.zip", entries)
    data = bytearray(path.read_bytes())
    struct.pack_into("<L", data, data.rindex(b"PK\x05\x06") + 12, 2**31)
    path.write_bytes(data)
    monkeypatch.setattr(zipfile, "ZipFile", None)  # it reads the whole list
    refused(path, home, "more than 1000 files")


@posix
@pytest.mark.parametrize("kind", ["archive", "device", "in a folder"])
def test_what_never_ends_is_not_read(kind, home, tmp_path):
    path = make(tmp_path / "walks")
    if kind == "device":
        return refused(pack_source.Path("/dev/zero"), home, "is no file")
    pipe = tmp_path / "a.zip" if kind == "archive" else path / "more.txt"
    os.mkfifo(pipe)
    return refused(pipe if kind == "archive" else path, home, "is no file")


@pytest.mark.parametrize("compression", [zipfile.ZIP_LZMA, zipfile.ZIP_BZIP2, zipfile.ZIP_DEFLATED])
def test_damaged_streams_of_every_compression(entries, compression, home, tmp_path):
    noise = {"walks/MODEL_CARD.md": os.urandom(5000).hex().encode()}
    path = zipped(tmp_path / "a.zip", entries | noise, compression)
    good = path.read_bytes()
    at = good.index(b"walks/MODEL_CARD.md")
    for start in (at + 25, at + 200, at + 2000):
        path.write_bytes(good[:start] + bytes(60) + good[start + 60 :])
        refused(path, home, "broken")


@pytest.mark.parametrize("name", [b"walks/\xff\xfe.txt", b""])
def test_names_that_are_no_text(entries, name, home, tmp_path):
    path = zipped(tmp_path / "a.zip", entries | {"walks/\u00e4\u00e4.txt": b""})
    written = "walks/\u00e4\u00e4.txt".encode()
    data = path.read_bytes().replace(written, name.ljust(len(written), b"\xff") if name else b"")
    path.write_bytes(data)
    refused(path, home, "broken")


def test_a_name_that_a_zero_ends(entries, home, tmp_path):
    path = zipped(tmp_path / "a.zip", entries | {"walks/more.txt": b""})
    path.write_bytes(path.read_bytes().replace(b"walks/more.txt", b"\0alks/more.txt"))
    refused(path, home, "leads out of the pack")


def test_a_pack_without_room_is_not_begun(entries, home, tmp_path, monkeypatch):
    path = zipped(tmp_path / "a.zip", entries)
    monkeypatch.setattr(archives.shutil, "disk_usage", lambda _: SimpleNamespace(free=10))
    with pytest.raises(manifest.PackError, match="has 0 MB free"):
        archives.install(path, home)
    assert list(home.iterdir()) == []


def test_a_folder_too_deep_for_windows_is_not_begun(entries, home, tmp_path, monkeypatch):
    path = zipped(tmp_path / "a.zip", entries)
    monkeypatch.setattr(archives, "room_in", lambda folder: 40)
    with pytest.raises(manifest.PackError, match=r"lies too deep for a\.zip.*MOTIONGPT_PACKS"):
        archives.install(path, home)
    assert list(home.iterdir()) == []


def test_what_a_killed_installation_left_goes_with_the_next_one(entries, home, tmp_path):
    for name, age in ((".new-old", 100_000), (".removed-old", 100_000), (".new-fresh", 60)):
        (home / name).mkdir(parents=True)
        os.utime(home / name, (os.path.getmtime(home) - age,) * 2)  # noqa: PTH204
    archives.install(zipped(tmp_path / "a.zip", entries), home)
    assert {p.name for p in home.iterdir()} == {"walks", ".new-fresh"}


def test_progress_rises_to_the_end(entries, home, tmp_path):
    shares = []
    archives.install(zipped(tmp_path / "a.zip", entries), home, progress=shares.append)
    assert shares == sorted(shares) and shares[-1] == 1.0 and len(shares) == 2 * len(entries)


# --- in a thread ------------------------------------------------------------------------


def test_a_task_installs_beside_the_main_thread(entries, home, tmp_path):
    task = InstallTask(zipped(tmp_path / "a.zip", entries), home)
    assert task.outcome() == home / "walks" and task.done and task.fraction == 1.0
    assert threading.current_thread() is threading.main_thread()
    again = InstallTask(tmp_path / "a.zip", home)
    with pytest.raises(manifest.PackError, match="choose Replace"):
        again.outcome()


def test_a_stopped_task_leaves_everything_as_it_was(entries, home, tmp_path, monkeypatch):
    path, reached, go_on = zipped(tmp_path / "a.zip", entries), threading.Event(), threading.Event()

    def slowly(source):
        yield 1
        reached.set()
        go_on.wait(60)
        yield 2

    monkeypatch.setattr(archives, "_read_all", slowly)
    task = InstallTask(path, home)
    assert reached.wait(60) and not task.done
    task.stop()
    go_on.set()
    with pytest.raises(InstallStoppedError):
        task.outcome()
    assert not home.exists()


def test_an_unforeseen_error_of_a_task_is_a_sentence(home, tmp_path, monkeypatch):
    def fail(*_, **__):
        raise ZeroDivisionError("division by zero")

    monkeypatch.setattr("motiongpt_blender.core.packs.install_task.install", fail)
    with pytest.raises(manifest.PackError, match="ZeroDivisionError: division by zero"):
        InstallTask(tmp_path / "a.zip", home).outcome()

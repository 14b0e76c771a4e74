"""Setting up as a child of Blender: real environments, killed and gone on with."""

import json
import shutil
import subprocess
import sys
import time
from pathlib import Path

import pytest

from motiongpt_blender.backend.child_task import Phase, set_up
from motiongpt_blender.backend.setup import base_python, installer
from motiongpt_blender.backend.setup.base_python import find_base, refusal
from motiongpt_blender.backend.setup.environment_folder import OUTSIDE
from motiongpt_blender.backend.setup.install_errors import InstallError
from motiongpt_blender.backend.setup.places import STAMP
from motiongpt_blender.core.folder_lock import FolderLock, FolderLockedError
from tests.support.child_processes import ROOT, wait_for
from tests.support.wheels import make_wheel

posix = pytest.mark.skipif(sys.platform == "win32", reason="uses links and shell lines")
BASE = Path(OUTSIDE)
PYPROJECT = """
[dependency-groups]
torch = ["torchlike==1.0"]
backend = ["tiny==2.0"]
[tool.motiongpt]
download-megabytes = { torch = 1, torch-gpu = 1, backend = 1 }
matrix = {}
"""


@pytest.fixture
def root(tmp_path, wheels, monkeypatch):
    """The extension's folder, with two small packages to install."""
    monkeypatch.setattr(installer.torch_source, "has_gpu", lambda: False)
    make_wheel(wheels, "torchlike", "1.0+cpu")
    make_wheel(wheels, "tiny", "2.0")
    folder = tmp_path / "extension"
    folder.mkdir()
    (folder / "motiongpt_blender").symlink_to(ROOT / "motiongpt_blender")
    (folder / "pyproject.toml").write_text(PYPROJECT)
    return folder


@pytest.fixture
def folder(tmp_path):
    return tmp_path / "a place" / "Umgebung ü"


@pytest.fixture
def begun(folder, template):
    """An environment of which only the packages are missing."""
    shutil.copytree(template, folder, symlinks=True)
    return folder


@posix
def test_the_environment_is_made_and_named(root, folder):
    task = set_up(BASE, root, folder)
    task.wait()
    end = task.progress
    assert (end.phase, end.fraction) == (Phase.DONE, 1.0)
    assert end.made == folder / "bin" / "python"
    stamp = json.loads((folder / STAMP).read_text())
    assert stamp["groups"] == {"torch": ["torchlike==1.0"], "backend": ["tiny==2.0"]}
    assert sorted(path.name for path in folder.parent.iterdir()) == [
        folder.name, f"{folder.name}-install.log", f"{folder.name}.lock",
    ]  # fmt: skip


@posix
@pytest.mark.parametrize("seconds", [0.15, 0.9, 2.5])
def test_a_killed_set_up_goes_on(root, begun, seconds):
    folder = begun
    first = set_up(BASE, root, folder)
    time.sleep(seconds)  # whatever it does by then
    first.cancel()
    first.wait()
    assert first.progress.phase in (Phase.CANCELLED, Phase.DONE)
    second = set_up(BASE, root, folder)
    second.wait()
    if "out of reach" in second.progress.text:
        pytest.skip(f"the package index did not answer: {second.progress.text}")
    assert second.progress.phase is Phase.DONE, second.progress.text
    assert not [path for path in folder.parent.iterdir() if path.name.endswith(".downloads")]


@posix
def test_pytorch_of_a_killed_set_up_is_found_where_it_came_from(root, begun, wheels):
    """pip would say that there is nothing to install, and uv know no such build."""
    python = begun / "bin" / "python"
    pip = [python, "-m", "pip", "install", "-q", "torchlike==1.0"]
    subprocess.run(pip, check=True)
    source = installer.torch_source.choose(python, ["torchlike==1.0"])
    assert source.installer is installer.torch_source.Installer.PIP
    assert source.on_disk


@posix
def test_what_cannot_be_had_is_one_sentence_and_nothing_is_named(root, begun, wheels):
    for wheel in wheels.glob("tiny*"):
        wheel.unlink()
    task = set_up(BASE, root, begun)
    task.wait()
    assert task.progress.phase is Phase.FAILED
    assert task.progress.made is None
    assert "No build of tiny" in task.progress.text
    assert not [path for path in begun.parent.iterdir() if path.name.endswith(".downloads")]
    assert task.progress.text.count(". ") == 0


@posix
def test_two_blenders_do_not_make_one_environment(root, folder):
    folder.parent.mkdir(parents=True)
    with FolderLock(folder):
        task = set_up(BASE, root, folder)
        task.wait()
    assert task.progress.phase is Phase.FAILED
    assert "being written by another program" in task.progress.text
    assert not folder.exists()
    with FolderLock(folder):  # given back
        pass


@posix
def test_a_child_that_dies_is_told_with_its_last_words(tmp_path, folder):
    python = tmp_path / "python"
    python.write_text("#!/bin/sh\necho 'Illegal instruction' >&2\nexit 4\n")
    python.chmod(0o755)
    task = set_up(python, tmp_path, folder)
    task.wait()
    assert task.progress.phase is Phase.FAILED
    assert "Illegal instruction" in task.progress.text


@posix
def test_a_child_says_what_it_is_at(tmp_path, folder):
    python = tmp_path / "python"
    lines = """'{"stage": "Conversion"}' '{"fraction": 0.5}' '{"says": "Half."}'"""
    python.write_text(f"#!/bin/sh\nprintf '%s\\n' {lines}\nsleep 60\n")
    python.chmod(0o755)
    task = set_up(python, tmp_path, folder)
    wait_for(lambda: task.progress.text == "Half.", "the third line")
    assert (task.progress.stage, task.progress.fraction) == ("Conversion", 0.5)
    task.cancel()


@posix
def test_a_folder_that_cannot_be_written_is_named(root, tmp_path):
    blocked = tmp_path / "file"
    blocked.write_text("")
    task = set_up(BASE, root, blocked / "env")
    task.wait()
    assert task.progress.phase is Phase.FAILED
    assert str(blocked) in task.progress.text


@posix
def test_cancel_ends_what_was_started(root, folder, tmp_path):
    python = tmp_path / "python"
    python.write_text(f"#!/bin/sh\nsleep 600 & echo $! > '{tmp_path}/pid'; wait\n")
    python.chmod(0o755)
    task = set_up(python, root, folder)
    pid = wait_for(lambda: (tmp_path / "pid").exists() and (tmp_path / "pid").read_text(), "pid")
    task.cancel()
    gone = Path(f"/proc/{int(pid)}")
    wait_for(lambda: not gone.exists() or "Z" in (gone / "stat").read_text().split()[2], "the end")
    assert task.progress.phase is Phase.CANCELLED


def test_the_python_that_is_named_is_asked_first(tmp_path):
    assert find_base(BASE) == BASE
    with pytest.raises(InstallError, match="it does not start"):
        find_base(tmp_path / "nothing")


@posix
@pytest.mark.parametrize(
    ("script", "why"),
    [
        ("exit 1", "lacks the module venv"),
        ("echo 3 9 64 x", "it is Python 3.9"),
        ("echo 3 99 64 x", "it is Python 3.99"),
        ("echo hello", "does not say what it is"),
    ],
)
def test_a_python_that_cannot_is_refused_with_the_reason(tmp_path, script, why):
    python = tmp_path / "python"
    python.write_text(f"#!/bin/sh\n{script}\n")
    python.chmod(0o755)
    assert why in (refusal(python) or "")


@posix
def test_a_python_that_hangs_is_refused(tmp_path, monkeypatch):
    python = tmp_path / "python"
    python.write_text("#!/bin/sh\nexec sleep 60\n")
    python.chmod(0o755)
    monkeypatch.setattr(base_python, "PATIENCE", 0.3)
    with pytest.raises(InstallError, match=r"cannot make .*: it does not answer within 0 seconds"):
        find_base(python)


@posix
def test_another_python_is_found_where_blenders_own_cannot(tmp_path, monkeypatch):
    tools = tmp_path / "bin"
    tools.mkdir()
    for name, script in (("python3.13", "echo 3 13 64 x"), ("python3.11", "exit 1")):
        (tools / name).write_text(f"#!/bin/sh\n{script}\n")
        (tools / name).chmod(0o755)
    monkeypatch.setenv("PATH", f"{tools}:/bin:/usr/bin")
    monkeypatch.setattr(sys, "_base_executable", str(tmp_path / "blender-python"), raising=False)
    assert find_base() == tools / "python3.13"


@posix
def test_windows_launcher_knows_more_pythons(tmp_path, monkeypatch):
    """python.org's installer leaves its Pythons off PATH."""
    python = tmp_path / "Programme ü" / "python3"
    python.parent.mkdir()
    python.write_text("#!/bin/sh\necho 3 12 64 x\n")
    launcher = tmp_path / "bin" / "py"
    launcher.parent.mkdir()
    launcher.write_text(f"#!/bin/sh\n[ $1 = -3.12 ] && echo '{python}'\n")
    for program in (python, launcher):
        program.chmod(0o755)
    monkeypatch.setenv("PATH", str(launcher.parent))
    monkeypatch.setattr(sys, "_base_executable", str(tmp_path / "blender-python"), raising=False)
    assert find_base() == python


@pytest.mark.parametrize(
    ("python", "why"),
    [
        (r"C:\Program Files\WindowsApps\Blender\5.0\python\bin\python.exe", "Microsoft Store"),
        ("/private/var/folders/T/AppTranslocation/1/d/Blender.app/python3", "Applications folder"),
    ],
)
def test_a_python_in_a_place_that_changes_is_not_started(python, why, monkeypatch):
    monkeypatch.setattr(base_python, "ask", None)
    with pytest.raises(InstallError, match=why):
        find_base(Path(python))


@pytest.mark.parametrize(
    ("answer", "system", "why"),
    [
        ("3 11 64 arm64", "darwin", None),
        ("3 11 64 x86_64", "darwin", "Intel"),  # also on an Apple processor, under Rosetta
        ("3 11 64 AMD64", "win32", None),
        ("3 11 32 x86", "win32", "32-bit"),
        ("3 11 64 x86_64", "linux", None),
    ],
)
def test_a_build_that_pytorch_has_none_for_is_refused(answer, system, why):
    found = base_python.refusal_of_build(answer, system)
    assert found is None if why is None else why in str(found)


def test_without_any_python_the_sentence_says_what_to_do(monkeypatch):
    monkeypatch.setattr(base_python, "refusal", lambda python: "it does not start")
    with pytest.raises(InstallError, match=r"No Python 3\.11, 3\.12, 3\.13 .* python\.org"):
        find_base()


def test_the_lock_goes_with_its_holder(tmp_path):
    with FolderLock(tmp_path / "x"), pytest.raises(FolderLockedError), FolderLock(tmp_path / "x"):
        pass
    shutil.rmtree(tmp_path)

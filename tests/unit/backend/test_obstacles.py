"""What a computer may have in store for Set Up: each ends in one sentence, and nothing is lost."""

import errno
import os
import shutil
import sys
import time
from pathlib import Path

import pytest

from motiongpt_blender.backend.child_task import Phase, set_up
from motiongpt_blender.backend.setup import install_errors, torch_source
from motiongpt_blender.backend.setup.environment_folder import State
from motiongpt_blender.backend.setup.install_errors import InstallError, cannot_write
from motiongpt_blender.backend.setup.installer import Environment
from motiongpt_blender.backend.setup.pins import Pins
from tests.support.wheels import make_wheel
from tests.unit.backend.test_child_task import BASE, begun, folder, root  # noqa: F401
from tests.unit.backend.test_installer import ensure, environment, pins  # noqa: F401

posix = pytest.mark.skipif(sys.platform == "win32", reason="uses links and shell lines")


@posix
def test_an_extension_that_is_replaced_meanwhile_ends_no_set_up(root, begun, tmp_path):  # noqa: F811
    """Another Blender upgrades it: what runs already goes on without its folder."""
    task = set_up(BASE, root, begun)
    lines = begun.with_name(f"{begun.name}-install.log")
    deadline = time.monotonic() + 60
    while "Installing" not in task.progress.text and not lines.exists():
        assert time.monotonic() < deadline and task.progress.phase is Phase.RUNNING
        time.sleep(0.02)
    shutil.rmtree(root)
    task.wait()
    assert task.progress.phase is Phase.DONE, task.progress.text


def test_full_disk_on_the_way():
    text = "ERROR: Could not install packages due to an OSError: [Errno 28] No space left on device"
    sentence = install_errors.explain(text, "blender", Path("/x/.venv"), Path("python"))
    assert sentence == "The disk of /x/.venv is full: make room there and try again."


@posix
def test_an_environment_of_another_python_is_told_apart(environment, tmp_path):  # noqa: F811
    other = tmp_path / "python3.13"
    other.write_text("#!/bin/sh\necho 3.13.9\n")
    other.chmod(0o755)
    assert environment.state() is State.OURS
    assert Environment(environment.folder, other).state() is State.OTHER_PYTHON


def test_variables_that_change_python_reach_no_installer(environment, monkeypatch):  # noqa: F811
    for name in ("PYTHONHOME", "PYTHONPATH", "PYTHONSTARTUP"):
        monkeypatch.setenv(name, "nowhere")
    code = "import os, sys; sys.exit(sorted(v for v in os.environ if v.startswith('PYTHON')))"
    with pytest.raises(InstallError, match=r"\['PYTHONUTF8'\]"):
        environment._call([str(environment.python), "-c", code], "it", print)


@pytest.mark.parametrize(
    "line",
    [
        "ERROR: THESE PACKAGES DO NOT MATCH THE HASHES FROM THE REQUIREMENTS FILE.",
        "pip._vendor.urllib3.exceptions.IncompleteRead(500 bytes read, 500 more expected)",
        "  Hash mismatch for `torch==2.13.0`",
        "ERROR: Wheel 'tiny' located at /x/tiny-2.0-py3-none-any.whl is invalid.",
    ],
)
def test_what_arrives_damaged_is_told_so(line, tmp_path):
    text = f"Collecting tiny\n{line}\nERROR: No matching distribution found for tiny"
    sentence = install_errors.explain(text, "PyTorch", tmp_path / "env", Path("python"))
    assert sentence.startswith("PyTorch arrived damaged or cut off for ")
    assert "try again" in sentence and sentence.count(". ") == 0


def test_an_index_that_fails_is_out_of_reach_and_lacks_nothing(tmp_path):
    """Its packages are there as soon as it answers."""
    lines = (
        "WARNING: Retrying (Retry(total=0)) after connection broken by 'ResponseError('too many "
        "503 error responses')': /simple/tiny/\nERROR: No matching distribution found for tiny==2.0"
    )
    sentence = install_errors.explain(lines, "PyTorch", tmp_path / "env", Path("python"))
    assert "out of reach; check the connection" in sentence and "No build" not in sentence


def test_a_disk_that_is_full_without_a_word_of_it(tmp_path, monkeypatch):
    """venv says no more than that ensurepip failed."""
    text = "Error: Command '['python', '-m', 'ensurepip']' returned non-zero exit status 1."
    asked = text, "the virtual environment", tmp_path / "not yet", Path("python")
    assert "failed (Error: Command" in install_errors.explain(*asked)
    usage = shutil.disk_usage("/")._replace(free=2**20)
    monkeypatch.setattr(shutil, "disk_usage", lambda _: usage)
    assert "is full: make room there" in install_errors.explain(*asked)


def test_a_group_whose_installation_broke_off_is_not_noted(environment, wheels, monkeypatch):  # noqa: F811
    """pip may have written what names the package, and not the package."""
    make_wheel(wheels, "tiny", "1.0")
    ensure(environment, pins(small=["tiny==1.0"]), ["small"])
    assert "small" in environment.stamp()["groups"]
    for path in environment.folder.rglob("tiny*"):
        shutil.rmtree(path) if path.is_dir() else path.unlink()

    def break_off(self, *_):
        raise KeyboardInterrupt

    monkeypatch.setattr(Environment, "_call", break_off)
    with pytest.raises(KeyboardInterrupt):
        ensure(environment, pins(small=["tiny==1.0"]), ["small"])
    assert "small" not in environment.stamp()["groups"]


@posix
def test_a_driver_that_hangs_is_no_gpu(tmp_path, monkeypatch):
    tool = tmp_path / "nvidia-smi"
    tool.write_text("#!/bin/sh\nexec sleep 60\n")
    tool.chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}:/bin:/usr/bin")
    monkeypatch.setattr(torch_source, "PATIENCE", 0.3)
    began = time.monotonic()
    torch_source.has_gpu()
    assert time.monotonic() - began < 10


@posix
def test_a_folder_that_leads_in_a_circle_or_nowhere_is_refused_in_one_sentence(tmp_path):
    for name, target in (("one", "two"), ("two", "one"), ("dangling", "gone/away")):
        (tmp_path / name).symlink_to(tmp_path / target)
    for name in ("one", "dangling"):
        with pytest.raises(InstallError) as error:
            Environment(tmp_path / name).ensure(Pins({}, {}, {}), [])
        begins = f"{tmp_path / name} cannot be written ("
        assert str(error.value).startswith(begins), error.value
        assert str(error.value).endswith("): choose another folder.")
        assert (tmp_path / name).is_symlink()


@pytest.mark.parametrize(
    ("number", "sentence"),
    [
        (errno.EROFS, "E cannot be written (Read-only file system): choose another folder."),
        (
            errno.ENAMETOOLONG,
            "E cannot be written (File name too long): choose another folder.",
        ),
        (errno.ENOSPC, "The disk of E is full: make room there and try again."),
    ],
)
def test_what_the_system_says_of_a_folder_is_one_sentence(number, sentence):
    error = OSError(number, os.strerror(number), "E/some/file")
    assert cannot_write(error, Path("E")) == sentence


def test_a_path_that_is_too_long_is_not_shown_whole():
    error = OSError(errno.ENAMETOOLONG, "File name too long")
    assert len(cannot_write(error, Path("/" + "x" * 5000))) < 400

"""What a killed process left is removed: old folders of one's own, and nothing else."""

import os
import subprocess
import sys
import time
from pathlib import Path

import pytest

from motiongpt_blender.core import leftovers
from tests.support.child_processes import ROOT


@pytest.fixture
def make(tmp_path):
    def maker(name, age=2 * leftovers.OLD):
        folder = tmp_path / name
        folder.mkdir()
        (folder / "poses.npz").write_bytes(b"x")
        os.utime(folder, (time.time() - age,) * 2)
        return folder

    return maker


def test_old_folders_of_the_prefix_go(make, tmp_path):
    old, fresh, other = make("job-a"), make("job-b", age=60), make("else-c")
    (tmp_path / "job-file").write_text("")
    os.utime(tmp_path / "job-file", (1, 1))
    leftovers.sweep(tmp_path, "job-")
    assert not old.exists()
    assert fresh.exists() and other.exists() and (tmp_path / "job-file").exists()


def test_a_clock_that_was_set_back_removes_nothing_of_now(make, tmp_path, monkeypatch):
    present = make("job-now", age=0)
    earlier = time.time() - 400 * 24 * 3600
    monkeypatch.setattr(time, "time", lambda: earlier)
    leftovers.sweep(tmp_path, "job-")
    assert present.exists()


@pytest.mark.skipif(not hasattr(os, "getuid"), reason="folders have owners on Unix")
def test_folders_of_others_and_links_stay(make, tmp_path, monkeypatch):
    old = make("job-a")
    (tmp_path / "job-link").symlink_to(make("else"))
    os.utime(tmp_path / "job-link", (1, 1), follow_symlinks=False)
    with monkeypatch.context() as other:
        other.setattr(os, "getuid", lambda: old.stat().st_uid + 1)
        leftovers.sweep(tmp_path, "job-")
        assert old.exists()
    leftovers.sweep(tmp_path, "job-")
    assert not old.exists()
    assert (tmp_path / "else" / "poses.npz").exists() and (tmp_path / "job-link").is_symlink()


def test_a_folder_that_cannot_be_listed_is_let_be(tmp_path):
    leftovers.sweep(tmp_path / "missing", "job-")


def test_a_job_folder_goes_with_its_process(tmp_path):
    code = (
        "from motiongpt_blender import paths; f = paths.new_job_folder();"
        "(f / 'poses.npz').write_bytes(b'x'); print(f)"
    )
    environment = {**os.environ, "TMPDIR": str(tmp_path)}
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=ROOT, env=environment, check=True, capture_output=True
    )
    folder = Path(done.stdout.decode().strip())
    assert folder.parent == tmp_path and not folder.exists()

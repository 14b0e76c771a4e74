"""Real child processes: greeted, heard, killed."""

import contextlib
import os
import signal
import stat
import sys
import threading
import time
from pathlib import Path

import pytest

from motiongpt_blender import wire
from motiongpt_blender.backend.process import (
    STDERR_LINES,
    BackendProcess,
    Exited,
    Garbage,
    LaunchError,
)
from tests.support.child_processes import (
    PATIENCE,
    ROOT,
    events_until,
    fake_launch,
    request,
    running,
    wait_for,
)

posix = pytest.mark.skipif(sys.platform == "win32", reason="signals and scripts of Unix")


@pytest.fixture
def start():
    """Start processes that are gone after the test."""
    started = []

    def starter(launch=None):
        started.append(BackendProcess(launch or fake_launch()))
        return started[-1]

    yield starter
    for process in started:
        process.kill()


@pytest.fixture
def script(tmp_path):
    """A launch whose "Python" is a shell script."""

    def make(text):
        path = tmp_path / "python"
        path.write_text(f"#!/bin/sh\n{text}\n")
        path.chmod(path.stat().st_mode | stat.S_IXUSR)
        return fake_launch(python=path)

    return make


def kinds(events):
    return [type(event).__name__ for event in events]


def test_command_line():
    words = fake_launch(device="cpu").command()
    assert words[1:5] == ["-s", "-m", "ext_models", "serve"]
    assert words[5:] == ["--pack", str(ROOT), "--device", "cpu", "--fake"]
    assert "--fake" not in fake_launch(fake=False).command()


def test_environment_is_not_bent(monkeypatch):
    monkeypatch.setenv("PYTHONHOME", "/nowhere")
    monkeypatch.setenv("PYTHONPATH", "/nowhere")
    monkeypatch.setenv("PYTHONHASHSEED", "x")  # no Python starts with it
    python = {k: v for k, v in fake_launch().environment().items() if k.startswith("PYTHON")}
    assert python == {"PYTHONPATH": str(ROOT), "PYTHONUTF8": "1"}


def test_what_apples_gpu_lacks_is_done_by_the_processor():
    name = "PYTORCH_ENABLE_MPS_FALLBACK"
    assert fake_launch().environment("darwin")[name] == "1"
    assert name not in fake_launch().environment("linux")


def test_hello_work_and_goodbye(start, tmp_path):
    process = start()
    process.send(request(tmp_path))
    events = events_until(process, wire.Result)
    hello = events[0]
    assert isinstance(hello, wire.Hello)
    assert hello.pid == process.pid and hello.protocol == wire.PROTOCOL
    assert "fake" in hello.backend
    assert set(kinds(events[1:-1])) == {"Progress", "Sketch"}
    process.close()
    assert events_until(process, Exited)[-1] == Exited(0, "")
    assert not process.alive()


def test_nothing_comes_after_the_exit(start):
    process = start()
    process.close()
    events_until(process, Exited)
    time.sleep(0.1)
    process.send(wire.Cancel("late"))  # heard by nobody, hurts nobody
    assert list(process.events()) == []


def test_crash_is_reported_with_its_last_words(start, tmp_path, monkeypatch):
    monkeypatch.setenv("MOTIONGPT_FAKE_MODE", "crash")
    process = start()
    process.send(request(tmp_path))
    assert events_until(process, Exited)[-1] == Exited(3, "fake: crashes, as asked\n")


def test_death_at_start(start, monkeypatch):
    monkeypatch.setenv("MOTIONGPT_FAKE_MODE", "die-at-start")
    events = events_until(start(), Exited)
    assert kinds(events) == ["Exited"]
    assert events[0].code == 1 and "dies at start" in events[0].stderr


def test_garbage_is_an_event_like_any_other(start, monkeypatch):
    monkeypatch.setenv("MOTIONGPT_FAKE_MODE", "garbage")
    events = events_until(start(), wire.Hello)
    assert kinds(events) == ["Garbage", "Hello"]
    assert "not JSON" in events[0].reason


@posix
def test_killed_from_outside(start):
    process = start()
    events_until(process, wire.Hello)
    os.kill(process.pid, signal.SIGKILL)
    assert events_until(process, Exited)[-1].code == -signal.SIGKILL


@posix
def test_kill_ends_a_child_that_hangs(start, tmp_path, monkeypatch):
    monkeypatch.setenv("MOTIONGPT_FAKE_MODE", "hang")
    process = start()
    process.send(request(tmp_path))
    events_until(process, wire.Progress)
    process.kill()
    wait_for(lambda: not process.alive(), "the end of the child")


def open_things():
    """Names of this process's open descriptors, and its threads that serve a child."""
    threads = {thread for thread in threading.enumerate() if thread.name == "motiongpt-backend"}
    links = set()
    for descriptor in Path("/proc/self/fd").iterdir():
        with contextlib.suppress(FileNotFoundError):  # the one that lists the folder
            links.add(str(descriptor.readlink()))
    return threads | links


@pytest.mark.skipif(not Path("/proc/self/fd").is_dir(), reason="reads descriptors in /proc")
@pytest.mark.parametrize("end", ["killed", "crashed"])
def test_an_ended_child_leaves_no_thread_and_no_descriptor(start, end):
    # What earlier tests left may end meanwhile, so only what this child opened is counted.
    before = open_things()
    process = start()
    events_until(process, wire.Hello)
    opened = open_things() - before
    assert len(opened) >= 2, "a thread and a pipe at least"
    if end == "killed":
        process.kill()
    else:
        os.kill(process.pid, signal.SIGKILL)
    wait_for(lambda: not opened & open_things(), "the end of threads and pipes")


@posix
def test_a_crash_is_not_explained_by_a_progress_bar(start, script):
    bar = "Loading weights:  45%%|####      | 45/100 [00:01<00:01, 40.1it/s]"
    process = start(script(f"echo Oops >&2; printf '\\r{bar}\\r{bar}\\n' >&2; exit 3"))
    assert events_until(process, Exited)[-1].stderr == "Oops\n\n"


@posix
def test_kill_ends_the_grandchildren_too(start, script, tmp_path):
    process = start(script(f"sleep 600 & echo $! > '{tmp_path}/pid'; wait"))
    text = wait_for(lambda: (tmp_path / "pid").exists() and (tmp_path / "pid").read_text(), "pid")
    grandchild = int(text)
    assert running(grandchild)
    process.kill()
    wait_for(lambda: not running(grandchild), "the grandchild's end")


@posix
def test_shutdown_is_polite_and_stops_the_job(start, tmp_path, monkeypatch):
    monkeypatch.setenv("MOTIONGPT_FAKE_MODE", "slow")
    process = start()
    process.send(request(tmp_path))
    events_until(process, wire.Progress)
    process.shutdown(grace=PATIENCE)
    assert process._child.returncode == 0  # not killed
    assert "Result" not in kinds(process.events())


@posix
def test_an_endless_line_does_not_fill_the_memory(start, script):
    process = start(script("head -c 3000000 /dev/zero | tr '\\0' x"))
    events = events_until(process, Exited)
    assert kinds(events) == ["Garbage"] * 3 + ["Exited"]
    assert all(len(event.reason) < 300 for event in events if isinstance(event, Garbage))


@posix
def test_a_chatty_child_is_read_in_portions(start, script):
    process = start(script("yes hello | head -5000; yes oops | head -900 >&2"))
    assert len(list(process.events(limit=7))) <= 7
    events = events_until(process, Exited)
    assert len(events) > 4900
    assert events[-1].stderr.count("oops") == STDERR_LINES


@posix
def test_bytes_that_are_no_text(start, script):
    events = events_until(start(script("printf '\\377\\376\\n'")), Exited)
    assert kinds(events) == ["Garbage", "Exited"]


@posix
def test_a_child_that_closed_its_mouth_is_ended(start, script):
    process = start(script("exec >&-; sleep 600"))
    assert events_until(process, Exited)[-1].code == -signal.SIGKILL


@pytest.mark.parametrize("name", ["missing", "."])
def test_a_python_that_cannot_start_is_one_sentence(tmp_path, name):
    with pytest.raises(LaunchError) as caught:
        BackendProcess(fake_launch(python=tmp_path / name))
    sentence = str(caught.value)
    assert str(tmp_path) in sentence and "preferences" in sentence
    assert sentence.endswith(".") and "\n" not in sentence

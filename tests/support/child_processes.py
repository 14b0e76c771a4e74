"""Launches of the fake model and patience, for the tests of real processes."""

import os
import sys
import time
from pathlib import Path

from motiongpt_blender import wire
from motiongpt_blender.backend.process import Exited, Launch

ROOT = Path(__file__).resolve().parents[2]
#: Seconds that a test waits for a process; generous, for machines that are busy.
PATIENCE = 240.0


def fake_launch(**changes):
    """A launch of the fake model with this Python."""
    values = {"python": Path(sys.executable), "root": ROOT, "pack": ROOT, "fake": True}
    return Launch(**{**values, **changes})


def request(folder, job="one", frames=41, prompt="a person walks", **changes):
    """A small request."""
    return wire.Generate(job, prompt, frames, str(folder), **changes)


def wait_for(condition, what):
    """Ask until the answer is true, and return it."""
    deadline = time.monotonic() + PATIENCE
    while time.monotonic() < deadline:
        if answer := condition():
            return answer
        time.sleep(0.02)
    raise AssertionError(f"waited {PATIENCE:.0f} s for {what}")


def events_until(process, last):
    """All events up to the first of the type ``last``, or the end of the process."""
    seen = []

    def done():
        seen.extend(process.events())
        return any(isinstance(event, (last, Exited)) for event in seen)

    wait_for(done, last.__name__)
    return seen


def running(pid):
    """Whether a process of that number runs (a zombie does not)."""
    try:
        os.kill(pid, 0)
        return " Z " not in Path(f"/proc/{pid}/stat").read_text()
    except OSError:
        return False

"""What every tier shares: markers by folder, the shared folder, and an honest closing line."""

import json
import os
import shutil
import sys
import tempfile
import time
from collections import Counter
from pathlib import Path

import pytest

try:
    from hypothesis import settings
except ImportError:  # the matrix's Blenders carry only what tier bpy needs
    pass
else:
    # A slow machine is not a wrong answer; speed is held elsewhere.
    settings.register_profile("patient", deadline=None)
    settings.load_profile("patient")

ROOT = Path(__file__).resolve().parents[1]
TESTS = Path(__file__).resolve().parent
SHARED = Path(os.environ.get("MOTIONGPT_SHARED", ROOT.parent / "shared"))
EXIT_STATUS = pytest.StashKey[int]()
# No test writes into the log, or the history of prompts, of whoever runs it.
OWN = str(Path(tempfile.gettempdir()) / f"motiongpt-test-{os.getpid()}")
os.environ |= {"MOTIONGPT_LOG": f"{OWN}.log", "MOTIONGPT_PROMPTS": f"{OWN}.json"}
# Threads of PyTorch wait for each other by spinning: beside a busy core two are slower than one.
os.environ.setdefault("OMP_NUM_THREADS", "1")
MARKED = ("models", "bpy", "package", "gui")


def pytest_collection_modifyitems(items):
    """A test bears the marker of its folder, so that ``-m "not gui"`` works anywhere."""
    for item in items:
        tier = item.path.relative_to(TESTS).parts[0]
        if tier in MARKED:
            item.add_marker(getattr(pytest.mark, tier))


@pytest.fixture(scope="session")
def root():
    """The checkout."""
    return ROOT


@pytest.fixture(scope="session")
def shared():
    """``shared("data")``: a part of the folder that MOTIONGPT_SHARED names, or a skip."""

    def part(name):
        path = SHARED / name
        if not path.exists():
            pytest.skip(f"needs {name} of the folder that MOTIONGPT_SHARED names; it is not there")
        return path

    return part


@pytest.fixture(scope="session")
def longest_slice():
    """``longest_slice(make)``: the longest slice of some steps, as a share of all their time.

    ``make`` makes the steps anew for each run, of which the best counts. It is the processor's
    time, and a share, so that a slow or busy machine says the same as a fast one.
    """

    def share(make, runs=5):
        shares = []
        for _ in range(runs):
            slices, began = [], time.thread_time()
            for _ in make():
                slices.append(time.thread_time() - began)
                began = time.thread_time()
            slices.append(time.thread_time() - began)
            shares.append(max(slices) / sum(slices))
        return min(shares)

    return share


def pytest_terminal_summary(terminalreporter):
    """Count the skips, name their reasons, and leave the numbers where asked."""
    stats = terminalreporter.stats
    reasons = [_reason(report) for report in stats.get("skipped", [])]
    if reasons:
        named = "; ".join(f"{count} x {reason}" for reason, count in Counter(reasons).items())
        terminalreporter.write_line(f"{len(reasons)} skipped: {named}")
    failed = [report.nodeid for kind in ("failed", "error") for report in stats.get(kind, [])]
    numbers = {"passed": len(stats.get("passed", [])), "failed": failed, "skipped": reasons}
    if place := os.environ.get("MOTIONGPT_TEST_REPORT"):
        Path(place).write_text(json.dumps(numbers), "utf-8")


@pytest.hookimpl(trylast=True)
def pytest_sessionfinish(session, exitstatus):
    session.config.stash[EXIT_STATUS] = int(exitstatus)


@pytest.hookimpl(trylast=True)
def pytest_unconfigure(config):
    """Leave at once where Blender was imported: on its way out the module may hang (4.5)."""
    if "bpy" in sys.modules and EXIT_STATUS in config.stash:
        shutil.rmtree(sys.modules["bpy"].app.tempdir, ignore_errors=True)
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(config.stash[EXIT_STATUS])


def _reason(report):
    reason = report.longrepr[2] if isinstance(report.longrepr, tuple) else str(report.longrepr)
    return reason.removeprefix("Skipped: ")

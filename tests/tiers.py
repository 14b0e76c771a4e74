"""Runs the tests tier by tier and adds up what happened. Called by ``build.py test``.

Standard library only: it runs before and outside the environment it is given. A tier
is a folder of tests, but for ``lint`` (ruff and pyright) and ``matrix`` (``tests/bpy``
once more under each Blender of the matrix). Two run at a time, where there are two cores;
each says what it has to say when it has ended. Nothing is skipped silently: the closing
lines count the skips and name their reasons.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import tempfile
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor, as_completed
from dataclasses import dataclass, field
from pathlib import Path

from motiongpt_blender.backend.locations import VARIABLE
from motiongpt_blender.backend.setup.install_errors import InstallError
from motiongpt_blender.backend.setup.installer import Environment
from motiongpt_blender.backend.setup.pins import Pins

ROOT = Path(__file__).resolve().parents[1]
#: The long ones first, so that no core waits for the other at the end.
TIERS = ("bpy", "models", "gui", "unit", "matrix", "lint", "package")
#: Tiers that run at one time.
LANES = min(2, os.cpu_count() or 1)
#: pytest's word for "there was nothing to run".
NO_TESTS = 5
#: Seconds after which a tier counts as stuck.
LIMIT = 1800
#: Download size of one Blender of the matrix in MB, as measured on Linux.
MATRIX_MEGABYTES = 420
NEEDS_NETWORK = ("nodejs", "getaddrinfo", "ENOTFOUND", "urlopen error", "Connection")


@dataclass
class Tally:
    """What the tiers came to.

    Attributes:
        passed: number of tests and checks that passed.
        failed: name of each that did not.
        skipped: reason of each that was skipped, with its tier.
    """

    passed: int = 0
    failed: list[str] = field(default_factory=list)
    skipped: Counter[str] = field(default_factory=Counter)

    def add(self, other: Tally) -> None:
        """Count what another came to as well."""
        self.passed += other.passed
        self.failed += other.failed
        self.skipped += other.skipped


@dataclass(frozen=True)
class Outcome:
    """What one tier came to, and what it printed."""

    tally: Tally
    text: str = ""


@dataclass(frozen=True)
class Job:
    """One tier, or one Blender of the matrix, that can run beside others."""

    name: str
    run: Callable[[], Outcome]


def run(python: str, pins: Pins, chosen: Sequence[str] | None) -> int:
    """Run the chosen tiers, or all that this machine can; returns the exit status.

    Args:
        python: the Python of the environment with every package.
        pins: what ``pyproject.toml`` asks for.
        chosen: tier names; None for all, without setting up Blenders for the matrix.
    """
    tally = Tally()
    jobs: list[Job] = []
    for tier in TIERS if chosen is None else dict.fromkeys(chosen):
        if tier == "models" and os.environ.get(VARIABLE):
            tally.skipped[f"{tier}: .venv goes without PyTorch, {VARIABLE} names its own"] += 1
        elif tier == "lint":
            jobs.append(Job(tier, lambda: _lint(python)))
        elif tier == "matrix":
            wanted = dict(pins.matrix)
            if chosen is None or "bpy" in chosen:  # once is enough
                wanted = {b: p for b, p in wanted.items() if not _is_own(pins, b)}
            jobs += _matrix(pins, wanted, tally, set_up=chosen is not None)
        else:
            jobs.append(_tests(python, tier, ROOT / "tests" / tier))
    _run_beside(jobs, tally)
    _close(tally)
    return 1 if tally.failed else 0


def _run_beside(jobs: Sequence[Job], tally: Tally) -> None:
    """Run some jobs in lanes and add them up; their words come out one after the other."""

    def begun(job: Job) -> Outcome:
        _say(f"{job.name}: running ...")
        return job.run()

    with ThreadPoolExecutor(max_workers=LANES) as lanes:
        names = {lanes.submit(begun, job): job.name for job in jobs}
        for done in as_completed(names):
            outcome = done.result()
            _say(f"\n== {names[done]} ==\n{outcome.text.strip()}\n")
            tally.add(outcome.tally)


def _close(tally: Tally) -> None:
    if tally.skipped:
        _say("\nSkipped:")
        for reason, count in sorted(tally.skipped.items()):
            _say(f"  {count} x {reason}")
    for name in tally.failed:
        _say(f"Failed: {name}")
    total = sum(tally.skipped.values())
    _say(f"\n{tally.passed} passed, {len(tally.failed)} failed, {total} skipped")


# --- one tier ---------------------------------------------------------------------------


def _lint(python: str) -> Outcome:
    checks = {
        "ruff check": [python, "-m", "ruff", "check", "."],
        "ruff format": [python, "-m", "ruff", "format", "--check", "."],
        "pyright": [python, "-m", "pyright"],
    }
    tally, lines = Tally(), list[str]()
    for name, command in checks.items():
        done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
        text = done.stdout + done.stderr
        if done.returncode == 0:
            tally.passed += 1
            lines.append(f"{name}: clean")
        elif name == "pyright" and os.environ.get(VARIABLE):
            tally.skipped["lint: pyright needs PyTorch in .venv to follow its types"] += 1
        elif name == "pyright" and not shutil.which("node") and _contains(text, NEEDS_NETWORK):
            tally.skipped[f"lint: {name} needs Node.js, which is not here"] += 1
        else:
            tally.failed.append(name)
            lines.append(text)
    return Outcome(tally, "\n".join(lines))


def _tests(python: str, name: str, folder: Path, *options: str) -> Job:
    return Job(name, lambda: _pytest(python, name, folder, *options))


def _pytest(python: str, tier: str, folder: Path, *options: str) -> Outcome:
    """Run pytest on a folder; its numbers are in the report that conftest.py writes."""
    tally = Tally()
    if not any(folder.glob("**/test_*.py")):
        tally.skipped[f"{tier}: no tests"] += 1
        return Outcome(tally)
    with tempfile.TemporaryDirectory() as scratch:
        report, words = Path(scratch) / "report.json", Path(scratch) / "words.txt"
        status = _call_pytest(python, (str(folder), *options), report, words)
        # What else a dying Blender wrote need not be text.
        text = words.read_text("utf-8", errors="replace")
        numbers = json.loads(report.read_text("utf-8")) if report.exists() else None
    if status is None:
        tally.failed.append(f"{tier}: did not end within {LIMIT} seconds")
    elif numbers is None:
        tally.failed.append(f"{tier}: pytest ended with {status} and no report")
    else:
        tally.passed += numbers["passed"]
        tally.failed += [f"{tier}: {name}" for name in numbers["failed"]]
        tally.skipped.update(f"{tier}: {reason}" for reason in numbers["skipped"])
        if status not in (0, NO_TESTS) and not numbers["failed"]:
            tally.failed.append(f"{tier}: pytest ended with {status} after its tests")
    return Outcome(tally, text)


def _call_pytest(python: str, arguments: Sequence[str], report: Path, words: Path) -> int | None:
    """Run it, its words into a file, which no process that outlives it can keep from ending.

    Returns:
        Its exit status; None when it had to be stopped.
    """
    threads = str(max(1, (os.cpu_count() or 1) // LANES))
    environment = {"OMP_NUM_THREADS": threads, **os.environ, "PYTHONNOUSERSITE": "1"}
    environment["MOTIONGPT_TEST_REPORT"] = str(report)
    command = [python, "-m", "pytest", *arguments, "-p", "no:cacheprovider", "--durations=5"]
    with words.open("wb") as out:
        try:
            return subprocess.run(
                command,
                cwd=ROOT,
                env=environment,
                check=False,
                timeout=LIMIT,
                stdout=out,
                stderr=subprocess.STDOUT,
            ).returncode
        except subprocess.TimeoutExpired:
            return None


# --- the matrix -------------------------------------------------------------------------


def _is_own(pins: Pins, blender: str) -> bool:
    """Whether the tier ``bpy`` runs on this Blender: the one that ``.venv`` has."""
    own = "{}.{}".format(*sys.version_info)
    pinned = any(line.startswith(f"bpy=={blender};") for line in pins.groups["blender"])
    return pinned and pins.matrix[blender] == own


def _matrix(pins: Pins, blenders: Mapping[str, str], tally: Tally, *, set_up: bool) -> list[Job]:
    """A job for each Blender that is set up; why the others have none goes to the tally."""
    jobs: list[Job] = []
    for blender, wanted in blenders.items():
        tier = f"matrix {blender}"
        environment = Environment(cache_folder() / "matrix" / blender)
        if not set_up and not environment.folder.exists():
            hint = "python build.py test --tier matrix"
            tally.skipped[f"{tier}: not set up here; `{hint}` does it once"] += 1
            continue
        python = find_python(wanted)
        if python is None:
            tally.skipped[f"{tier}: no Python {wanted} here"] += 1
            continue
        environment = Environment(environment.folder, python)
        try:
            environment.ensure(_matrix_pins(pins, blender), ["matrix"])
        except InstallError as error:
            tally.failed.append(f"{tier}: {error}")
            continue
        jobs.append(
            _tests(str(environment.python), tier, ROOT / "tests" / "bpy", "-m", "not sweep")
        )
    return jobs


def _matrix_pins(pins: Pins, blender: str) -> Pins:
    """One Blender with numpy and what tests need: the add-on needs no more, and this proves it."""
    extra = [
        line
        for name in ("backend", "test")
        for line in pins.groups[name]
        if line.startswith(("numpy==", "pytest==", "hypothesis=="))
    ]
    groups = {"matrix": (f"bpy=={blender}", *extra)}
    return Pins(groups, {"matrix": MATRIX_MEGABYTES}, {})


def cache_folder() -> Path:
    """Where this platform keeps what can be made again."""
    if sys.platform == "win32":
        base = Path(os.environ.get("LOCALAPPDATA", Path.home() / "AppData" / "Local"))
    elif sys.platform == "darwin":
        base = Path.home() / "Library" / "Caches"
    else:
        base = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache")
    return base / "motiongpt-blender"


def find_python(wanted: str) -> Path | None:
    """A Python of this version ("3.13"): the running one, on PATH, the py launcher, pyenv."""
    if "{}.{}".format(*sys.version_info[:2]) == wanted:
        return Path(sys.executable)
    return next(_answering(_candidates(wanted), wanted), None)


def _candidates(wanted: str) -> Iterator[list[str]]:
    if tool := shutil.which(f"python{wanted}"):
        yield [tool]
    if tool := shutil.which("py"):
        yield [tool, f"-{wanted}"]
    pyenv = Path(os.environ.get("PYENV_ROOT") or Path.home() / ".pyenv")
    for python in sorted(pyenv.glob(f"versions/{wanted}.*/bin/python{wanted}")):
        yield [str(python)]


def _answering(commands: Iterator[list[str]], wanted: str) -> Iterator[Path]:
    """The Pythons behind commands that start and are what they are called.

    A pyenv shim, for one, is on PATH for versions that are not switched on.
    """
    question = "import sys; print('{}.{}'.format(*sys.version_info), sys.executable)"
    for start in commands:
        command = [*start, "-c", question]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        version, _, path = done.stdout.strip().partition(" ")
        if done.returncode == 0 and version == wanted:
            yield Path(path)


def _contains(text: str, words: Sequence[str]) -> bool:
    return any(word in text for word in words)


def _say(text: str) -> None:
    print(text, flush=True)

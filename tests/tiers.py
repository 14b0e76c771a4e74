"""Runs the tests tier by tier and adds up what happened. Called by ``build.py test``.

Standard library only: it runs before and outside the environment it is given. A tier
is a folder of tests, but for ``lint`` (ruff and pyright) and ``matrix`` (``tests/bpy``
once more under each Blender of the matrix). Nothing is skipped silently: the closing
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
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from motiongpt_blender.backend.install_errors import InstallError
from motiongpt_blender.backend.installer import Environment, Pins
from motiongpt_blender.backend.locations import VARIABLE

ROOT = Path(__file__).resolve().parents[1]
TIERS = ("lint", "unit", "models", "bpy", "package", "gui", "matrix")
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


def run(python: str, pins: Pins, chosen: Sequence[str] | None) -> int:
    """Run the chosen tiers, or all that this machine can; returns the exit status.

    Args:
        python: the Python of the environment with every package.
        pins: what ``pyproject.toml`` asks for.
        chosen: tier names; None for all, without setting up Blenders for the matrix.
    """
    tally = Tally()
    for tier in TIERS if chosen is None else dict.fromkeys(chosen):
        _say(f"\n== {tier} ==")
        if tier == "models" and os.environ.get(VARIABLE):
            tally.skipped[f"{tier}: .venv goes without PyTorch, {VARIABLE} names its own"] += 1
        elif tier == "lint":
            _lint(python, tally)
        elif tier == "matrix":
            _matrix(pins, tally, set_up=chosen is not None)
        else:
            _pytest(python, tier, ROOT / "tests" / tier, tally)
    _close(tally)
    return 1 if tally.failed else 0


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


def _lint(python: str, tally: Tally) -> None:
    checks = {
        "ruff check": [python, "-m", "ruff", "check", "."],
        "ruff format": [python, "-m", "ruff", "format", "--check", "."],
        "pyright": [python, "-m", "pyright"],
    }
    for name, command in checks.items():
        done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
        text = done.stdout + done.stderr
        if done.returncode == 0:
            tally.passed += 1
            _say(f"{name}: clean")
        elif name == "pyright" and os.environ.get(VARIABLE):
            tally.skipped["lint: pyright needs PyTorch in .venv to follow its types"] += 1
        elif name == "pyright" and not shutil.which("node") and _contains(text, NEEDS_NETWORK):
            tally.skipped[f"lint: {name} needs Node.js, which is not here"] += 1
        else:
            tally.failed.append(name)
            _say(text)


def _pytest(python: str, tier: str, folder: Path, tally: Tally) -> None:
    """Run pytest on a folder and take its numbers from the report that conftest.py writes."""
    if not any(folder.glob("**/test_*.py")):
        tally.skipped[f"{tier}: no tests"] += 1
        return
    with tempfile.TemporaryDirectory() as scratch:
        report = Path(scratch) / "report.json"
        environment = {**os.environ, "MOTIONGPT_TEST_REPORT": str(report)}
        environment["PYTHONNOUSERSITE"] = "1"
        command = [python, "-m", "pytest", str(folder), "-p", "no:cacheprovider"]
        try:
            done = subprocess.run(command, cwd=ROOT, env=environment, check=False, timeout=LIMIT)
        except subprocess.TimeoutExpired:
            tally.failed.append(f"{tier}: did not end within {LIMIT} seconds")
            return
        if not report.exists():
            tally.failed.append(f"{tier}: pytest ended with {done.returncode} and no report")
            return
        numbers = json.loads(report.read_text("utf-8"))
    tally.passed += numbers["passed"]
    tally.failed += [f"{tier}: {name}" for name in numbers["failed"]]
    for reason in numbers["skipped"]:
        tally.skipped[f"{tier}: {reason}"] += 1
    if done.returncode not in (0, NO_TESTS) and not numbers["failed"]:
        tally.failed.append(f"{tier}: pytest ended with {done.returncode} after its tests")


# --- the matrix -------------------------------------------------------------------------


def _matrix(pins: Pins, tally: Tally, *, set_up: bool) -> None:
    for blender, wanted in pins.matrix.items():
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
        _say(f"-- Blender {blender}")
        _pytest(str(environment.python), tier, ROOT / "tests" / "bpy", tally)


def _matrix_pins(pins: Pins, blender: str) -> Pins:
    """One Blender with numpy and pytest: the add-on needs no more, and this proves it."""
    extra = [
        line
        for name in ("backend", "test")
        for line in pins.groups[name]
        if line.startswith(("numpy==", "pytest=="))
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

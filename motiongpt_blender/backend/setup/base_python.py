"""The Python that makes the environment: a named one, Blender's own, or one that is found.

Standard library only. Each is asked whether it can before anything is promised.
"""

from __future__ import annotations

import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Final

from ...core.systems import MACOS, is_store_app, is_translocated
from ...core.translation import tr
from .asking import ask
from .install_errors import InstallError

#: Python versions for which every pinned package has a build.
VERSIONS: Final = ((3, 11), (3, 12), (3, 13))
#: Seconds within which a Python answers; Blender waits for it.
PATIENCE: Final = 15.0
#: Printed by a Python that can make an environment: its version, its bits and its processor.
_QUESTION: Final = (
    "import sys, platform, venv, ensurepip;"
    "print(*sys.version_info[:2], 64 if sys.maxsize > 2**32 else 32, platform.machine())"
)


def find_base(named: Path | None = None) -> Path:
    """The Python to make an environment with.

    Args:
        named: the user's choice; no other is tried then.

    Raises:
        InstallError: when there is none that can; the sentence says why and what to do.
    """
    if named is not None:
        if why := refusal(named):
            raise InstallError(
                tr("{named} cannot make the environment: {why}.", named=named, why=why)
            )
        return named
    for python in _candidates():
        if refusal(python) is None:
            return python
    wanted = ", ".join(f"{major}.{minor}" for major, minor in VERSIONS)
    raise InstallError(
        tr(
            "No Python {wanted} with the venv module was found: install one from "
            "python.org, or name one in the add-on's preferences.",
            wanted=wanted,
        )
    )


def refusal(python: Path) -> str | None:
    """Why a Python cannot make the environment; None if it can."""
    if (why := refusal_of_place(python)) is not None:
        return why
    try:
        done = ask([python, "-I", "-c", _QUESTION], timeout=PATIENCE)
    except OSError:
        return tr("it does not start")
    except subprocess.TimeoutExpired:
        return tr("it does not answer within {seconds:.0f} seconds", seconds=PATIENCE)
    if done.returncode:
        return tr("it lacks the module venv or ensurepip")
    return refusal_of_build(done.stdout)


def refusal_of_place(python: Path) -> str | None:
    """Why a Python that lies there is not even started; None if it may be."""
    if is_store_app(python):
        return tr(
            "it belongs to an app of the Microsoft Store, which moves with each "
            "update: install Python from python.org"
        )
    if is_translocated(python):
        return tr(
            "macOS runs Blender from a place that is gone when it ends: move Blender "
            "to the Applications folder"
        )
    return None


def refusal_of_build(answer: str, system: str = sys.platform) -> str | None:
    """Why a Python that answered the question is refused; None if it can.

    Args:
        answer: what it printed.
        system: as ``sys.platform`` names it.
    """
    try:
        major, minor, bits, machine = answer.split()
        version = int(major), int(minor)
    except ValueError:
        return tr("it does not say what it is")
    if version not in VERSIONS:
        return tr(
            "it is Python {major}.{minor}, and PyTorch needs 3.11 to 3.13",
            major=version[0],
            minor=version[1],
        )
    if bits != "64":
        return tr("it is a 32-bit build, and PyTorch needs 64 bits")
    if system == MACOS and machine != "arm64":
        return tr(
            "it is made for Intel processors, for which PyTorch has no build: on a "
            "Mac with an Apple processor install Blender or Python for that"
        )
    return None


def _candidates() -> Iterator[Path]:
    """Blender's own Python first: it is always there."""
    yield Path(getattr(sys, "_base_executable", None) or sys.executable)
    for major, minor in reversed(VERSIONS):
        if found := shutil.which(f"python{major}.{minor}"):
            yield Path(found)
    yield from _known_to_launcher()
    for name in ("python3", "python"):
        if found := shutil.which(name):
            yield Path(found)


def _known_to_launcher() -> Iterator[Path]:
    """Those of python.org, which its installer leaves off PATH on Windows."""
    launcher = shutil.which("py")
    if launcher is None or is_store_app(launcher):
        return
    for major, minor in reversed(VERSIONS):
        try:
            command = [
                launcher,
                f"-{major}.{minor}",
                "-I",
                "-c",
                "import sys; print(sys.executable)",
            ]
            done = ask(command, timeout=PATIENCE)
        except (OSError, subprocess.TimeoutExpired):
            return
        if done.returncode == 0 and done.stdout.strip():
            yield Path(done.stdout.strip())

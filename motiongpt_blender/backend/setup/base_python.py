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

from .install_errors import InstallError

#: Python versions for which every pinned package has a build.
VERSIONS: Final = ((3, 11), (3, 12), (3, 13))
#: Printed by a Python that can make an environment: its version.
_QUESTION: Final = "import sys, venv, ensurepip; print(*sys.version_info[:2])"


def find_base(named: Path | None = None) -> Path:
    """The Python to make an environment with.

    Args:
        named: the user's choice; no other is tried then.

    Raises:
        InstallError: when there is none that can; the sentence says why and what to do.
    """
    if named is not None:
        if why := refusal(named):
            raise InstallError(f"{named} cannot make the environment: {why}.")
        return named
    for python in _candidates():
        if refusal(python) is None:
            return python
    wanted = ", ".join(f"{major}.{minor}" for major, minor in VERSIONS)
    raise InstallError(
        f"No Python {wanted} with the venv module was found: install one from python.org, or name "
        "one in the add-on's preferences."
    )


def refusal(python: Path) -> str | None:
    """Why a Python cannot make the environment; None if it can."""
    try:
        done = subprocess.run(
            [str(python), "-I", "-c", _QUESTION],
            check=False,
            capture_output=True,
            text=True,
            timeout=30,
            creationflags=getattr(subprocess, "CREATE_NO_WINDOW", 0),
        )
    except (OSError, subprocess.TimeoutExpired):
        return "it does not start"
    if done.returncode:
        return "it lacks the module venv or ensurepip"
    version = tuple(map(int, done.stdout.split()))
    if version not in VERSIONS:
        return f"it is Python {version[0]}.{version[1]}, and PyTorch needs 3.11 to 3.13"
    return None


def _candidates() -> Iterator[Path]:
    """Blender's own Python first: it is always there."""
    yield Path(getattr(sys, "_base_executable", None) or sys.executable)
    for major, minor in reversed(VERSIONS):
        if found := shutil.which(f"python{major}.{minor}"):
            yield Path(found)
    for name in ("python3", "python"):
        if found := shutil.which(name):
            yield Path(found)

"""Where the Python of the model process is: found automatically, or noted by the set-up.

Standard library only; both ``build.py`` and the add-on use it.
"""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import Final

from ..core.packs.manifest import data_folder

#: Names the Python of the model process; for tests and unusual set-ups.
VARIABLE: Final = "MOTIONGPT_PYTHON"


def python_in(environment: Path) -> Path:
    """The Python of a virtual environment."""
    if sys.platform == "win32":
        return environment / "Scripts" / "python.exe"
    return environment / "bin" / "python"


def note_file() -> Path:
    """The file in which the set-up notes the Python it made, one a user."""
    return data_folder() / "python.txt"


def remember(python: Path) -> None:
    """Note the Python that the set-up made, so that an installed add-on finds it."""
    note = note_file()
    note.parent.mkdir(parents=True, exist_ok=True)
    note.write_text(f"{python}\n", encoding="utf-8")


def default_environment() -> Path:
    """The folder in which Blender makes the environment, one a user, for all Blender versions."""
    return data_folder() / "environment"


def noted() -> Path | None:
    """The Python of the note; None without one."""
    try:
        return Path(note_file().read_text(encoding="utf-8").strip())
    except OSError:
        return None


def forget() -> None:
    """Remove the note."""
    note_file().unlink(missing_ok=True)


def find_python(root: Path) -> Path | None:
    """The backend's Python for an add-on that lies under ``root``, or None.

    In this order: the environment variable, ``.venv`` beside the add-on, the note.
    """
    named = os.environ.get(VARIABLE)
    candidates = [Path(named)] if named else [python_in(root / ".venv")]
    if not named and (note := noted()) is not None:
        candidates.append(note)
    return next((path for path in candidates if path.is_file()), None)

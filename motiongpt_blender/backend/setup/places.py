"""Where an environment may be made without touching what lies there. Standard library only."""

from __future__ import annotations

from pathlib import Path
from typing import Final

#: In each environment that is ours: the Python that made it and the groups that are installed.
STAMP: Final = "motiongpt.json"
#: What an environment is called inside a folder that has other files.
INSIDE: Final = "motiongpt-environment"


def is_free(folder: Path) -> bool:
    """Whether an environment may be made there without touching anything: absent or empty."""
    return not folder.exists() or (folder.is_dir() and next(folder.iterdir(), None) is None)


def environment_in(folder: Path) -> Path:
    """Where the environment goes when a person names a folder.

    Returns:
        The folder, if it is free or an environment of ours; else one inside, as what lies there
        is somebody else's.
    """
    ours = (folder / STAMP).is_file()
    return folder if ours or is_free(folder) else folder / INSIDE

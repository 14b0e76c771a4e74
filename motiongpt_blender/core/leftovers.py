"""Folders that a killed process left behind. Standard library only."""

from __future__ import annotations

import os
import shutil
import stat
import time
from contextlib import suppress
from pathlib import Path
from typing import Final

#: Seconds after which nobody works in a folder any more: a day.
OLD: Final = 24 * 3600.0


def sweep(folder: Path, *prefixes: str) -> None:
    """Remove the old folders of these prefixes that belong to this user; the others stay."""
    with suppress(OSError):
        for path in list(folder.iterdir()):
            if path.name.startswith(prefixes) and _abandoned(path):
                shutil.rmtree(path, ignore_errors=True)


def _abandoned(path: Path) -> bool:
    try:
        found = path.lstat()
    except OSError:
        return False
    ours = not hasattr(os, "getuid") or found.st_uid == os.getuid()
    return ours and stat.S_ISDIR(found.st_mode) and time.time() - found.st_mtime > OLD

"""The add-on's log: what it and the model's process say, in one file that rotates.

Standard library only, never imports bpy. Warnings also go to the console.
"""

from __future__ import annotations

import logging
import os
from logging.handlers import RotatingFileHandler
from pathlib import Path
from typing import Final

from ..core.packs.manifest import data_folder

#: Names another file; for tests.
VARIABLE: Final = "MOTIONGPT_LOG"
#: Bytes after which a new file is begun; the one before it is kept.
LONGEST: Final = 500_000
#: Bytes of the file's end that are read for a report.
READ: Final = 20_000
_FORM: Final = "%(asctime)s %(levelname)s %(message)s"


def log_path() -> Path:
    """The file, one a user."""
    named = os.environ.get(VARIABLE)
    return Path(named) if named else data_folder() / "motiongpt.log"


def open_log(name: str) -> list[logging.Handler]:
    """Have the loggers below a name write to the file; returns what ``close_log`` takes back.

    Where the file cannot be written, the console alone is told.
    """
    console = logging.StreamHandler()
    console.setLevel(logging.WARNING)
    handlers: list[logging.Handler] = [console]
    path = log_path()
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        file = RotatingFileHandler(
            path, maxBytes=LONGEST, backupCount=1, encoding="utf-8", delay=True
        )
    except OSError:
        pass
    else:
        file.setFormatter(logging.Formatter(_FORM))
        handlers.append(file)
    logger = logging.getLogger(name)
    logger.setLevel(logging.INFO)
    for handler in handlers:
        logger.addHandler(handler)
    return handlers


def close_log(name: str, handlers: list[logging.Handler]) -> None:
    """End what ``open_log`` began."""
    for handler in handlers:
        logging.getLogger(name).removeHandler(handler)
        handler.close()


def last_lines() -> list[str]:
    """The end of the log; [] without one."""
    try:
        with log_path().open("rb") as file:
            file.seek(max(0, file.seek(0, os.SEEK_END) - READ))
            return file.read().decode("utf-8", "replace").splitlines()
    except OSError:
        return []

"""Files that another program holds for a moment: Windows refuses to move or delete them.

A virus scanner opens what was just written, a process that was just ended keeps its libraries.
Standard library only.
"""

from __future__ import annotations

import errno
import shutil
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Final, TypeVar

from .systems import WINDOWS

#: Seconds for which it is tried again, and between two tries.
PATIENCE: Final = 10.0
PAUSE: Final = 0.1
#: What Windows says while a file is held, or is not gone yet.
_HELD: Final = frozenset({errno.EACCES, errno.EPERM, errno.EBUSY, errno.ENOTEMPTY, errno.EEXIST})

_Result = TypeVar("_Result")


def patiently(
    act: Callable[..., _Result],
    *arguments: object,
    system: str = sys.platform,
    clock: Callable[[], float] = time.monotonic,
    sleep: Callable[[float], None] = time.sleep,
) -> _Result:
    """Move or delete a file; on Windows again and again while another program holds it.

    Raises:
        OSError: what the last try raised.
    """
    end = clock() + (PATIENCE if system == WINDOWS else 0.0)
    while True:
        try:
            return act(*arguments)
        except OSError as error:
            if error.errno not in _HELD or clock() >= end:
                raise
        sleep(PAUSE)


def remove_folder(folder: Path) -> None:
    """Delete a folder with all that is in it, as far as that is possible."""
    try:
        patiently(shutil.rmtree, folder)
    except OSError:
        shutil.rmtree(folder, ignore_errors=True)

"""A lock beside a folder, so that two programs never write the same environment or base at once.

Standard library only. The system takes the lock back when its holder ends, however that happens.
"""

from __future__ import annotations

import sys
from pathlib import Path
from types import TracebackType
from typing import IO, Final

from .translation import tr

ENDING: Final = ".lock"


class FolderLockedError(RuntimeError):
    """Another program writes the folder; one sentence for the user."""


class FolderLock:
    """Held by at most one process; a context manager."""

    def __init__(self, folder: Path) -> None:
        self._folder, self._file = folder, folder.with_name(folder.name + ENDING)
        self._held: IO[bytes] | None = None

    def __enter__(self) -> FolderLock:
        """Take the lock; raises FolderLockedError where another process holds it."""
        held = self._file.open("ab")
        try:
            _lock(held)
        except OSError:
            held.close()
            raise FolderLockedError(
                tr(
                    "{folder} is being written by another program, maybe a second Blender: "
                    "wait until it is done there.",
                    folder=self._folder,
                )
            ) from None
        self._held = held
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Give it back. Its file stays: to delete it would let a third process in."""
        assert self._held is not None
        self._held.close()


def _lock(file: IO[bytes]) -> None:
    if sys.platform == "win32":
        import msvcrt

        msvcrt.locking(file.fileno(), msvcrt.LK_NBLCK, 1)
    else:
        import fcntl

        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)

"""What a child of Blender says of its progress: lines of JSON on its stdout.

``{"stage": name}`` where the work has stages, ``{"says": text}``, ``{"fraction": f}``, and in the
end ``{"done": path}`` or ``{"failed": sentence}``. Standard library only.
"""

from __future__ import annotations

import enum
import json
import os
import threading
from collections.abc import Callable, Generator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Any, Final

from .translation import msgid

#: Seconds between two looks at how much is on disk.
INTERVAL: Final = 0.5
#: The most that a child says of its progress before it has ended.
ALMOST: Final = 0.99

Tell = Callable[..., None]
OnFraction = Callable[[float], None]


class Stage(enum.Enum):
    """What a base's child is at, before its percentage."""

    DOWNLOAD = msgid("Download")
    CONVERSION = msgid("Conversion")


OnStage = Callable[[Stage], None]


def claim_stdout() -> Tell:
    """A function that writes its keywords as a line, from any thread.

    The pipe to Blender is its alone: what anything else writes to stdout goes to stderr.
    """
    stream = os.fdopen(os.dup(1), "w", encoding="utf-8", errors="replace")
    os.dup2(2, 1)
    return lines_to(stream)


def lines_to(stream: IO[str]) -> Tell:
    """The same for a stream."""
    lock = threading.Lock()

    def tell(**what: Any) -> None:
        with lock:
            stream.write(json.dumps(what) + "\n")
            stream.flush()

    return tell


@contextmanager
def watching(folders: Sequence[Path], expected: float, on_fraction: OnFraction) -> Generator[None]:
    """Tell meanwhile, from a thread, how much of the expected bytes the folders hold."""
    ended = threading.Event()

    def watch() -> None:
        while not ended.wait(INTERVAL):
            on_fraction(min(sum(map(bytes_in, folders)) / max(expected, 1.0), ALMOST))

    watcher = threading.Thread(target=watch, daemon=True)
    watcher.start()
    try:
        yield
    finally:
        ended.set()
        watcher.join()


def bytes_in(folder: Path) -> int:
    """Bytes of all files in a folder; files that go meanwhile do not count."""
    found, waiting = 0, [str(folder)]
    while waiting:
        try:
            with os.scandir(waiting.pop()) as entries:
                for entry in entries:
                    if entry.is_dir(follow_symlinks=False):
                        waiting.append(entry.path)
                    else:
                        found += entry.stat(follow_symlinks=False).st_size
        except OSError:
            continue
    return found

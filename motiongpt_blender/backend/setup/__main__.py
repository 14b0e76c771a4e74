"""Makes the environment of the model's process, as a child of Blender that may be killed.

    python -s -m motiongpt_blender.backend.setup FOLDER PYPROJECT [--say-size]

Standard library only. What happens is written to stdout as lines of JSON: ``{"says": text}``,
``{"fraction": f}``, and in the end ``{"done": python}`` or ``{"failed": sentence}``. What pip and
uv write goes to stderr. A second run goes on where the first one stopped.
"""

from __future__ import annotations

import json
import os
import shutil
import sys
import threading
from collections.abc import Callable
from pathlib import Path
from typing import IO, Any, Final

from .folder_lock import FolderLock
from .install_errors import InstallError
from .installer import Environment, read_pins

#: What the model's process needs.
GROUPS: Final = ("torch", "backend")
#: Bytes on disk, a byte downloaded: wheels on their way and what is unpacked of them (measured).
ON_DISK: Final = 4.3
#: Seconds between two looks at how much is on disk.
INTERVAL: Final = 1.0
#: Where wheels lie while they are downloaded, beside the environment.
DOWNLOADS: Final = ".downloads"

Tell = Callable[..., None]


def main(argv: list[str]) -> int:
    """Make the environment; returns 0 when it is ready."""
    folder, pyproject = Path(argv[0]), Path(argv[1])
    tell = _lines(_own_stdout())
    downloads = folder.with_name(folder.name + DOWNLOADS)
    try:
        folder.parent.mkdir(parents=True, exist_ok=True)
        with FolderLock(folder):
            shutil.rmtree(downloads, ignore_errors=True)  # of one that was killed
            downloads.mkdir()
            os.environ.update(TMPDIR=str(downloads), TEMP=str(downloads), TMP=str(downloads))
            python = _make(Environment(folder), downloads, pyproject, tell)
            shutil.rmtree(downloads, ignore_errors=True)
    except (InstallError, OSError) as error:
        shutil.rmtree(downloads, ignore_errors=True)
        tell(failed=_sentence(error, folder))
        return 1
    tell(done=str(python))
    return 0


def _make(environment: Environment, downloads: Path, pyproject: Path, tell: Tell) -> Path:
    pins = read_pins(pyproject)
    expected = ON_DISK * 2**20 * sum(pins.megabytes[name] for name in GROUPS)
    ended = threading.Event()

    def watch() -> None:
        while not ended.wait(INTERVAL):
            written = _bytes_in(environment.folder) + _bytes_in(downloads)
            tell(fraction=min(written / expected, 0.99))

    watcher = threading.Thread(target=watch, daemon=True)
    watcher.start()
    try:
        environment.ensure(pins, GROUPS, say=lambda text: tell(says=text))
    finally:
        ended.set()
        watcher.join()
    return environment.python


def _bytes_in(folder: Path) -> int:
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


def _own_stdout() -> IO[str]:
    """The pipe to Blender. What anything else writes to stdout goes to stderr from now on."""
    own = os.fdopen(os.dup(1), "w", encoding="utf-8", errors="replace")
    os.dup2(2, 1)
    return own


def _lines(stream: IO[str]) -> Tell:
    lock = threading.Lock()

    def tell(**what: Any) -> None:
        with lock:
            stream.write(json.dumps(what) + "\n")
            stream.flush()

    return tell


def _sentence(error: Exception, folder: Path) -> str:
    if isinstance(error, InstallError):
        return str(error)
    return f"{folder} cannot be written ({error}): choose another folder."


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))

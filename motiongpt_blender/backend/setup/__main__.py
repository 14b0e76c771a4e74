"""Makes the environment of the model's process, as a child of Blender that may be killed.

    python -s -m motiongpt_blender.backend.setup FOLDER PYPROJECT [--say-size]

Standard library only. What happens is written to stdout, see ``core/progress_lines.py``; the path
in the end is that of the environment's Python. What pip and uv write goes to stderr. A second run
goes on where the first one stopped.
"""

from __future__ import annotations

import os
import shutil
import sys
from pathlib import Path
from typing import Final

from ...core.folder_lock import FolderLock, FolderLockedError
from ...core.progress_lines import Tell, claim_stdout, watching
from .install_errors import InstallError, cannot_write
from .installer import Environment
from .pins import read_pins
from .places import environment_in

#: What the model's process needs.
GROUPS: Final = ("torch", "backend")
#: Bytes on disk, a byte downloaded: wheels on their way and what is unpacked of them (measured).
ON_DISK: Final = 4.3
#: Where wheels lie while they are downloaded, beside the environment.
DOWNLOADS: Final = ".downloads"


def main(argv: list[str]) -> int:
    """Make the environment; returns 0 when it is ready."""
    folder, pyproject = Path(argv[0]).absolute(), Path(argv[1]).absolute()
    tell = claim_stdout()
    try:
        folder = environment_in(folder)
    except OSError as error:
        tell(failed=_sentence(error, folder))
        return 1
    downloads = folder.with_name(folder.name + DOWNLOADS)
    try:
        folder.parent.mkdir(parents=True, exist_ok=True)
        os.chdir(folder.parent)  # ours may be replaced meanwhile, by an upgrade of the add-on
        with FolderLock(folder):
            shutil.rmtree(downloads, ignore_errors=True)  # of one that was killed
            downloads.mkdir()
            os.environ.update(TMPDIR=str(downloads), TEMP=str(downloads), TMP=str(downloads))
            python = _make(Environment(folder), downloads, pyproject, tell)
            shutil.rmtree(downloads, ignore_errors=True)
    except (InstallError, FolderLockedError, OSError) as error:
        shutil.rmtree(downloads, ignore_errors=True)
        tell(failed=_sentence(error, folder))
        return 1
    tell(done=str(python))
    return 0


def _make(environment: Environment, downloads: Path, pyproject: Path, tell: Tell) -> Path:
    pins = read_pins(pyproject)
    expected = ON_DISK * 2**20 * sum(pins.megabytes[name] for name in GROUPS)
    with watching([environment.folder, downloads], expected, lambda part: tell(fraction=part)):
        environment.ensure(pins, GROUPS, say=lambda text: tell(says=text))
    return environment.python


def _sentence(error: Exception, folder: Path) -> str:
    return cannot_write(error, folder) if isinstance(error, OSError) else str(error)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))

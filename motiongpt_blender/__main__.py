"""``python -m motiongpt_blender [FILE.blend] ARGUMENTS``: the command, with Blender as a module.

The same as ``blender -b FILE.blend --command motiongpt ARGUMENTS`` where Blender is a program.
"""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import NoReturn


def main(words: list[str]) -> int:
    """Open the file, if one is named, and run the command; returns the exit status."""
    try:
        import bpy
    except ModuleNotFoundError:
        print("motiongpt: Blender's module bpy is missing: pip install bpy.", file=sys.stderr)
        return 2
    from . import registration
    from .command_line import command

    bpy.ops.wm.read_factory_settings(use_empty=True)
    registration.register()
    if words and words[0].endswith(".blend"):
        path = Path(words.pop(0)).resolve()
        if not path.is_file():
            print(f"motiongpt: There is no file {path}.", file=sys.stderr)
            return 2
        bpy.ops.wm.open_mainfile(filepath=str(path))
    try:
        return command.main(words)
    finally:
        registration.unregister()


def _exit_now(status: int) -> NoReturn:
    """End the process at once: Blender as a module does not always shut down in good order."""
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(status)


if __name__ == "__main__":
    _exit_now(main(sys.argv[1:]))

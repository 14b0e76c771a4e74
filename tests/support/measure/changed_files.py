"""``python -m tests.support.measure.changed_files``: marked poses after changes of the file.

Tries every change of ``tests.support.changed_files`` on an armature of every family and on the
rig files of folders. A cell of the table holds the millimetres of the model by which the marked
pose is missed, or "said" where a sentence says why it cannot be met and what to do; other cells
are faults, and are listed below it. ``--only`` names families or files, ``--changes`` changes.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from motiongpt_blender.demo.command import exit_now, run_command
from motiongpt_blender.demo.terminal import Terminal
from tests.support.measure.rigs import makers


def main(argv: Sequence[str] | None = None) -> int:
    """Measure; returns the exit status, 1 where a cell is a fault."""
    parser = argparse.ArgumentParser(
        prog="python -m tests.support.measure.changed_files", description=__doc__
    )
    parser.add_argument("--rigs", type=Path, nargs="*", default=[], help="folders with rig files")
    parser.add_argument("--files-only", action="store_true", help="the rig files alone")
    parser.add_argument("--only", nargs="*", help="names of families or files")
    parser.add_argument("--changes", nargs="*", help="names of changes")
    arguments = parser.parse_args(argv)
    return run_command("changed-files", lambda: _run(arguments))


def _run(arguments: argparse.Namespace) -> int:
    from motiongpt_blender import registration
    from tests.support.changed_files import CHANGES

    changes = [name for name in CHANGES if name in (arguments.changes or CHANGES)]
    faults: list[str] = []
    with (
        tempfile.TemporaryDirectory(prefix="motiongpt-changes-") as folder,
        Terminal(Path(folder) / "blender.log") as terminal,
    ):
        registration.register()
        terminal.say("| " + " | ".join(("rig", *changes)) + " |")
        terminal.say("|---|" + "---:|" * len(changes))
        for key, make in makers(arguments.rigs, Path(folder), made=not arguments.files_only):
            if arguments.only and key not in arguments.only:
                continue
            cells = [_cell(key, make, change, Path(folder), faults) for change in changes]
            terminal.say("| " + " | ".join((key, *cells)) + " |")
        terminal.say("\n".join(faults))
        registration.unregister()
    return 1 if faults else 0


def _cell(key: str, make: Callable[[], Any], change: str, folder: Path, faults: list[str]) -> str:
    """What became of the pose, in a word; a fault is added to the list."""
    import bpy

    from motiongpt_blender.scene.errors import RigError
    from motiongpt_blender.scene.rig.description import describe
    from tests.support.changed_files import CHANGES, outcome
    from tests.support.rigs.files import put_at_rest

    bpy.ops.wm.read_factory_settings(use_empty=True)
    obj = put_at_rest(make())
    try:
        describe(obj)
    except RigError:
        return "no body"
    try:
        found = outcome(obj, change, folder)
    except Exception as error:
        faults.append(f"{key}, {change}: {type(error).__name__}: {error}")
        return "fault"
    if not found.fits(CHANGES[change][1]):
        faults.append(f"{key}, {change}: {found}")
        return "fault"
    return "said" if found.metres is None else f"{1000 * found.metres:.2f}"


if __name__ == "__main__":
    exit_now(main(sys.argv[1:]))

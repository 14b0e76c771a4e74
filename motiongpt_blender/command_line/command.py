"""The command that Blender calls, and its exit status: 0, 1 for what failed, 2 for what is wrong.

What it says for people goes to standard output, why it stopped to standard error.
"""

from __future__ import annotations

import argparse
import sys
import time
from pathlib import Path
from typing import Any, Final

import bpy

from .. import api
from ..core.shots import ShotError
from . import batch, service
from .arguments import UsageError, marks_of, parse

#: The word after ``--command``.
NAME: Final = "motiongpt"
FAILED, WRONG, STOPPED = 1, 2, 130


def main(words: list[str]) -> int:
    """Run the command; returns the exit status."""
    try:
        arguments = parse(words)
        with api.using(arguments.pack, arguments.device, fake=arguments.fake):
            return _COMMANDS[arguments.name](arguments)
    except SystemExit as end:  # after --help
        return int(end.code or 0)
    except (UsageError, ShotError) as error:
        return _complain(error, WRONG)
    except api.APIError as error:
        return _complain(error, FAILED)
    except KeyboardInterrupt:
        return _complain("stopped; nothing was saved since the last line above.", STOPPED)


def register() -> Any:
    """Tell Blender of the command; returns what ``unregister`` takes."""
    return bpy.utils.register_cli_command(NAME, main)


def unregister(registered: Any) -> None:
    """The command is gone."""
    bpy.utils.unregister_cli_command(registered)


def _complain(reason: object, status: int) -> int:
    sys.stdout.flush()
    print(f"motiongpt: {reason}", file=sys.stderr, flush=True)
    return status


def _generate(arguments: argparse.Namespace) -> int:
    """Takes for one armature of the open file."""
    marks, began = marks_of(arguments.mark), time.perf_counter()
    outputs: list[Path] = arguments.out or []
    if not bpy.data.filepath and not outputs:
        raise UsageError("No file is open: name it first, blender -b FILE.blend --command ...")
    batch.check_outputs(outputs)
    made = api.generate(
        arguments.armature,
        arguments.prompt,
        seconds=arguments.seconds,
        marks=marks,
        takes=arguments.takes,
        seed=arguments.seed,
        candidates=arguments.candidates,
        guidance=arguments.guidance,
        frames=tuple(arguments.frames) if arguments.frames else None,
        loop=arguments.loop,
    )
    for take in made:
        print(f"  {take.name}, frames {take.frame_start:g} to {take.frame_end:g}")
        print("".join(f"    {note}\n" for note in take.notes), end="")
    kept = made[0]
    if not kept.kept or kept.placement != arguments.keep:
        kept = api.keep(
            arguments.armature,
            kept,
            arguments.keep,
            others=arguments.keep_others,
            replace_keys=arguments.replace_keys,
        )
    for path in outputs or [None]:
        print(f"Written: {batch.write(arguments.armature, kept, path)}")
    seconds = time.perf_counter() - began
    print(f"Kept '{kept.name}' ({arguments.keep}) in {seconds:.1f} s.", flush=True)
    return 0


def _batch(arguments: argparse.Namespace) -> int:
    """The shots of a list; the exit status says whether all went well."""
    failed = batch.run(arguments.shots, arguments.out, again=arguments.again)
    return FAILED if failed else 0


def _serve(arguments: argparse.Namespace) -> int:
    return service.run(arguments.folder)


_COMMANDS: Final = {"generate": _generate, "batch": _batch, "serve": _serve}

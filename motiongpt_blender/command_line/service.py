"""Answers requests on standard input, one JSON object a line: what an agent's server talks to.

Each call is a function of ``api`` under the same name; there is none that runs code. Files are
opened in one folder only, without their scripts, and what is written there is always a new file.
"""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import asdict
from pathlib import Path
from typing import Any, Final, TextIO

import bpy

from .. import api
from ..core.shots import Mark, ShotError
from .arguments import UsageError

#: A longer line is no request.
LONGEST: Final = 100_000


class RefusedError(ValueError):
    """A request that is not done; the message is one sentence."""


class Calls:
    """What can be asked for. Public names are the calls, their parameters the arguments."""

    def __init__(self, folder: Path, progress: Callable[[str, str, float], None]) -> None:
        self._folder, self._progress = folder.resolve(), progress

    def files(self) -> list[str]:
        """The .blend files of the folder."""
        found = self._folder.rglob("*.blend")
        return sorted(path.relative_to(self._folder).as_posix() for path in found)

    def open(self, file: str) -> dict[str, Any]:
        """Open a file of the folder, without its scripts."""
        path = self._inside(file)
        if not path.is_file() or path.suffix.lower() != ".blend":
            raise RefusedError(f"There is no file {file} in the folder: ask for its files.")
        try:
            bpy.ops.wm.open_mainfile(filepath=str(path), use_scripts=False)
        except RuntimeError as error:
            raise RefusedError(
                f"{file} cannot be opened: {str(error).strip().splitlines()[-1]}"
            ) from None
        return self.scene()

    def scene(self) -> dict[str, Any]:
        """What the open file has."""
        scene = bpy.context.scene
        path = Path(bpy.data.filepath)
        inside = bool(bpy.data.filepath) and path.is_relative_to(self._folder)
        return {
            "file": path.relative_to(self._folder).as_posix() if inside else path.name,
            "armatures": list(api.armatures()),
            "frame_start": scene.frame_start,
            "frame_end": scene.frame_end,
            "frame": scene.frame_current,
            "fps": scene.render.fps / scene.render.fps_base,
        }

    def generate(
        self,
        armature: str,
        prompt: str,
        seconds: float | None = None,
        marks: list[str] | None = None,
        takes: int = 4,
        seed: int = 0,
    ) -> list[dict[str, Any]]:
        """Make takes; nothing is written to a file."""
        wanted = None if marks is None else Mark.parse_all(marks) or ()
        made = api.generate(
            armature,
            prompt,
            seconds=seconds,
            marks=wanted,
            takes=takes,
            seed=seed,
            progress=self._progress,
        )
        return [asdict(take) for take in made]

    def takes(self, armature: str) -> list[dict[str, Any]]:
        """The takes of an armature."""
        return [asdict(take) for take in api.takes(armature)]

    def keep(
        self, armature: str, take: str | None = None, destination: str = "nla", others: bool = False
    ) -> dict[str, Any]:
        """Keep a take."""
        return asdict(api.keep(armature, take, destination, others=others))

    def discard(self, armature: str) -> list[dict[str, Any]]:
        """Remove the takes that were not kept."""
        api.discard(armature)
        return self.takes(armature)

    def save(self, file: str) -> str:
        """Save the open file as a new one of the folder."""
        return self._told(api.save(self._new(file)))

    def export(self, armature: str, file: str, take: str | None = None) -> str:
        """Export a take's frames to a new file of the folder."""
        return self._told(api.export(armature, self._new(file), take))

    def _inside(self, name: str) -> Path:
        path = (self._folder / name).resolve()
        if not path.is_relative_to(self._folder):
            raise RefusedError(f"{name} lies outside the folder: name a file within it.")
        return path

    def _new(self, name: str) -> Path:
        path = self._inside(name)
        if path.exists():
            raise RefusedError(f"{name} is there already and is not replaced: choose another name.")
        return path

    def _told(self, path: Path) -> str:
        return path.relative_to(self._folder).as_posix()


#: The names of the calls.
CALLS: Final = tuple(name for name in vars(Calls) if not name.startswith("_"))


def run(folder: Path) -> int:
    """Answer until standard input ends; raises UsageError where there is no such folder."""
    if not folder.is_dir():
        raise UsageError(f"There is no folder {folder}: name the one with your shots.")
    with _own_output() as out:

        def tell(**message: Any) -> None:
            out.write(f"{json.dumps(message)}\n")

        calls = Calls(folder, lambda name, doing, share: tell(progress=share, text=doing))
        tell(ready=True, calls=CALLS)
        for line in _lines():
            tell(**answer(calls, line))
    return 0


def answer(calls: Calls, line: str) -> dict[str, Any]:
    """The answer to one line: ``result``, or ``error`` with one sentence."""
    number = None
    try:
        request = _request(line)
        number = request.get("id")
        if request.get("call") not in CALLS:
            raise RefusedError(
                f"There is no call '{request.get('call')}': there are {', '.join(CALLS)}."
            )
        result = getattr(calls, request["call"])(**request.get("arguments", {}))
    except (RefusedError, api.APIError, ShotError) as error:
        return {"id": number, "error": str(error)}
    except TypeError as error:  # wrong arguments
        return {"id": number, "error": f"The call does not fit: {error}."}
    except Exception as error:  # the next request is answered too
        return {"id": number, "error": f"{type(error).__name__}: {error}"}
    return {"id": number, "result": result}


def _request(line: str) -> dict[str, Any]:
    try:
        request = json.loads(line)
    except (ValueError, RecursionError):
        request = None
    if not isinstance(request, dict) or not isinstance(request.get("arguments", {}), dict):
        raise RefusedError("This line is no request: send an object with id, call and arguments.")
    return request


def _lines() -> Iterator[str]:
    while line := sys.stdin.readline(LONGEST):
        if line.strip():
            yield line


@contextmanager
def _own_output() -> Iterator[TextIO]:
    """Standard output for answers alone: what Blender says goes to standard error."""
    sys.stdout.flush()
    kept = os.dup(1)
    os.dup2(2, 1)
    try:
        with os.fdopen(os.dup(kept), "w", buffering=1, encoding="utf-8") as out:
            yield out
    finally:
        sys.stdout.flush()
        os.dup2(kept, 1)
        os.close(kept)

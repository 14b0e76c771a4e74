"""A list of shots, made one after the other: each into its own file, finished ones skipped.

What fails is told in one sentence and keeps none of the others. What is finished stands in a file
beside the outputs, so that the same command goes on where it was stopped.
"""

from __future__ import annotations

import json
import os
import sys
import time
from collections import Counter
from collections.abc import Sequence
from pathlib import Path

import bpy

from .. import api
from ..core.bounded_files import FileError, parse_json, read_bytes
from ..core.shots import SUFFIXES, Row, Shot, ShotError, read_shots
from .arguments import UsageError

#: What ends the name of the file that says which shots are finished.
DONE = ".done.jsonl"
_LIMIT = 64 * 2**20


def run(path: Path, out: Path | None, *, again: bool = False) -> int:
    """Make the shots of a list; returns how many failed.

    Args:
        path: the CSV file.
        out: folder of the outputs; None: that of the list.
        again: whether finished shots are made again.

    Raises:
        ShotError: when the list cannot be read; no shot was made then.
        UsageError: when the outputs cannot be written.
    """
    rows = read_shots(path)
    folder = (out or path.parent).resolve()
    _check_folder(folder)
    finished = Finished(folder / f"{path.stem}{DONE}")
    taken = _written_twice(rows, folder)
    failed = skipped = 0
    for count, row in enumerate(rows, start=1):
        place = f"[{count}/{len(rows)}] {row.title}"
        if not again and finished.has(row, folder):
            skipped += 1
            print(f"{place}: finished before", flush=True)
            continue
        try:
            seconds = _make(row, path.resolve().parent, folder, taken)
            finished.add(row)
        except (api.APIError, ShotError) as error:
            failed += 1
            sys.stdout.flush()
            print(f"{place}: {error}", file=sys.stderr, flush=True)
        else:
            print(f"{place}: done in {seconds:.1f} s", flush=True)
    done = len(rows) - failed - skipped
    print(f"{done} made, {skipped} finished before, {failed} failed", flush=True)
    return failed


def _make(row: Row, files: Path, outputs: Path, taken: set[str]) -> float:
    """Make one shot; returns its seconds. Raises APIError or ShotError."""
    began = time.perf_counter()
    shot = row.shot(files, outputs)
    if row.values["output"] in taken and not shot.in_place:
        raise ShotError(f"Another row writes {shot.output.name} too: give each its own output.")
    _open(shot)
    takes = api.generate(
        shot.armature,
        shot.prompt,
        seconds=shot.seconds,
        marks=shot.marks,
        takes=shot.takes,
        seed=shot.seed,
    )
    kept = takes[0]
    if not kept.kept or kept.placement != shot.keep:
        kept = api.keep(shot.armature, kept, shot.keep)
    write(shot.armature, kept, shot.output)
    return time.perf_counter() - began


def _open(shot: Shot) -> None:
    if not shot.file.is_file():
        raise ShotError(f"There is no file {shot.file}: mend the column file.")
    try:
        bpy.ops.wm.open_mainfile(filepath=str(shot.file))
    except RuntimeError as error:
        reason = str(error).strip().splitlines()[-1].removeprefix("Error: ").rstrip(".")
        raise ShotError(f"{shot.file} cannot be opened ({reason}): name a .blend file.") from None


def write(armature: str, take: api.Take, path: Path | None) -> Path:
    """Save the open file, or write a copy or an export; raises APIError."""
    if path is None or path.suffix.lower() == ".blend":
        return api.save(path)
    return api.export(armature, path, take)


def check_outputs(paths: Sequence[Path]) -> None:
    """Refuse outputs that cannot be written, before any work is done; raises UsageError."""
    for path in paths:
        if path.suffix.lower() not in SUFFIXES:
            known = ", ".join(SUFFIXES)
            raise UsageError(f"{path.name} is no output: let its name end in {known}.")
        _check_folder(path.resolve().parent)


def _check_folder(folder: Path) -> None:
    """Raise UsageError unless files can be written into a folder, which is made if it is absent."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
        probe = folder / f".motiongpt-{os.getpid()}"
        probe.touch()
        probe.unlink()
    except OSError as error:
        raise UsageError(
            f"Nothing can be written to {folder} ({error.strerror}): name another folder with "
            "--out."
        ) from None


def _written_twice(rows: Sequence[Row], folder: Path) -> set[str]:
    """The outputs that several rows name."""
    counted = Counter((folder / row.values["output"]).resolve() for row in rows)
    return {
        r.values["output"] for r in rows if counted[(folder / r.values["output"]).resolve()] > 1
    }


class Finished:
    """The file that says which shots are finished, a line each."""

    def __init__(self, path: Path) -> None:
        """A line that was cut off, as by a full disk, counts for none."""
        self._path = path
        #: Output and armature -> the fingerprint of the row that was made last.
        self._known: dict[tuple[str, str], str] = {}
        try:
            text = read_bytes(path, _LIMIT).decode("utf-8", "replace")
        except (OSError, FileError):
            text = ""
        self._cut_off = bool(text) and not text.endswith("\n")
        for line in text.splitlines():
            try:
                noted = parse_json(line)
                self._known[str(noted["output"]), str(noted["armature"])] = str(noted["shot"])
            except (FileError, KeyError, TypeError):
                continue

    def has(self, row: Row, folder: Path) -> bool:
        """Whether a row was made as it stands, and its output is still there."""
        made = self._known.get(_place(row)) == row.fingerprint
        return made and (folder / row.values["output"]).is_file()

    def add(self, row: Row) -> None:
        """A row is finished; raises APIError when that cannot be noted."""
        output, armature = _place(row)
        line = json.dumps({"output": output, "armature": armature, "shot": row.fingerprint})
        try:
            with self._path.open("a", encoding="utf-8") as file:
                file.write(f"\n{line}\n" if self._cut_off else f"{line}\n")
        except OSError as error:
            raise api.APIError(
                f"{self._path} cannot be written ({error.strerror}): make room on its disk."
            ) from None
        self._cut_off = False
        self._known[output, armature] = row.fingerprint


def _place(row: Row) -> tuple[str, str]:
    """What a row writes: a character of an output."""
    return row.values["output"], row.values["armature"]

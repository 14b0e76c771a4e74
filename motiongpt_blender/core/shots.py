"""A list of shots, as a CSV file has it: what is asked for of which character of which file.

Only what belongs to the whole list is refused when it is read; a row that is wrong is refused
when its turn comes, so that it keeps none of the others. Commands speak English.
"""

from __future__ import annotations

import csv
import hashlib
import io
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from .bounded_files import FileError, read_bytes
from .pose_constraints.marked_pose import PoseRole

#: Columns that a list must have, and those that it may have.
REQUIRED: Final = ("file", "armature", "prompt", "output")
OPTIONAL: Final = ("marks", "seconds", "seed", "takes", "keep")
#: What an output's name may end in: the saved file, or an export.
SUFFIXES: Final = (".blend", ".bvh", ".fbx", ".glb")
#: The word for "no marked pose", as an empty field leaves those of the file.
NO_MARKS: Final = "none"
_LIMIT: Final = 16 * 2**20


class ShotError(ValueError):
    """A list, a row or a mark that cannot be used; the message is one sentence."""


@dataclass(frozen=True)
class Mark:
    """A frame whose pose a take meets.

    Attributes:
        frame: of the scene; fractions are allowed.
        role: whether the take begins with the pose, passes through it or ends with it.
    """

    frame: float
    role: PoseRole = PoseRole.KEY

    @classmethod
    def parse(cls, text: str) -> Mark:
        """A mark of a text as ``start:1``, ``key:24`` or ``24``; raises ShotError."""
        role, colon, frame = text.strip().rpartition(":")
        try:
            mark = cls(float(frame), PoseRole(role.strip().upper()) if colon else PoseRole.KEY)
        except ValueError:
            raise ShotError(_no_mark(text)) from None
        if mark.frame != mark.frame or abs(mark.frame) == float("inf"):
            raise ShotError(_no_mark(text))
        return mark

    @classmethod
    def parse_all(cls, texts: Sequence[str]) -> tuple[Mark, ...] | None:
        """Marks of some texts: none of these leave those of the file, "none" alone means none."""
        if [text.strip().lower() for text in texts] == [NO_MARKS]:
            return ()
        return tuple(cls.parse(text) for text in texts) or None


def _no_mark(text: str) -> str:
    return f"'{text}' is no mark: write a role and a frame, as start:1, key:24 or end:73."


@dataclass(frozen=True)
class Shot:
    """One row of a list, understood.

    Attributes:
        file: the .blend file.
        armature: name of the armature object.
        prompt: what the character does.
        output: the file to write.
        marks: the poses to meet; None: those that are marked in the file.
        seconds: length; None: what suits the prompt.
        seed: of the sampler.
        takes: how many different takes the best is chosen from.
        keep: where the best one is kept: "nla", "action" or "layer".
    """

    file: Path
    armature: str
    prompt: str
    output: Path
    marks: tuple[Mark, ...] | None = None
    seconds: float | None = None
    seed: int = 0
    takes: int = 1
    keep: str = "action"

    @property
    def in_place(self) -> bool:
        """Whether the file itself is written."""
        return self.output == self.file


@dataclass(frozen=True)
class Row:
    """One row of a list, as it is written.

    Attributes:
        number: its line in the file, where the columns' names have line 1.
        values: column -> text.
    """

    number: int
    values: Mapping[str, str]

    @property
    def title(self) -> str:
        """What names the row in a sentence."""
        return f"line {self.number} ({self.values['output'] or 'no output'})"

    @property
    def fingerprint(self) -> str:
        """What tells rows apart that ask for different things."""
        text = json.dumps(sorted(self.values.items()))
        return hashlib.sha256(text.encode()).hexdigest()[:16]

    def shot(self, files: Path, outputs: Path) -> Shot:
        """What the row asks for.

        Args:
            files: folder that the column "file" is relative to.
            outputs: folder that the column "output" is relative to.

        Raises:
            ShotError: when a field is missing or wrong.
        """
        for name in REQUIRED:
            if not self.values[name]:
                raise ShotError(f"The column {name} is empty: fill it in.")
        output = (outputs / self.values["output"]).resolve()
        if output.suffix.lower() not in SUFFIXES:
            known = ", ".join(SUFFIXES)
            raise ShotError(f"{output.name} is no output: let its name end in {known}.")
        marks = self.values.get("marks", "").replace(";", " ").split()
        return Shot(
            file=(files / self.values["file"]).resolve(),
            armature=self.values["armature"],
            prompt=self.values["prompt"],
            output=output,
            marks=Mark.parse_all(marks),
            seconds=self._number("seconds", None),
            seed=int(self._number("seed", 0, whole=True) or 0),
            takes=int(self._number("takes", 1, whole=True) or 0),
            keep=self.values.get("keep", "").lower() or "action",
        )

    def _number(self, name: str, default: float | None, *, whole: bool = False) -> float | None:
        text = self.values.get(name, "")
        try:
            return (int(text) if whole else float(text)) if text else default
        except ValueError:
            kind = "whole number" if whole else "number"
            raise ShotError(f"The column {name} holds '{text}': write a {kind}.") from None


def read_shots(path: Path) -> tuple[Row, ...]:
    """The rows of a list; empty lines are left out.

    Raises:
        ShotError: when the file is none, or lacks a column.
    """
    try:
        text = read_bytes(path, _LIMIT).decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise ShotError(
            f"{path.name} is not UTF-8 (byte {error.start + 1}): save it as CSV UTF-8."
        ) from None
    except (OSError, FileError) as error:
        reason = error.strerror if isinstance(error, OSError) else str(error)
        raise ShotError(f"{path} cannot be read ({reason}): name a CSV file.") from None
    try:
        lines = list(csv.reader(io.StringIO(text, newline=""), delimiter=_delimiter(text)))
    except csv.Error as error:
        raise ShotError(f"{path.name} is no CSV file ({error}): export it again.") from None
    names = [name.strip().lower() for name in lines[0]] if lines else []
    _check_columns(path.name, names)
    rows = [
        Row(number, _values(names, line))
        for number, line in enumerate(lines[1:], start=2)
        if any(cell.strip() for cell in line)
    ]
    if not rows:
        raise ShotError(f"{path.name} has no shots: write a row for each below the columns' names.")
    return tuple(rows)


def _delimiter(text: str) -> str:
    """Spreadsheets of countries with a decimal comma write semicolons."""
    first = text.partition("\n")[0]
    return ";" if ";" in first and "," not in first else ","


def _check_columns(name: str, found: Sequence[str]) -> None:
    missing = [column for column in REQUIRED if column not in found]
    if missing:
        raise ShotError(
            f"{name} lacks the column {', '.join(missing)}: its first line names the columns "
            f"{', '.join((*REQUIRED, *OPTIONAL))}, of which the first {len(REQUIRED)} are needed."
        )
    unknown = [column for column in found if column and column not in (*REQUIRED, *OPTIONAL)]
    if unknown or len(set(found)) < len(found):
        which = ", ".join(unknown) or "one of them twice"
        raise ShotError(
            f"{name} has columns that are not known ({which}): the columns are "
            f"{', '.join((*REQUIRED, *OPTIONAL))}."
        )


def _values(names: Sequence[str], line: Sequence[str]) -> dict[str, str]:
    cells = [*(cell.strip() for cell in line), *[""] * len(names)]
    return dict(zip(names, cells, strict=False))

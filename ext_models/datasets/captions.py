"""Captions of a folder of motion files: ``captions.json``, ``captions.csv``, or file names."""

from __future__ import annotations

import csv
import io
import re
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath
from typing import Final

from motiongpt_blender.core.bounded_files import FileError, check_regular

from .data_folder import read_json
from .examples import DataError

NAMES: Final = ("captions.json", "captions.csv")
#: First cells of a CSV's heading.
HEADINGS: Final = ("name", "clip", "clip id", "file", "filename", "id", "motion")
_WORDS: Final = re.compile(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+")
#: A quoted cell, in which commas and semicolons do not separate.
_QUOTED: Final = re.compile(r'"[^"]*"')


@dataclass
class Captions:
    """The captions of a folder's files.

    Attributes:
        by_name: sentences by the name of the motion file in the captions file.
        file: name of the captions file, for messages.
        used: the names that belong to a motion file.
    """

    by_name: dict[str, list[str]]
    file: str
    used: set[str] = field(default_factory=set)

    def of(self, relative: str) -> list[str]:
        """The captions of a file, looked up by its path in the folder or its name.

        Args:
            relative: its path within the folder, with "/".

        Returns:
            The sentences; none when the file is not in the list.
        """
        path = PurePosixPath(relative)
        for key in (relative, str(path.with_suffix("")), path.name, path.stem):
            if key in self.by_name:
                self.used.add(key)
                return self.by_name[key]
        return []

    @property
    def unused(self) -> list[str]:
        """Names that belong to no motion file, most often misspelt."""
        return sorted(set(self.by_name) - self.used)


def find_captions(folder: Path, given: Path | None) -> Captions | None:
    """The captions in the given file, or else beside the motion files; None without."""
    if given is not None and not given.is_file():
        raise DataError(f"there is no captions file {given}.")
    path = given or next((folder / n for n in NAMES if (folder / n).is_file()), None)
    if path is None:
        return None
    by_name = _from_csv(path) if path.suffix.lower() in (".csv", ".tsv") else _from_json(path)
    tidy = {
        name: [t for c in texts if (t := " ".join(c.split()))] for name, texts in by_name.items()
    }
    return Captions({name: texts for name, texts in tidy.items() if texts}, path.name)


def _from_json(path: Path) -> dict[str, list[str]]:
    data = read_json(path)
    wrong = DataError(f'{path} must be an object {{"clip name": ["caption", ...], ...}}.')
    if not isinstance(data, dict):
        raise wrong
    by_name: dict[str, list[str]] = {}
    for name, entry in data.items():
        listed = [entry] if isinstance(entry, str) else entry
        if not isinstance(listed, list) or not all(isinstance(c, str) for c in listed):
            raise wrong
        by_name[str(name)] = listed
    return by_name


def _from_csv(path: Path) -> dict[str, list[str]]:
    """Rows ``name, caption, ...``; several rows of one name add up; a heading may come first."""
    try:
        check_regular(path)
        text = path.read_text("utf-8-sig")
        first = _QUOTED.sub("", text).partition("\n")[0]
        delimiter = max("\t;,", key=first.count)
        rows = list(csv.reader(io.StringIO(text, newline=""), delimiter=delimiter, strict=True))
    except (OSError, FileError, UnicodeDecodeError, csv.Error) as error:
        raise DataError(f"{path} cannot be read ({error}).") from None
    by_name: dict[str, list[str]] = {}
    for number, row in enumerate(rows, 1):
        if not row or (number == 1 and row[0].strip().lower() in HEADINGS):
            continue
        if len(row) < 2:
            raise DataError(f"{path}, line {number}: a row is a clip's name and its captions.")
        by_name.setdefault(row[0].strip(), []).extend(row[1:])
    return by_name


def caption_from_name(name: str) -> str:
    """A file's name as a sentence: ``dataset-2_walk-turn-left_022`` gives "walk turn left."."""
    words = [w.lower() for w in _WORDS.findall(PurePosixPath(name).stem)]
    words = [w for w in words if w not in ("dataset", "take", "rep")]
    if not words:
        raise DataError("its name has no words to make a caption of.")
    return " ".join(words) + "."

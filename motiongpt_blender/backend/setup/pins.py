"""The versions, download sizes and test matrix that ``pyproject.toml`` names."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class Pins:
    """What ``pyproject.toml`` asks for.

    Attributes:
        groups: requirement lines of each dependency group, markers included.
        megabytes: download size of each group, as measured on Linux.
        matrix: Python version ("3.11") of each bpy version that the tests cover.
    """

    groups: Mapping[str, tuple[str, ...]]
    megabytes: Mapping[str, int]
    matrix: Mapping[str, str]


def read_pins(pyproject: Path) -> Pins:
    """The pins, download sizes and test matrix of a ``pyproject.toml``."""
    with pyproject.open("rb") as file:
        document = tomllib.load(file)
    groups = {name: tuple(lines) for name, lines in document["dependency-groups"].items()}
    ours = document["tool"]["motiongpt"]
    return Pins(groups, ours["download-megabytes"], ours["matrix"])

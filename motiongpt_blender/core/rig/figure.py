"""A posed rig as bone lines, kept with a marked pose to be drawn as its ghost."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from ..body.rotations import Array
from .bone_maps import Part
from .rig_description import RigDescription


@dataclass(frozen=True)
class Figure:
    """The bone lines of a body.

    Attributes:
        lines: (B, 2, 3) where each begins and ends, in the armature's space.
        parts: the part that moves each.
    """

    lines: Array
    parts: tuple[Part, ...]

    def moved(self, matrix: Array) -> Figure:
        """The figure transformed by a matrix (4, 4)."""
        return Figure(self.lines @ matrix[:3, :3].T + matrix[:3, 3], self.parts)

    def to_json(self) -> str:
        """The figure as one line of text."""
        lines = np.round(self.lines, 5).reshape(-1, 6).tolist()
        return json.dumps(list(zip(self.parts, lines, strict=True)))

    @classmethod
    def from_json(cls, text: str) -> Figure | None:
        """Read the text of ``to_json``; None for any other text."""
        try:
            rows: list[tuple[str, list[Any]]] = json.loads(text)
            parts = tuple(Part(part) for part, _ in rows)
            lines = np.array([numbers for _, numbers in rows], dtype=np.float64)
        except (ValueError, TypeError, OverflowError, RecursionError):
            return None
        usable = lines.shape == (len(parts), 6) and np.isfinite(lines).all()
        return cls(lines.reshape(-1, 2, 3), parts) if usable and parts else None


def figure_of(
    rig: RigDescription, heads: Mapping[str, Array], tails: Mapping[str, Array]
) -> Figure:
    """Lines from each part to the parts that it carries, else along its own bone.

    Args:
        rig: the rig's controls.
        heads: body bone of a control -> (3,) where it begins in the pose.
        tails: body bone -> (3,) where it ends.
    """
    by_name = {control.name: control for control in rig.controls}
    lines: list[tuple[Array, Array]] = []
    parts: list[Part] = []
    carrying: set[str] = set()
    for control in rig.controls:
        if control.name != rig.root:
            carrier = by_name[control.carrier or control.parent or rig.root]
            carrying.add(carrier.name)
            lines.append((heads[carrier.body], heads[control.body]))
            parts.append(carrier.part)
    for control in rig.controls:
        if control.name not in carrying:
            lines.append((heads[control.body], tails[control.body]))
            parts.append(control.part)
    return Figure(np.array(lines, dtype=np.float64), tuple(parts))

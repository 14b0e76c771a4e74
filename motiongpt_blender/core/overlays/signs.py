"""Signs of marked poses on the timeline, in pixels, and which of them lies under the mouse."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np

from ..body.rotations import Array
from ..pose_constraints.marked_pose import PoseRole
from .colours import ROLE_COLOURS
from .shapes import ColouredVertices

#: Half the height of a sign, and how far from it a click counts, in pixels of a plain screen.
SIZE: Final = 7.0
REACH: Final = 9.0
#: Height of the ruler at the top of a timeline, and the greatest and least one of a sign: the
#: lowest pixels of an editor are its edge, where a click reaches no add-on.
RULER: Final = 23.0
_HEIGHT: Final = 52.0
_LOWEST: Final = 14.0
_OUTLINE: Final = (0.05, 0.05, 0.05, 0.9)
_CHOSEN_OUTLINE: Final = (1.0, 1.0, 1.0, 1.0)
_STEM_OPACITY: Final = 0.45
#: Corners of each sign around its frame: a start points on, an end points back.
_CORNERS: Final[dict[PoseRole, tuple[tuple[float, float], ...]]] = {
    PoseRole.START: ((-0.45, -1.0), (1.0, 0.0), (-0.45, 1.0)),
    PoseRole.KEY: ((0.0, -1.0), (1.0, 0.0), (0.0, 1.0), (-1.0, 0.0)),
    PoseRole.END: ((0.45, -1.0), (0.45, 1.0), (-1.0, 0.0)),
}


@dataclass(frozen=True)
class Sign:
    """One mark on the timeline.

    Attributes:
        role: gives shape and colour.
        x: pixels from the region's left edge.
        y: pixels from its bottom.
        chosen: whether it is the chosen one of the list.
    """

    role: PoseRole
    x: float
    y: float
    chosen: bool = False


def sign_height(region_height: float, scale: float) -> float:
    """Height of the signs in a region: above Blender's markers, or lower where it is low itself."""
    return min(max(0.5 * (region_height - RULER * scale), _LOWEST * scale), _HEIGHT * scale)


def sign_at(signs: Sequence[Sign], x: float, y: float, scale: float = 1.0) -> int | None:
    """Index of the sign under the mouse, the nearest; the chosen one where two are as near.

    Args:
        signs: all signs of a region.
        x: mouse in the region, pixels.
        y: mouse in the region, pixels.
        scale: pixels of the screen in a pixel of a plain screen.
    """
    reach = REACH * scale
    near = [
        (abs(sign.x - x), not sign.chosen, k)
        for k, sign in enumerate(signs)
        if abs(sign.x - x) <= reach and abs(sign.y - y) <= reach
    ]
    return min(near)[2] if near else None


def sign_triangles(signs: Sequence[Sign], scale: float) -> ColouredVertices:
    """The faces of signs, the chosen one last and so on top."""
    parts: list[ColouredVertices] = []
    for sign in sorted(signs, key=lambda sign: sign.chosen):
        corners = _corners(sign, scale)
        fan = np.stack([corners[[0, k, k + 1]] for k in range(1, len(corners) - 1)])
        parts.append(_painted(fan, (*ROLE_COLOURS[sign.role], 1.0)))
    return ColouredVertices.joined(parts)


def sign_lines(signs: Sequence[Sign], scale: float, top: float) -> ColouredVertices:
    """Outlines of signs, and a stem from each up to a height, as ends of lines."""
    parts: list[ColouredVertices] = []
    for sign in sorted(signs, key=lambda sign: sign.chosen):
        corners = _corners(sign, scale)
        outline = np.stack([corners, np.roll(corners, -1, axis=0)], axis=1)
        stem = np.array([(sign.x, corners[:, 1].max()), (sign.x, top)])
        parts.append(_painted(stem, (*ROLE_COLOURS[sign.role], _STEM_OPACITY)))
        parts.append(_painted(outline, _CHOSEN_OUTLINE if sign.chosen else _OUTLINE))
    return ColouredVertices.joined(parts)


def _corners(sign: Sign, scale: float) -> Array:
    """Corners (C, 2) of a sign in pixels, around it."""
    return np.array([sign.x, sign.y]) + SIZE * scale * np.array(_CORNERS[sign.role])


def _painted(points: Array, colour: tuple[float, ...]) -> ColouredVertices:
    """Points (..., 2) on the screen in one colour."""
    flat = np.concatenate([points, np.zeros((*points.shape[:-1], 1))], axis=-1)
    return ColouredVertices.of(flat, np.broadcast_to(colour, (*points.shape[:-1], 4)))

"""Ghosts: the figures of marked poses where they were marked, coloured by their roles."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np

from ..body.rotations import Array
from ..pose_constraints.body_parts import BodyPart, parts_of
from ..pose_constraints.marked_pose import PoseRole
from ..rig.bone_maps import Part
from ..rig.figure import Figure
from .colours import ROLE_COLOURS
from .shapes import ColouredVertices, bone_triangles, shaded

#: Opacity of the chosen ghost, of the others, and of what a pose leaves free.
_CHOSEN: Final = 0.9
_OTHER: Final = 0.5
_FREE: Final = 0.12
#: Thickness of a bone as a share of its length, at most as a share of the longest one's, and
#: where along the bone it is thickest.
_THICKNESS: Final = 0.13
_THICKEST: Final = 0.09
_WAIST: Final = 0.15
#: The same of a head, which is no stick.
_HEAD_THICKNESS: Final = 0.34
_HEAD_WAIST: Final = 0.55


@dataclass(frozen=True)
class Ghost:
    """One marked pose to draw.

    Attributes:
        figure: its lines, in the space in which they are drawn.
        role: gives the colour.
        body_parts: what the pose constrains; the rest is faint.
        chosen: whether it is the chosen one of the list.
    """

    figure: Figure
    role: PoseRole
    body_parts: frozenset[BodyPart]
    chosen: bool


def ghost_vertices(ghosts: Sequence[Ghost]) -> ColouredVertices:
    """Solid bones of all ghosts, as triangles."""
    return ColouredVertices.joined([shaded(_bones(g.figure), _bone_colours(g)) for g in ghosts])


def ghost_lines(ghosts: Sequence[Ghost]) -> ColouredVertices:
    """The bone lines of all ghosts, so that they are seen from afar."""
    return ColouredVertices.joined(
        [
            ColouredVertices.of(g.figure.lines, np.repeat(_bone_colours(g)[:, None], 2, axis=1))
            for g in ghosts
        ]
    )


def _bones(figure: Figure) -> Array:
    """Triangles (B, 8, 3, 3) of a figure's bones."""
    lengths = np.linalg.norm(figure.lines[:, 1] - figure.lines[:, 0], axis=-1)
    head = np.array([part is Part.HEAD for part in figure.parts])
    stick = np.minimum(_THICKNESS * lengths, _THICKEST * lengths.max())
    thickness = np.where(head, _HEAD_THICKNESS * lengths, stick)
    return bone_triangles(figure.lines, thickness, np.where(head, _HEAD_WAIST, _WAIST))


def _bone_colours(ghost: Ghost) -> Array:
    """Colours (B, 4) of a ghost's bones."""
    constrained = parts_of(ghost.body_parts)
    strong = _CHOSEN if ghost.chosen else _OTHER
    return np.array(
        [
            (*ROLE_COLOURS[ghost.role], strong if part in constrained else _FREE)
            for part in ghost.figure.parts
        ]
    )

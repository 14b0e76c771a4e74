"""Trails: the ways of hips, hands and feet through a take, with a dot for each frame."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

import numpy as np

from ..body.rotations import Array, rotate
from ..body.skeleton import Joint
from ..rig.kinematics import forward_kinematics, joint_position
from ..rig.rig_description import RigDescription, RigMotion
from .colours import TRAIL_COLOURS, Colour, TrailPoint
from .shapes import ColouredVertices, dot_triangles, shaded

_JOINTS: Final = {
    TrailPoint.HAND_L: Joint.L_WRIST,
    TrailPoint.HAND_R: Joint.R_WRIST,
    TrailPoint.FOOT_L: Joint.L_FOOT,
    TrailPoint.FOOT_R: Joint.R_FOOT,
}
#: Radius of a dot and of the current frame's, as shares of the leg's length.
_DOT: Final = 0.018
_NOW: Final = 0.045
_LINE_OPACITY: Final = 0.7


@dataclass(frozen=True)
class Trails:
    """The ways through a take.

    Attributes:
        first: scene frame of the first point; one a frame follows.
        points: point of the body -> (T, 3) its places, in the space in which they are drawn.
        leg: length of the leg in that space.
    """

    first: float
    points: Mapping[TrailPoint, Array]
    leg: float

    def index_at(self, frame: float) -> int | None:
        """Index of the point at a scene frame; None where the take does not play."""
        count = len(next(iter(self.points.values())))
        index = round(frame - self.first)
        return index if 0 <= index < count else None


def trail_points(rig: RigDescription, motion: RigMotion) -> dict[TrailPoint, Array]:
    """Places (T, 3) of each point of the body in a motion, in the armature's space."""
    posed = forward_kinematics(rig, motion)
    places = {point: joint_position(rig, posed, joint) for point, joint in _JOINTS.items()}
    places[TrailPoint.HIPS] = posed.positions[rig.root]
    floor = np.array([0.0, rig.floor, 0.0])
    return {point: rotate(rig.axes, places[point] + floor) for point in TrailPoint}


def trail_lines(trails: Trails) -> ColouredVertices:
    """Lines from each point to the next one of its way."""
    parts: list[ColouredVertices] = []
    for point, points in trails.points.items():
        lines = np.stack([points[:-1], points[1:]], axis=1).reshape(-1, 3)
        colours = _colours(TRAIL_COLOURS[point], lines, _LINE_OPACITY)
        parts.append(ColouredVertices.of(lines, colours))
    return ColouredVertices.joined(parts)


def trail_dots(trails: Trails) -> ColouredVertices:
    """The dots of all frames, as triangles."""
    return ColouredVertices.joined(
        [
            shaded(dot_triangles(points, _DOT * trails.leg), _colours(TRAIL_COLOURS[point], points))
            for point, points in trails.points.items()
        ]
    )


def current_dots(trails: Trails, frame: float) -> ColouredVertices:
    """A larger dot in each way at a scene frame; none where the take does not play."""
    index = trails.index_at(frame)
    if index is None:
        return ColouredVertices.joined([])
    points = np.stack([places[index] for places in trails.points.values()])
    colours = np.array([(*TRAIL_COLOURS[point], 1.0) for point in trails.points])
    lighter = 0.35 * colours + 0.65
    return shaded(dot_triangles(points, _NOW * trails.leg), lighter)


def _colours(colour: Colour, points: Array, opacity: float = 1.0) -> Array:
    """One colour (T, 4) for all points (T, 3)."""
    return np.tile(np.array([*colour, opacity]), (len(points), 1))

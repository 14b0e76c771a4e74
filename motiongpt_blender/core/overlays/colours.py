"""The colours of what is drawn over the editors, sRGB, 0 to 1."""

from __future__ import annotations

from enum import Enum
from typing import Final, TypeAlias

from ..pose_constraints.marked_pose import PoseRole

#: Red, green, blue.
Colour: TypeAlias = tuple[float, float, float]

#: The icons of the panel have the same.
ROLE_COLOURS: Final[dict[PoseRole, Colour]] = {
    PoseRole.START: (126 / 255, 211 / 255, 124 / 255),
    PoseRole.KEY: (255 / 255, 190 / 255, 77 / 255),
    PoseRole.END: (255 / 255, 118 / 255, 106 / 255),
}


class TrailPoint(Enum):
    """A point of the body whose way is drawn."""

    HIPS = "hips"
    HAND_L = "left hand"
    HAND_R = "right hand"
    FOOT_L = "left foot"
    FOOT_R = "right foot"


_LEFT: Final = (0.30, 0.76, 0.80)
_RIGHT: Final = (0.86, 0.50, 0.86)
TRAIL_COLOURS: Final[dict[TrailPoint, Colour]] = {
    TrailPoint.HIPS: (0.36, 0.60, 1.0),
    TrailPoint.HAND_L: _LEFT,
    TrailPoint.HAND_R: _RIGHT,
    TrailPoint.FOOT_L: _LEFT,
    TrailPoint.FOOT_R: _RIGHT,
}

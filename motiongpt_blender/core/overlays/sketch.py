"""The motion so far while the model writes: the body at its end, and paler ones on its way."""

from __future__ import annotations

from typing import Final

import numpy as np

from ..body.rotations import Array, rotate
from ..body.skeleton import PARENTS, Joint
from ..rig.rig_description import RigDescription
from .colours import Colour, TrailPoint
from .shapes import ColouredVertices, bone_triangles, dot_triangles, shaded

#: Blue, as the way of the hips: no role of a marked pose has it.
COLOUR: Final[Colour] = (0.36, 0.60, 1.0)
#: Seconds between two bodies on the way, and their opacity.
APART: Final = 0.5
_PALE: Final = 0.3
#: Thickness of a bone and radius of the head, as shares of the leg's length.
_THICKNESS: Final = 0.035
_HEAD: Final = 0.11

_JOINTS: Final = {
    TrailPoint.HIPS: Joint.PELVIS,
    TrailPoint.HAND_L: Joint.L_WRIST,
    TrailPoint.HAND_R: Joint.R_WRIST,
    TrailPoint.FOOT_L: Joint.L_FOOT,
    TrailPoint.FOOT_R: Joint.R_FOOT,
}


def in_armature(rig: RigDescription, joints: Array) -> Array:
    """Joints (T, 22, 3) in metres of the model, y up, in the armature's space."""
    lift = np.array([0.0, rig.ankle_lift + rig.floor, 0.0])
    return rotate(rig.axes, joints * rig.scale + lift)


def sketch_points(joints: Array) -> dict[TrailPoint, Array]:
    """Places (T, 3) of each point of the body whose way is drawn."""
    return {point: joints[:, joint] for point, joint in _JOINTS.items()}


def newest_body(joints: Array, leg: float) -> ColouredVertices:
    """The body at the end of joints (T, 22, 3), as triangles."""
    lines = _lines(joints[-1:])
    lengths = np.linalg.norm(lines[:, 1] - lines[:, 0], axis=-1)
    thickness = np.minimum(_THICKNESS * leg, 0.3 * lengths)
    bones = bone_triangles(lines, thickness, np.full(len(lines), 0.15))
    head = dot_triangles(joints[-1, Joint.HEAD][None], _HEAD * leg)
    return ColouredVertices.joined(
        [shaded(shape, np.tile((*COLOUR, 0.9), (len(shape), 1))) for shape in (bones, head)]
    )


def earlier_bodies(joints: Array, fps: float) -> ColouredVertices:
    """Lines of the bodies on the way to the newest one, and of that one."""
    apart = max(round(APART * fps), 1)
    earlier, newest = _lines(joints[-1 - apart :: -apart]), _lines(joints[-1:])
    colours = np.array([(*COLOUR, _PALE)] * len(earlier) + [(*COLOUR, 0.9)] * len(newest))
    lines = np.concatenate([earlier, newest])
    return ColouredVertices.of(lines, np.repeat(colours[:, None], 2, axis=1))


def _lines(joints: Array) -> Array:
    """Bone lines (B, 2, 3) of all bodies (N, 22, 3)."""
    ends = np.arange(1, len(PARENTS))
    starts = np.array(PARENTS)[1:]
    return np.stack([joints[:, starts], joints[:, ends]], axis=2).reshape(-1, 2, 3)

"""A motion in another style: the upper body swings more or less, the back is bent, arms are wider.

Each bone above the hips has a slow mean direction; how far it turns away from that is scaled. What
is added stays the same all the time. Legs stay as they are, so that feet stand where they stood,
and every bone keeps its length.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np

from ..body.motion import heading
from ..body.rotations import (
    Array,
    about_axis,
    about_y,
    between,
    from_log,
    inverse,
    multiply,
    normalise,
    rotate,
    to_log,
)
from ..body.skeleton import PARENTS, Joint
from ..body.smoothing import gaussian_smooth

#: Seconds of the mean, a Gaussian's standard deviation: an arm swings about it twice.
MEAN_SECONDS: Final = 0.6
#: Radians that a bone turns away from its mean at most; a straight arm would break its shoulder.
FARTHEST: Final = np.radians(110)
#: The bones that are changed, from the hips outwards, by the joint at their end.
UPPER_BODY: Final = tuple(
    joint for joint in Joint
    if not joint.name.endswith(("PELVIS", "HIP", "KNEE", "ANKLE", "FOOT"))
)  # fmt: skip
#: Share of the hunch that a bone has; those of the arms have all of it. The head looks ahead.
_HUNCH: Final = {Joint.SPINE1: 0.3, Joint.SPINE2: 0.6, Joint.NECK: 1.0, Joint.HEAD: 0.2}
#: The bones that are wider, by the joint at their end.
_ARMS: Final = ("ELBOW", "WRIST")


@dataclass(frozen=True)
class TakeStyle:
    """How the upper body moves otherwise.

    Attributes:
        energy: of its swing about its mean: 1 changes nothing, 0 leaves the mean alone.
        hunch: degrees by which the back is bent forward.
        arms: degrees by which the upper arms are farther from the body.
    """

    energy: float = 1.0
    hunch: float = 0.0
    arms: float = 0.0


def with_style(joints: Array, fps: float, style: TakeStyle) -> Array:
    """A motion whose upper body moves in another style.

    Args:
        joints: (T, 22, 3) metres, y up.
        fps: frames a second.
        style: what changes.
    """
    facing = about_y(heading(joints))
    out = np.array(joints, dtype=np.float64)
    for joint in UPPER_BODY:
        parent = PARENTS[joint]
        bone = rotate(inverse(facing), joints[:, joint] - joints[:, parent])
        length = np.linalg.norm(bone, axis=-1, keepdims=True)
        direction = bone / np.maximum(length, 1e-9)
        mean = normalise(gaussian_smooth(direction, MEAN_SECONDS * fps))
        away = style.energy * to_log(between(mean, direction))
        angle = np.linalg.norm(away, axis=-1, keepdims=True)
        away *= np.minimum(1, FARTHEST / np.maximum(angle, 1e-9))
        turned = rotate(_added(joint, style), rotate(from_log(away), mean))
        out[:, joint] = out[:, parent] + rotate(facing, turned * length)
    return out.astype(joints.dtype)


def _added(joint: Joint, style: TakeStyle) -> Array:
    """The rotation (4,) that a bone has all the time, in a body that faces +z."""
    hunch = np.radians(style.hunch) * _HUNCH.get(joint, 1.0)
    bent = about_axis(np.array([1.0, 0.0, 0.0]), np.array(hunch))
    if not joint.name.endswith(_ARMS):
        return bent
    side = 1.0 if joint.name.startswith("L_") else -1.0
    out = about_axis(np.array([0.0, 0.0, side]), np.array(np.radians(style.arms)))
    return multiply(bent, out)

"""A motion with more or less energy: the upper body swings farther about its mean, or less far.

Each bone above the hips has a slow mean direction; how far it turns away from that is scaled. Legs
stay as they are, so that feet stand where they stood, and every bone keeps its length.
"""

from __future__ import annotations

from typing import Final

import numpy as np

from ..body.motion import heading
from ..body.rotations import (
    Array,
    about_y,
    between,
    from_log,
    inverse,
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
#: The bones that are scaled, from the hips outwards, by the joint at their end.
UPPER_BODY: Final = tuple(
    joint for joint in Joint
    if not joint.name.endswith(("PELVIS", "HIP", "KNEE", "ANKLE", "FOOT"))
)  # fmt: skip


def with_energy(joints: Array, fps: float, energy: float) -> Array:
    """A motion whose upper body moves about its mean by another measure.

    Args:
        joints: (T, 22, 3) metres, y up.
        fps: frames a second.
        energy: 1 changes nothing, 0 leaves the slow mean alone, 2 turns twice as far.
    """
    facing = about_y(heading(joints))
    out = np.array(joints, dtype=np.float64)
    for joint in UPPER_BODY:
        parent = PARENTS[joint]
        bone = rotate(inverse(facing), joints[:, joint] - joints[:, parent])
        length = np.linalg.norm(bone, axis=-1, keepdims=True)
        direction = bone / np.maximum(length, 1e-9)
        mean = normalise(gaussian_smooth(direction, MEAN_SECONDS * fps))
        away = energy * to_log(between(mean, direction))
        angle = np.linalg.norm(away, axis=-1, keepdims=True)
        away *= np.minimum(1, FARTHEST / np.maximum(angle, 1e-9))
        turned = rotate(from_log(away), mean) * length
        out[:, joint] = out[:, parent] + rotate(facing, turned)
    return out.astype(joints.dtype)

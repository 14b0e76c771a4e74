"""A motion on a rig brought back to its way.

On a rig of other proportions the body is moved over the floor by some centimetres, so that feet
that stand stay where they are. Over a few steps that leads off a way; here it is taken back
slowly, and foot locking keeps the feet.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Final

import numpy as np

from ..body.rotations import Array, inverse, rotate
from ..body.skeleton import Joint
from ..rig.kinematics import forward_kinematics, joint_position
from ..rig.rig_description import RigDescription, RigMotion
from .path import odd_smooth

#: Seconds over which the way back is smoothed: within a step the feet have their say.
STEP_SECONDS: Final = 0.2


def back_on_way(rig: RigDescription, motion: RigMotion, joints: Array) -> RigMotion:
    """The motion with the centre of its hips over the model's pelvis (T, 22, 3), scaled."""
    posed = forward_kinematics(rig, motion)
    left, right = (joint_position(rig, posed, joint) for joint in (Joint.L_HIP, Joint.R_HIP))
    away = 0.5 * (left + right) - rig.scale * joints[:, 0]
    away[:, 1] = 0.0
    drift = odd_smooth(away, STEP_SECONDS * motion.fps)
    back = rotate(np.broadcast_to(inverse(motion.root_rest), (len(drift), 4)), drift)
    return replace(motion, locations=motion.locations - back)

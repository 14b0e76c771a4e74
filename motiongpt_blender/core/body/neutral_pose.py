"""The neutral pose of the model's body: bone lengths and directions of a T-pose.

Measured over the upright frames of many performers. Retargeting compares a motion with this
pose: a body in it corresponds to a rig at rest.
"""

from __future__ import annotations

from typing import Final

import numpy as np

from .rotations import Array, normalise
from .skeleton import JOINT_COUNT, PARENTS, Joint

#: Metres from each joint's parent to the joint; 0 for the pelvis.
BONE_LENGTHS: Final[tuple[float, ...]] = (
    0.0, 0.1031, 0.1099, 0.1316, 0.3936, 0.3902, 0.1432, 0.4324, 0.4256, 0.0574, 0.1434,
    0.1494, 0.2194, 0.1375, 0.1434, 0.1030, 0.1316, 0.1230, 0.2568, 0.2631, 0.2660, 0.2699,
)  # fmt: skip

#: Height of the ankle over the floor when the sole is flat, metres.
ANKLE_HEIGHT: Final = 0.055

#: Radians by which the line from ankle to toe points down when the sole is flat.
FLAT_FOOT_SLOPE: Final = float(np.radians(22.0))

#: Length of the model's leg from hip to ankle, metres.
LEG_LENGTH: Final = 0.82

# Direction from the parent: x to the left, y up, z forward; the right side mirrors the left.
_LEFT_DIRECTIONS: Final[dict[Joint, tuple[float, float, float]]] = {
    Joint.L_HIP: (0.870, -0.490, 0.0),
    Joint.SPINE1: (0.0, 0.998, -0.060),
    Joint.L_KNEE: (0.0, -1.0, 0.0),
    Joint.SPINE2: (0.0, 1.0, 0.0),
    Joint.L_ANKLE: (0.0, -1.0, 0.0),
    Joint.SPINE3: (0.0, 1.0, 0.0),
    Joint.L_FOOT: (0.0, -float(np.sin(FLAT_FOOT_SLOPE)), float(np.cos(FLAT_FOOT_SLOPE))),
    Joint.NECK: (0.0, 1.0, 0.0),
    Joint.L_COLLAR: (0.480, 0.877, -0.020),
    Joint.HEAD: (0.0, 0.970, 0.245),
    Joint.L_SHOULDER: (0.998, 0.050, -0.010),
    Joint.L_ELBOW: (1.0, 0.0, 0.0),
    Joint.L_WRIST: (1.0, 0.0, 0.0),
}


def _directions() -> Array:
    out = np.zeros((JOINT_COUNT, 3))
    for joint, direction in _LEFT_DIRECTIONS.items():
        out[joint] = direction
        mirrored = joint.name.replace("L_", "R_", 1)
        if mirrored != joint.name:
            out[Joint[mirrored]] = np.array(direction) * (-1.0, 1.0, 1.0)
    return normalise(out)


#: Unit vectors (22, 3) from each joint's parent to the joint; zero for the pelvis.
DIRECTIONS: Final[Array] = _directions()


def build(directions: Array, pelvis: Array) -> Array:
    """Joints (..., 22, 3) of the model's proportions with these bone directions.

    Args:
        directions: (..., 22, 3) unit vectors from parent to joint.
        pelvis: (..., 3) metres.
    """
    joints = np.zeros(directions.shape)
    joints[..., Joint.PELVIS, :] = pelvis
    for joint in range(1, JOINT_COUNT):
        bone = directions[..., joint, :] * BONE_LENGTHS[joint]
        joints[..., joint, :] = joints[..., PARENTS[joint], :] + bone
    return joints


#: The neutral pose, (22, 3) metres, pelvis at the origin.
NEUTRAL: Final[Array] = build(DIRECTIONS, np.zeros(3))

"""How far a motion was from a marked pose, and what meeting it did."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ..body.motion import local_pose
from ..body.rotations import IDENTITY, Array, about_y, angle_between, inverse, multiply, yaw_angle
from ..rig.kinematics import root_transform
from ..rig.rig_description import RigMotion
from .fk_mismatch import FKMismatch
from .rig_pose import RigPose, pose_root


@dataclass(frozen=True)
class PoseReport:
    """How far the motion was from a marked pose before it was corrected.

    Attributes:
        frame: index of the frame.
        body_degrees: mean angle over the constrained controls, heading removed.
        position_cm: distance of the root, in centimetres of the model; 0 where it is free.
        body_cm: mean distance of the constrained joints, position and heading removed.
        dragged_cm: the part of the root path that no bend gave, so that it slides.
        root_constrained: whether the pose constrains position and heading.
        moved_cm: the farthest that head, hands or feet are moved to meet the pose.
        jerk: their mean jerk around the pose, over what it was before.
        fk_mismatch: what FK controls cannot reach of the pose, or None.
    """

    frame: int
    body_degrees: float
    position_cm: float
    body_cm: float = 0.0
    dragged_cm: float = 0.0
    root_constrained: bool = True
    moved_cm: float = 0.0
    jerk: float = 1.0
    fk_mismatch: FKMismatch | None = None


def pose_report(motion: RigMotion, frame: int, pose: RigPose) -> PoseReport:
    """How far a motion is from a pose at a frame index, rotations and root position."""
    names = [n for n in pose.rotations if n != motion.root and n in motion.rotations]
    angles: list[float] = []
    if names:
        current = np.array([motion.rotations[n][frame] for n in names])
        angles = angle_between(current, np.array([pose.rotations[n] for n in names])).tolist()
    position_cm = 0.0
    if pose.root_constrained:
        rotations, positions = root_transform(motion)
        target_rotation, target_position = pose_root(motion, pose)
        tilt = multiply(target_rotation, inverse(rotations[frame]))
        tilt = multiply(about_y(-yaw_angle(tilt)), tilt)
        angles.append(float(angle_between(IDENTITY, tilt)))
        distance = float(np.linalg.norm(target_position - positions[frame]))
        position_cm = 100 * distance / motion.scale
    degrees = float(np.degrees(np.mean(angles))) if angles else 0.0
    return PoseReport(frame, degrees, position_cm, root_constrained=pose.root_constrained)


def body_distance(joints: Array, marked: Array, counted: NDArray[np.bool_] | None = None) -> float:
    """Mean distance in centimetres of two poses (22, 3) in metres, position and heading removed.

    ``counted`` (22,) says which joints count; of none the distance is 0.
    """
    if counted is not None and not counted.any():
        return 0.0
    distance = np.linalg.norm(local_pose(joints) - local_pose(marked), axis=-1)
    return 100 * float((distance if counted is None else distance[counted]).mean())

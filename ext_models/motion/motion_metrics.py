"""Metrics on joint positions: poses and smoothness.

Feet and floor are in ``floor_metrics``, speeds over time in ``pacing_metrics``. Joints are
(T, 22, 3) in metres, y up; the 21 joints of KIT-ML work where no foot is named, and lengths are
then in hundredths of that data set's unit. All of them refuse numbers that are not finite and
shapes that do not fit, with a ValueError.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray

from motiongpt_blender.core.body.motion import MODEL_FPS
from motiongpt_blender.core.body.rotations import about_y, rotate

from .representations import HUMANML3D, KIT, Representation

Array = NDArray[np.floating]


def local_pose(joints: Array) -> Array:
    """Joints (..., J, 3) with the pelvis at the origin and the heading removed."""
    centred = joints - joints[..., :1, :]
    turn = about_y(-_heading(joints))
    return rotate(np.broadcast_to(turn[..., None, :], (*joints.shape[:-1], 4)), centred)


def pose_recon(generated: ArrayLike, given: ArrayLike) -> float:
    """Mean joint distance in cm of poses (..., J, 3), root-relative with the heading removed."""
    a, b = _pair(generated, given)
    return _centimetres(local_pose(a) - local_pose(b))


def pose_velocity(generated: ArrayLike, given: ArrayLike) -> float:
    """Mean distance in cm/frame of joint velocities of two motions (T, J, 3), T >= 2.

    Velocities are those of the poses, root-relative with the heading removed.
    """
    a, b = _pair(generated, given, least=2)
    return _centimetres(np.diff(local_pose(a), axis=-3) - np.diff(local_pose(b), axis=-3))


def jerk(joints: ArrayLike, fps: float = MODEL_FPS) -> Array:
    """Jerk (T - 3,) in m/s^3 of the joint that jerks most."""
    frames = checked_joints(joints, "motion", least=4)
    return np.linalg.norm(np.diff(frames, n=3, axis=0) * fps**3, axis=-1).max(axis=-1)


def checked_joints(values: ArrayLike, what: str, least: int = 0) -> Array:
    """Finite joints (..., J, 3), with at least so many frames in the axis before when not 0.

    Raises:
        ValueError: naming what the joints are of and what is wrong with them.
    """
    joints = np.asarray(values)
    counts = (HUMANML3D.joints, KIT.joints)
    axes = 3 if least else 2
    if joints.ndim < axes or joints.shape[-2] not in counts or joints.shape[-1] != 3:
        leading = "(frames, " if least else "(..., "
        raise ValueError(
            f"the {what} should be {leading}{counts[0]}, 3) joints and is {joints.shape}."
        )
    if least and joints.shape[-3] < least:
        raise ValueError(
            f"the {what} has {joints.shape[-3]} frames; at least {least} are needed here."
        )
    if not joints.size:
        raise ValueError(f"the {what} is empty: {joints.shape}.")
    if not np.isfinite(joints).all():
        raise ValueError(f"the {what} holds numbers that are not finite.")
    return joints


def _heading(joints: Array) -> Array:
    """Heading in radians (...,) of joints (..., J, 3): 0 faces +z, growing to the left."""
    right_hip, left_hip, right_shoulder, left_shoulder = _representation(joints).facing
    left = joints[..., left_hip, :] - joints[..., right_hip, :]
    left = left + joints[..., left_shoulder, :] - joints[..., right_shoulder, :]
    return np.arctan2(-left[..., 2], left[..., 0])


def _representation(joints: Array) -> Representation:
    return KIT if joints.shape[-2] == KIT.joints else HUMANML3D


def _centimetres(difference: Array) -> float:
    return float(100 * np.linalg.norm(difference, axis=-1).mean())


def _pair(generated: ArrayLike, given: ArrayLike, least: int = 0) -> tuple[Array, Array]:
    a = checked_joints(generated, "generated motion", least)
    b = checked_joints(given, "given motion", least)
    if a.shape != b.shape:
        raise ValueError(f"poses of one shape can be compared; these are {a.shape} and {b.shape}.")
    return a, b

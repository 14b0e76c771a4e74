"""Metrics on joint positions (T, 22, 3) in metres."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from motiongpt_blender.core.motion import heading
from motiongpt_blender.core.rotations import about_y, rotate

Array = NDArray[np.floating]


def local_pose(joints: Array) -> Array:
    """Joints (..., 22, 3) with the pelvis at the origin and the heading removed."""
    centred = joints - joints[..., :1, :]
    turn = about_y(-heading(joints))
    return rotate(np.broadcast_to(turn[..., None, :], (*joints.shape[:-1], 4)), centred)


def pose_recon(generated: Array, given: Array) -> float:
    """Mean joint distance in cm of two poses (22, 3), root-relative with the heading removed."""
    return float(100 * np.linalg.norm(local_pose(generated) - local_pose(given), axis=-1).mean())


def pose_velocity(generated: Array, given: Array) -> float:
    """Mean distance in cm/frame of joint velocities between two frame pairs (2, 22, 3)."""
    difference = np.diff(local_pose(generated), axis=0) - np.diff(local_pose(given), axis=0)
    return float(100 * np.linalg.norm(difference, axis=-1).mean())


def skating_ratio(joints: Array, fps: float = 20.0) -> float:
    """Share of frames in which a toe near the floor slides.

    A toe counts when it is below 5 cm in two neighbouring frames and faster than 0.5 m/s.
    """
    toes = joints[:, [10, 11]]
    low = (toes[1:, :, 1] < 0.05) & (toes[:-1, :, 1] < 0.05)
    speed = np.linalg.norm(np.diff(toes[..., [0, 2]], axis=0), axis=-1) * fps
    return float((low & (speed > 0.5)).any(axis=1).mean()) if len(joints) > 1 else 0.0

"""Metrics of feet and floor: how far a standing foot slides, and how deep a body sinks.

Joints are (T, 22, 3) in metres, y up, the floor at y = 0. All functions refuse numbers that are
not finite and shapes that do not fit, with a ValueError.
"""

from __future__ import annotations

from typing import Final

import numpy as np
from numpy.typing import ArrayLike, NDArray

from motiongpt_blender.core.body.motion import MODEL_FPS

from .motion_metrics import checked_joints
from .representations import HUMANML3D

Array = NDArray[np.floating]

#: The toes of the 22 joints.
TOES: Final = (10, 11)
#: Metres; a toe below this stands on the floor.
NEAR_FLOOR: Final = 0.05


def skating_ratio(joints: ArrayLike, fps: float = MODEL_FPS, *, speed: float = 0.5) -> float:
    """Share of frames in which a toe near the floor slides.

    A toe counts when it is below 5 cm in two neighbouring frames and faster than
    ``speed`` (m/s; 0.5 as published, 0.2 to be strict). A single frame cannot slide.
    """
    low, speeds = _toes(joints, fps)
    return float((low & (speeds > speed)).any(axis=1).mean()) if len(low) else 0.0


def support_foot_speeds(joints: ArrayLike, fps: float = MODEL_FPS) -> Array:
    """Ground speed (C,) in m/s of the support foot in each of the C contact frames.

    In a contact frame a toe is below 5 cm, and was so in the frame before. Of two such toes the
    slower one is the support foot: the other may be swinging low over the floor.
    """
    low, speeds = _toes(joints, fps)
    slower = np.where(low, speeds, np.inf).min(axis=1, initial=np.inf)
    return slower[low.any(axis=1)]


def support_foot_speed(joints: ArrayLike, fps: float = MODEL_FPS) -> float | None:
    """Mean of ``support_foot_speeds`` in m/s; None where no toe ever stands."""
    speeds = support_foot_speeds(joints, fps)
    return float(speeds.mean()) if len(speeds) else None


def floor_penetration(joints: ArrayLike) -> float:
    """Metres that the deepest joint of all frames is below the floor; 0 when none is."""
    frames = checked_joints(joints, "motion", least=1)
    return max(0.0, -float(frames[..., 1].min()))


def _toes(joints: ArrayLike, fps: float) -> tuple[NDArray[np.bool_], Array]:
    """For each frame but the last and each toe: is it near the floor; its speed in m/s."""
    frames = checked_joints(joints, "motion", least=1)
    if frames.shape[-2] != HUMANML3D.joints:
        raise ValueError(f"toes are known of {HUMANML3D.joints} joints only: {frames.shape}.")
    toes = frames[:, list(TOES)]
    low = (toes[1:, :, 1] < NEAR_FLOOR) & (toes[:-1, :, 1] < NEAR_FLOOR)
    return low, np.linalg.norm(np.diff(toes[..., [0, 2]], axis=0), axis=-1) * fps

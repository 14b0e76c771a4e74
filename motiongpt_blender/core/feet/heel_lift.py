"""How far a foot rolls on its toe, so that its heel clears the floor or its leg can reach."""

from __future__ import annotations

from typing import Final

import numpy as np

from ..body.rotations import Array, cross

#: The most that a heel is raised, radians.
MAX_HEEL_LIFT: Final = 0.6


def lift_above_floor(heel: Array, axis: Array, lowest: Array) -> Array:
    """Angles (T,) by which a foot rolls on its toe so that its heel is at a height or above.

    A foot that lands on its heel has its toe brought down to the floor; its heel would go
    through it.

    Args:
        heel: (T, 3) relative to the toe.
        axis: (T, 3) unit axis to the left of the foot.
        lowest: (T,) height over the toe.
    """
    arm = heel - (heel * axis).sum(-1, keepdims=True) * axis
    height, rise = arm[:, 1], cross(axis, arm)[:, 1]
    size = np.maximum(np.hypot(height, rise), 1e-12)
    wanted = np.clip((lowest - heel[:, 1] + height) / size, -1.0, 1.0)
    angle = np.arcsin(wanted) - np.arctan2(height, rise)
    return np.where(height < wanted * size, np.clip(angle, 0.0, MAX_HEEL_LIFT), 0.0)


def lift_within_reach(hip: Array, ankle: Array, axis: Array, reach: Array) -> Array:
    """Angles (T,) by which a foot rolls on its toe so that the leg can reach its ankle.

    Args:
        hip: (T, 3) relative to the toe.
        ankle: (T, 3) relative to the toe.
        axis: (T, 3) unit axis to the left of the foot.
        reach: (T,) the largest distance between ankle and hip.
    """
    along = (ankle * axis).sum(-1, keepdims=True) * axis
    arm = ankle - along
    c, s = (hip * arm).sum(-1), (hip * cross(axis, arm)).sum(-1)
    wanted = 0.5 * ((hip**2).sum(-1) + (ankle**2).sum(-1) - reach**2) - (hip * along).sum(-1)
    size = np.maximum(np.hypot(c, s), 1e-12)
    angle = np.arctan2(s, c) - np.arccos(np.clip(wanted / size, -1.0, 1.0))
    return np.where(wanted > c, np.clip(angle, 0.0, MAX_HEEL_LIFT), 0.0)

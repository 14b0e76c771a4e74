"""Motions at another frame rate without corners."""

from __future__ import annotations

import numpy as np

from .rotations import Array


def resample_smooth(joints: Array, fps: float, to_fps: float, count: int) -> Array:
    """Joints (T, 22, 3) at another rate, by a cubic through every source frame.

    Linear interpolation would show as a beat between the two rates on a rig.

    Args:
        joints: (T, ...) positions.
        fps: their frames a second.
        to_fps: wanted frames a second.
        count: wanted frames; a motion that is too short for them is slowed to fit, one
            that is too long is cut.
    """
    last = len(joints) - 1
    if last == 0 or count == 1:
        return np.repeat(joints[:1], count, axis=0)
    step = min(fps / to_fps, last / (count - 1))
    times = np.minimum(np.arange(count) * step, last)
    low = np.minimum(times.astype(int), last - 1)
    t = (times - low).reshape(-1, *(1,) * (joints.ndim - 1))
    # A point mirrored beyond each end keeps the ends' speed.
    first, final = 2 * joints[:1] - joints[1:2], 2 * joints[-1:] - joints[-2:-1]
    p = np.concatenate([first, joints, final])
    p0, p1, p2, p3 = (p[low + i] for i in range(4))
    a, b, c = 2 * p0 - 5 * p1 + 4 * p2 - p3, -p0 + 3 * p1 - 3 * p2 + p3, p2 - p0
    return p1 + 0.5 * t * (c + t * (a + t * b))

"""Metrics of pacing: whether a take lurches, stands still, rushes, or speeds up at its end.

Joints are (T, J, 3) in metres, y up, the pelvis first. *Ground speed* is that of the pelvis, up
and down left out. All functions refuse numbers that are not finite and shapes that do not fit,
with a ValueError.
"""

from __future__ import annotations

from typing import Final

import numpy as np
from numpy.typing import ArrayLike, NDArray

from motiongpt_blender.core.body.motion import MODEL_FPS

from .motion_metrics import checked_joints

Array = NDArray[np.floating]

#: Seconds at the end of a take, and before them, whose ground speeds are compared.
END_SECONDS: Final = 0.4
#: m/s that a take gains between the two when it speeds up late.
LATE_SPEED_UP: Final = 0.3
#: m/s; a body whose joints are slower than this in the mean stands still. A hand that waves is
#: not enough to make it move.
STILL_SPEED: Final = 0.1
#: Seconds over which that speed is measured, so that trembling is no motion.
STILL_WINDOW: Final = 0.15
#: Seconds of standstill after which a rush counts, and seconds in which it has to come.
STANDSTILL_SECONDS: Final = 0.5
RUSH_WITHIN: Final = 1.0
#: m/s from which it is a rush, and seconds over which that is measured. Of real clips 1 in 200 is
#: as fast so soon after a standstill.
RUSH_SPEED: Final = 1.25
RUSH_WINDOW: Final = 0.25


def peak_acceleration(joints: ArrayLike, fps: float = MODEL_FPS) -> float:
    """The largest acceleration of the pelvis over the ground in m/s^2, between two frames.

    A take that lurches has a large one. Fewer than three frames have none: 0.
    """
    frames = checked_joints(joints, "motion", least=1)
    accelerations = np.diff(frames[:, 0, [0, 2]], n=2, axis=0) * fps**2
    return float(np.linalg.norm(accelerations, axis=-1).max(initial=0.0))


def end_speed_gain(joints: ArrayLike, fps: float = MODEL_FPS) -> float:
    """m/s that the mean ground speed of the last 0.4 s is above that of the 0.4 s before.

    A take shorter than both together has no such end: 0.
    """
    steps = _steps(END_SECONDS, fps)
    speeds = _net_speeds(_pelvis(joints), 1, fps)
    if len(speeds) < 2 * steps:
        return 0.0
    return float(speeds[-steps:].mean() - speeds[-2 * steps : -steps].mean())


def speeds_up_late(joints: ArrayLike, fps: float = MODEL_FPS) -> bool:
    """Whether a take is faster by more than 0.3 m/s in its last 0.4 s than just before."""
    return end_speed_gain(joints, fps) > LATE_SPEED_UP


def standstills(joints: ArrayLike, fps: float = MODEL_FPS) -> list[tuple[int, int]]:
    """First and last frame of each stretch in which the body stands still.

    The body stands still while the mean speed of its joints, measured over 0.15 s, is below
    0.1 m/s.
    """
    frames = checked_joints(joints, "motion", least=1)
    steps = _steps(STILL_WINDOW, fps)
    still = _net_speeds(frames, steps, fps).mean(axis=-1) < STILL_SPEED
    edges = np.flatnonzero(np.diff(still, prepend=False, append=False))
    # A window that begins at a frame ends ``steps`` frames later.
    return [(int(first), int(end) - 1 + steps) for first, end in edges.reshape(-1, 2)]


def longest_standstill(joints: ArrayLike, fps: float = MODEL_FPS) -> float:
    """Seconds of the longest stretch in which the body stands still; 0 when it never does."""
    return max(((last - first) / fps for first, last in standstills(joints, fps)), default=0.0)


def speed_after_standstill(joints: ArrayLike, fps: float = MODEL_FPS) -> float:
    """The highest ground speed in m/s within a second after a standstill of half a second.

    The speed is measured over 0.25 s; 0 when no such standstill is followed by anything.
    """
    steps, within = _steps(RUSH_WINDOW, fps), _steps(RUSH_WITHIN, fps)
    speeds = _net_speeds(_pelvis(joints), steps, fps)
    after = [
        speeds[last : last + within - steps + 1]
        for first, last in standstills(joints, fps)
        if last - first >= STANDSTILL_SECONDS * fps
    ]
    return float(max((part.max(initial=0.0) for part in after), default=0.0))


def rushes_after_standstill(joints: ArrayLike, fps: float = MODEL_FPS) -> bool:
    """Whether a take stands still for half a second and then leaps away at 1.25 m/s or more."""
    return speed_after_standstill(joints, fps) >= RUSH_SPEED


def _steps(seconds: float, fps: float) -> int:
    """The nearest number of frame steps, at least one."""
    return max(1, round(seconds * fps))


def _pelvis(joints: ArrayLike) -> Array:
    """Ground positions (T, 2) of the pelvis."""
    return checked_joints(joints, "motion", least=1)[:, 0, [0, 2]]


def _net_speeds(points: Array, steps: int, fps: float) -> Array:
    """Speeds in m/s of points (T, ..., D) from each frame to so many steps later, (T - steps, ...).

    Only the distance between the two counts, not the way: trembling adds nothing.
    """
    return np.linalg.norm(points[steps:] - points[:-steps], axis=-1) * (fps / steps)

"""Retiming: the time between two placed poses is spread over the path between them.

A small model knows one walking speed. Where a path is shorter than its time it stands still and
then walks, or rushes. So standing and idling are played faster and rushing is played slower,
within limits, while the marked frames stay where they are. What the body does on the spot keeps
its speed, and so does an even walk.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise
from typing import Final

import numpy as np
from numpy.typing import NDArray

from motiongpt_blender.core.body.motion import MODEL_FPS, local_pose
from motiongpt_blender.core.body.resampling import motion_at
from motiongpt_blender.core.body.smoothing import gaussian_smooth

from .request import PoseCondition
from .schedule import SHORT

Array = NDArray[np.floating]

#: A pace between an even one divided by this, and multiplied, counts as even.
EVEN: Final = 1.15
#: How long a frame may become, at least and at most.
STRETCH: Final = (0.2, 2.2)
#: The least for a body that does something on the spot.
BUSY_STRETCH: Final = 0.85
#: Metres a second of the joints in the mean, from which it does.
BUSY: Final = 0.25
#: Frames over which speeds, and the stretch, are smoothed.
SPEED_FRAMES: Final = 2.0
STRETCH_FRAMES: Final = 1.0
#: Frames over which the speed of a joint is measured (0.1 s).
PEAK_FRAMES: Final = 2
_BISECTIONS: Final = 40


def spread_over_path(
    joints: NDArray[np.float32], poses: Sequence[PoseCondition], fps: float
) -> NDArray[np.float32]:
    """A motion (T, 22, 3) that walks evenly from each placed pose to the next; poses ascending."""
    marks = [pose.frame for pose in poses if pose.placed]
    times = np.arange(len(joints), dtype=np.float64)
    for first, last in pairwise(marks):
        part = joints[first : last + 1]
        metres = np.linalg.norm((part[-1, 0] - part[0, 0])[[0, 2]])
        if metres > SHORT and last - first > 1:
            times[first : last + 1] = first + _spread(part, float(metres), fps)
    if np.array_equal(times, np.arange(len(joints))):
        return joints
    return motion_at(joints.astype(np.float64), times).astype(np.float32)


def _spread(joints: Array, metres: float, fps: float) -> Array:
    """The time (N,), in frames, that each frame of a segment shows."""
    steps = len(joints) - 1
    body = np.linalg.norm(np.diff(local_pose(joints), axis=0), axis=-1).mean(-1) * fps
    busy = np.minimum(gaussian_smooth(body, SPEED_FRAMES) / BUSY, 1.0)
    least = STRETCH[0] + (BUSY_STRETCH - STRETCH[0]) * busy
    shown = np.concatenate([[0.0], np.cumsum(_stretch(_pace(joints, metres), least))])
    shown *= steps / shown[-1]
    return np.interp(np.arange(steps + 1), shown, np.arange(steps + 1))


def _pace(joints: Array, metres: float) -> Array:
    """Speed over the floor from frame to frame (N - 1,), relative to an even walk; 1 if about."""
    ground = np.linalg.norm(np.diff(joints[:, 0][:, [0, 2]], axis=0), axis=-1)
    pace = gaussian_smooth(ground, SPEED_FRAMES) * (len(joints) - 1) / metres
    exponent = np.log(np.maximum(pace, 1e-3))
    return np.exp(exponent - np.clip(exponent, -np.log(EVEN), np.log(EVEN)))


def _stretch(pace: Array, least: Array) -> Array:
    """How long each frame becomes (N,): in proportion to its pace, within limits, 1 in the mean."""
    low, high = 0.0, STRETCH[1] / float(pace.min())
    for _ in range(_BISECTIONS):
        middle = 0.5 * (low + high)
        if np.clip(middle * pace, least, STRETCH[1]).mean() < 1:
            low = middle
        else:
            high = middle
    return gaussian_smooth(np.clip(high * pace, least, STRETCH[1]), STRETCH_FRAMES)


def joint_speeds(joints: Array, fps: float) -> Array:
    """m/s of the fastest joint of a motion (T, 22, 3), over 0.1 s: (T - 2,)."""
    moved = joints[PEAK_FRAMES:].astype(np.float64) - joints[:-PEAK_FRAMES]
    return np.linalg.norm(moved, axis=-1).max(-1) * fps / PEAK_FRAMES


def slowed_down(
    joints: NDArray[np.float32], first: int, last: int, most: float, fps: float = MODEL_FPS
) -> NDArray[np.float32]:
    """A motion (T, 22, 3) whose rush between two frames takes longer; both stay where they are.

    What is slow there is played faster instead, all of it alike, so that no joint is faster than
    ``most`` m/s, or all frames are equally fast where even that is not possible.
    """
    part = joints[first : last + 1]
    if len(part) <= PEAK_FRAMES or joint_speeds(part, fps).max() <= most:
        return joints
    moved = np.linalg.norm(np.diff(part.astype(np.float64), axis=0), axis=-1).max(-1)
    needed = moved * fps / most
    needed = np.maximum(needed, gaussian_smooth(needed, STRETCH_FRAMES))
    low, high = 0.0, 1.0
    for _ in range(_BISECTIONS):
        middle = 0.5 * (low + high)
        if np.maximum(needed, middle).mean() < 1:
            low = middle
        else:
            high = middle
    shown = np.concatenate([[0.0], np.cumsum(np.maximum(needed, low))])
    shown *= (last - first) / shown[-1]
    times = np.arange(len(joints), dtype=np.float64)
    times[first : last + 1] = first + np.interp(
        np.arange(last - first + 1), shown, np.arange(last - first + 1)
    )
    return motion_at(joints.astype(np.float64), times).astype(np.float32)

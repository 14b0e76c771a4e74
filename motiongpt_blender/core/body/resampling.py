"""Motions at another frame rate, without corners and with constant bone lengths.

Linear interpolation would show as a beat between both rates, and shorten every limb that
rotates fast. Here the body's position follows a Catmull-Rom cubic through every source frame,
and each bone's direction follows the same cubic on the sphere.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from .rotations import Array, normalise
from .skeleton import PARENTS

Frames = NDArray[np.intp]

_CHILD = np.arange(1, len(PARENTS))
_PARENT = np.array(PARENTS[1:])


def resample_motion(joints: Array, fps: float, to_fps: float, count: int) -> Array:
    """A motion (T, 22, 3) at another rate; bones rotate and keep their lengths.

    Args:
        joints: positions in any unit.
        fps: their frames a second.
        to_fps: wanted frames a second.
        count: wanted frames; a motion that is too short for them is slowed to fit, one
            that is too long is cut.
    """
    if len(joints) == 1 or count == 1:
        return np.repeat(joints[:1], count, axis=0)
    return motion_at(joints, _source_times(len(joints), fps, to_fps, count))


def motion_at(joints: Array, times: Array) -> Array:
    """A motion (T, 22, 3) at any times (N,), in frames from 0 to T - 1: (N, 22, 3).

    The pelvis follows a cubic, bones rotate and keep their lengths. T is at least 2.
    """
    low, t = _low_and_share(len(joints), times)
    bones = joints[:, _CHILD] - joints[:, _PARENT]
    share = t[:, None, None]
    vectors = _slide(normalise(bones), low, share)
    lengths = np.linalg.norm(bones, axis=-1, keepdims=True)
    vectors = vectors * (lengths[low] * (1 - share) + lengths[low + 1] * share)
    out = np.empty((len(times), *joints.shape[1:]), dtype=vectors.dtype)
    out[:, 0] = values_at(joints[:, 0], times)
    for bone, (child, parent) in enumerate(zip(_CHILD, _PARENT, strict=True)):
        out[:, child] = out[:, parent] + vectors[:, bone]
    return out


def resample_smooth(values: Array, fps: float, to_fps: float, count: int) -> Array:
    """Values (T, ...) at another rate, by a cubic through every source frame.

    Args:
        values: numbers that may be added, such as positions; rotations may not.
        fps: their frames a second.
        to_fps: wanted frames a second.
        count: wanted frames, as in ``resample_motion``.
    """
    if len(values) == 1 or count == 1:
        return np.repeat(values[:1], count, axis=0)
    return values_at(values, _source_times(len(values), fps, to_fps, count))


def values_at(values: Array, times: Array) -> Array:
    """Values (T, ...) at any times (N,), in frames from 0 to T - 1, by a cubic; T is at least 2."""
    low, t = _low_and_share(len(values), times)
    t = t.reshape((-1,) + (1,) * (values.ndim - 1))
    # A point mirrored beyond each end keeps the ends' speed.
    first, final = 2 * values[:1] - values[1:2], 2 * values[-1:] - values[-2:-1]
    p = np.concatenate([first, values, final])
    current = p[low + 1]
    return current + _cubic(p[low] - current, p[low + 2] - current, p[low + 3] - current, t)


def _source_times(length: int, fps: float, to_fps: float, count: int) -> Array:
    """The source time (count,) of each wanted frame, in frames."""
    last = length - 1
    step = min(fps / to_fps, last / (count - 1))
    return np.minimum(np.arange(count, dtype=np.float64) * step, last)


def _low_and_share(length: int, times: Array) -> tuple[Frames, Array]:
    """The source frame (N,) before each time, and the share (N,) of the next."""
    low: Frames = np.minimum(times.astype(np.intp), length - 2)
    return low, times - low


def _cubic(before: Array, after: Array, later: Array, t: Array) -> Array:
    """The cubic from 0 (t = 0) to ``after`` (t = 1), its slopes those of its neighbours."""
    a, b, c = 2 * before + 4 * after - later, -before - 3 * after + later, after - before
    return 0.5 * t * (c + t * (a + t * b))


def _slide(unit: Array, low: Frames, t: Array) -> Array:
    """Directions (count, ..., 3) between unit vectors (T, ..., 3), along the sphere."""
    last = len(unit) - 1
    current = unit[low]
    after = _log_map(current, unit[low + 1])
    at = low.reshape(t.shape)
    before: Array = np.where(at > 0, _log_map(current, unit[np.maximum(low - 1, 0)]), -after)
    beyond = _log_map(current, unit[np.minimum(low + 2, last)])
    later: Array = np.where(at + 2 <= last, beyond, 2 * after)
    tangent = _cubic(before, after, later, t)
    angle = np.linalg.norm(tangent, axis=-1, keepdims=True)
    scale = np.where(angle < 1e-12, 1.0, np.sin(angle) / np.where(angle < 1e-12, 1.0, angle))
    return current * np.cos(angle) + tangent * scale


def _log_map(current: Array, there: Array) -> Array:
    """Tangent vectors (..., 3) of the sphere that lead from unit vectors to others."""
    cosine = np.clip((current * there).sum(-1, keepdims=True), -1.0, 1.0)
    side = there - current * cosine
    sine = np.linalg.norm(side, axis=-1, keepdims=True)
    angle = np.arctan2(sine, cosine)
    return side * np.where(sine < 1e-12, 1.0, angle / np.where(sine < 1e-12, 1.0, sine))

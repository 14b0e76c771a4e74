"""Residuals at some frames, faded around them with as little jerk as possible.

Between two frames a residual runs along a quintic, with zero speed at both. At a frame where
it turns round, as at a single frame between two fades, the quintic gets the acceleration of
the minimum-jerk curve. So it never overshoots and its acceleration is continuous.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise
from typing import Final

import numpy as np

from ..body.rotations import Array

#: Acceleration with which the curve of least jerk from one to zero in unit time begins.
_LEAST_JERK_ACCELERATION: Final = 20.0 / 3.0


def residual_curve(frames: Sequence[int], residuals: Array, count: int, reach: float) -> Array:
    """A curve (T, C) that is exact at some frames and zero beyond a reach from all of them.

    Args:
        frames: ascending indices, at least one.
        residuals: (K, C) at these frames.
        count: T, frames of the motion.
        reach: frames within which a residual fades where no other frame is near.
    """
    times, values = _knots(frames, residuals, reach)
    accelerations = _accelerations(times, values)
    out = np.zeros((count, residuals.shape[1]))
    for i, (a, b) in enumerate(pairwise(times)):
        at = np.arange(max(int(np.ceil(a)), 0), min(int(np.floor(b)) + 1, count))
        ends = accelerations[i : i + 2] * (b - a) ** 2
        out[at] = _quintic((at - a) / (b - a), values[i : i + 2], ends)
    out[list(frames)] = residuals
    return out


def _knots(frames: Sequence[int], residuals: Array, reach: float) -> tuple[Array, Array]:
    """Times (N,) and values (N, C): the frames, and the zeros around them."""
    zero = np.zeros(residuals.shape[1])
    times, values = [frames[0] - reach, float(frames[0])], [zero, residuals[0]]
    for i in range(1, len(frames)):
        if frames[i] - frames[i - 1] > 2 * reach:
            times += [frames[i - 1] + reach, frames[i] - reach]
            values += [zero, zero]
        times.append(float(frames[i]))
        values.append(residuals[i])
    return np.array([*times, frames[-1] + reach]), np.stack([*values, zero])


def _accelerations(times: Array, values: Array) -> Array:
    """Accelerations (N, C) at the knots: at turning points the smaller of both sides', else 0."""
    ideal = _LEAST_JERK_ACCELERATION * np.diff(values, axis=0) / np.diff(times)[:, None] ** 2
    before, after = -ideal[:-1], ideal[1:]
    turns_round = before * after > 0
    out = np.zeros_like(values)
    smaller = np.where(abs(before) < abs(after), before, after)
    out[1:-1] = np.where(turns_round, smaller, 0.0)
    return out


def _quintic(t: Array, ends: Array, accelerations: Array) -> Array:
    """Values (N, C) at shares (N,) of a span between two values, with zero speed at both."""
    t = t[:, None]
    rise = t**3 * (10 + t * (6 * t - 15))
    out: Array = ends[0] + rise * (ends[1] - ends[0])
    out += 0.5 * t**2 * (1 - t) ** 3 * accelerations[0]
    out += 0.5 * t**3 * (1 - t) ** 2 * accelerations[1]
    return out

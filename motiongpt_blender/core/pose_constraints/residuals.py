"""How what is missing at some frames is spent around them, with as little jerk as can be.

Between two frames a residual runs along a quintic, at rest at both. Where it turns round,
as at a single frame that everything leads up to and away from, it is bent as the curve of
least jerk is; so it never goes beyond what is asked for, and has no corner up to its
acceleration.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise
from typing import Final

import numpy as np

from ..body.rotations import Array

#: Acceleration with which the curve of least jerk from one to zero within one begins.
_BEND: Final = 20.0 / 3.0


def residual_curve(frames: Sequence[int], residuals: Array, count: int, reach: float) -> Array:
    """Residuals (T, C) that are exact at their frames and nothing beyond a reach from all.

    Args:
        frames: ascending, at least one.
        residuals: (K, C) at these frames.
        count: frames of the motion.
        reach: frames within which a residual is spent where no other frame is near.
    """
    times, values = _knots(frames, residuals, reach)
    bends = _bends(times, values)
    out = np.zeros((count, residuals.shape[1]))
    for i, (a, b) in enumerate(pairwise(times)):
        at = np.arange(max(int(np.ceil(a)), 0), min(int(np.floor(b)) + 1, count))
        out[at] = _quintic((at - a) / (b - a), values[i : i + 2], bends[i : i + 2] * (b - a) ** 2)
    out[list(frames)] = residuals
    return out


def _knots(frames: Sequence[int], residuals: Array, reach: float) -> tuple[Array, Array]:
    """Times (N,) and values (N, C): the frames, and where nothing is left around them."""
    nothing = np.zeros(residuals.shape[1])
    times, values = [frames[0] - reach, float(frames[0])], [nothing, residuals[0]]
    for i in range(1, len(frames)):
        if frames[i] - frames[i - 1] > 2 * reach:
            times += [frames[i - 1] + reach, frames[i] - reach]
            values += [nothing, nothing]
        times.append(float(frames[i]))
        values.append(residuals[i])
    return np.array([*times, frames[-1] + reach]), np.stack([*values, nothing])


def _bends(times: Array, values: Array) -> Array:
    """Accelerations (N, C) at the knots: where the curve turns, the weaker of both sides'."""
    wish = _BEND * np.diff(values, axis=0) / np.diff(times)[:, None] ** 2
    before, after = -wish[:-1], wish[1:]
    turns = before * after > 0
    out = np.zeros_like(values)
    out[1:-1] = np.where(turns, np.where(abs(before) < abs(after), before, after), 0.0)
    return out


def _quintic(t: Array, ends: Array, bends: Array) -> Array:
    """Values (N, C) at shares (N,) of the way between two values at rest, bent at both."""
    t = t[:, None]
    rise = t**3 * (10 + t * (6 * t - 15))
    out: Array = ends[0] + rise * (ends[1] - ends[0])
    out += 0.5 * t**2 * (1 - t) ** 3 * bends[0] + 0.5 * t**3 * (1 - t) ** 2 * bends[1]
    return out

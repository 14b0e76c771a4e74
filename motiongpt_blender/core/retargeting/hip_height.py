"""Corrections of the hips that keep low feet at their height and standing feet in place.

A rig's legs are not the model's. Where the rig's ankles and toes come to be without a
correction is known; from that the whole body is raised or lowered, and moved over the floor.
"""

from __future__ import annotations

from typing import Final

import numpy as np

from ..body.rotations import Array
from ..body.smoothing import gaussian_smooth, maximum_filter, solve_tridiagonal

#: Seconds over which the correction of the height is smoothed.
SMOOTHING: Final = 0.08
#: Height over the lowest point of the feet, in leg lengths, at which weight falls by a factor e.
FALL_OFF: Final = 0.05
#: Height (leg lengths) and speed (leg lengths a second) of a point of a foot at which its
#: weight in the position falls by a factor e.
STANDING_HEIGHT: Final = 0.05
STANDING_SPEED: Final = 0.3
#: Weight with which the correction keeps its value while no foot stands.
HOLD: Final = 0.02
#: Weight with which the correction returns to zero, a frame at 20 frames a second. Legs of other
#: proportions step a little longer or shorter than the hips travel: a greater one drags the feet.
RETURN: Final = 0.001


def height_correction(predicted: Array, wanted: Array, leg: float, fps: float) -> Array:
    """Offsets (T,) to add to the body's height.

    Args:
        predicted: (T, N) heights of points of the feet without a correction.
        wanted: (T, N) heights that they should have.
        leg: the rig's leg length, in the same unit.
        fps: frames a second.
    """
    error = (_weights(wanted, leg) * (wanted - predicted)).sum(1)
    return gaussian_smooth(error, SMOOTHING * fps)


def position_correction(
    predicted: Array,
    wanted: Array,
    leg: float,
    fps: float,
    tied: float = 1.0,
    counts: Array | float = 1.0,
) -> Array:
    """Offsets (T, 3), level with the floor, that keep a standing foot in its place.

    A rig's thigh may be longer and its shin shorter than the model's, so that equal angles
    let its feet slide. From frame to frame the body is moved as much as the standing feet
    would slide; over a longer time it returns to where equal angles put it. The least sum
    of squares of both: one tridiagonal system an axis.

    Args:
        predicted: (T, N, 3) positions of points of the feet without a correction.
        wanted: (T, N, 3) positions of the same points in the motion; heights over the sole.
        leg: the rig's leg length, in the same unit.
        fps: frames a second.
        tied: how much the body is tied to where equal angles put it; 1 is usual.
        counts: (N,) how much each point counts.
    """
    level = (0, 2)
    speed = np.linalg.norm(np.diff(wanted[..., level], axis=0), axis=-1) * fps / leg
    height = np.maximum(wanted[1:, :, 1], wanted[:-1, :, 1]).clip(0.0) / leg
    standing = counts * np.exp(-height / STANDING_HEIGHT - (speed / STANDING_SPEED) ** 2)
    slide = np.diff(wanted - predicted, axis=0)[..., level]
    pull = (standing[..., None] * slide).sum(1)
    tie = standing.sum(1) + HOLD
    padded = np.concatenate([[0.0], tie, [0.0]])
    zero = np.zeros((1, 2))
    right = np.concatenate([zero, pull]) - np.concatenate([pull, zero])
    out = np.zeros((len(wanted), 3))
    for axis, values in zip(level, right.T, strict=True):
        diagonal = padded[1:] + padded[:-1] + tied * RETURN * (20.0 / fps) ** 2
        out[:, axis] = solve_tridiagonal(diagonal.tolist(), (-tie).tolist(), values.tolist())
    return out


def smooth_envelope(heights: Array, fps: float) -> Array:
    """Heights (T,) about as great as these or greater, without jumps."""
    sigma = SMOOTHING * fps
    return gaussian_smooth(maximum_filter(heights, max(1, round(2 * sigma))), sigma)


def _weights(heights: Array, leg: float) -> Array:
    """Weight of each point (T, N), 1 in sum: the lowest has most."""
    lowest = heights.min(axis=1, keepdims=True)
    weight = np.exp(-(heights - lowest) / (FALL_OFF * leg))
    return weight / weight.sum(axis=1, keepdims=True)

"""Feet near the floor: the height of the body from where its feet will come to stand.

A rig's legs are not the model's. This predicts where the rig's ankles and toes land
and lifts or lowers the whole body, smoothly, so that low feet are as low as in the motion.
"""

from __future__ import annotations

from typing import Final

import numpy as np

from ..body.rotations import Array
from .part_rotations import gaussian_smooth, solve_tridiagonal

#: Seconds over which the correction is smoothed.
SMOOTHING: Final = 0.08
#: Height in leg lengths at which a foot has e times less to say than one on the floor.
FALL_OFF: Final = 0.05
#: Height (leg lengths) and speed (leg lengths a second) at which a point of a foot has e
#: times less to say about where the body goes than one that stands on the floor.
STANDING_HEIGHT: Final = 0.05
STANDING_SPEED: Final = 0.3
#: Weight with which the correction stays the same while no foot stands.
RIGID: Final = 0.02
#: Weight with which the correction goes back to nothing, a frame at 20 frames a second.
HOME: Final = 0.003


def height_correction(predicted: Array, wanted: Array, leg: float, fps: float) -> Array:
    """Offsets (T,) to add to the body's height.

    Args:
        predicted: (T, N) heights of points of the feet without a correction.
        wanted: (T, N) heights that they should have.
        leg: the rig's leg length, in the same unit.
        fps: frames a second.
    """
    weight = _weights(wanted, leg)
    error = (weight * (wanted - predicted)).sum(1)
    return gaussian_smooth(error, SMOOTHING * fps)


def position_correction(predicted: Array, wanted: Array, leg: float, fps: float) -> Array:
    """Offsets (T, 3), level with the floor, that keep a standing foot where it stands.

    A rig's thigh may be longer and its shin shorter than the model's, so that equal angles
    let its feet slide. From frame to frame the body is moved as much as the standing feet
    would slide; over a longer time it goes back to where equal angles put it. The least sum
    of squares of both: one tridiagonal system an axis.

    Args:
        predicted: (T, N, 3) places of points of the feet without a correction.
        wanted: (T, N, 3) places of the same points in the motion; heights over the sole.
        leg: the rig's leg length, in the same unit.
        fps: frames a second.
    """
    level = (0, 2)
    speed = np.linalg.norm(np.diff(wanted[..., level], axis=0), axis=-1) * fps / leg
    height = np.maximum(wanted[1:, :, 1], wanted[:-1, :, 1]).clip(0.0) / leg
    stands = np.exp(-height / STANDING_HEIGHT - (speed / STANDING_SPEED) ** 2)
    slip = np.diff(wanted - predicted, axis=0)[..., level]
    pull = (stands[..., None] * slip).sum(1)
    tie = stands.sum(1) + RIGID
    padded = np.concatenate([[0.0], tie, [0.0]])
    zero = np.zeros((1, 2))
    right = np.concatenate([zero, pull]) - np.concatenate([pull, zero])
    out = np.zeros((len(wanted), 3))
    for axis, values in zip(level, right.T, strict=True):
        diagonal = padded[1:] + padded[:-1] + HOME * (20.0 / fps) ** 2
        out[:, axis] = solve_tridiagonal(diagonal.tolist(), (-tie).tolist(), values.tolist())
    return out


def _weights(heights: Array, leg: float) -> Array:
    """How much each point (T, N) has to say, 1 in sum: the lowest most."""
    lowest = heights.min(axis=1, keepdims=True)
    weight = np.exp(-(heights - lowest) / (FALL_OFF * leg))
    return weight / weight.sum(axis=1, keepdims=True)

"""Feet near the floor: the height of the body from where its feet will come to stand.

A rig's legs are not the model's. This predicts where the rig's ankles and toes land
and lifts or lowers the whole body, smoothly, so that low feet are as low as in the motion.
"""

from __future__ import annotations

from typing import Final

import numpy as np

from .frames import gaussian_smooth
from .rotations import Array, about_y, inverse, rotate

#: Seconds over which the correction is smoothed.
SMOOTHING: Final = 0.08
#: Height in leg lengths at which a foot has e times less to say than one on the floor.
FALL_OFF: Final = 0.05


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


def place_correction(
    predicted: Array, wanted: Array, heading: Array, leg: float, fps: float
) -> Array:
    """Offsets (T, 3), level with the floor, that keep a standing foot where it stands.

    A rig's thigh may be longer and its shin shorter than the model's, so that equal angles
    let its feet slide. A foot that is always a little beside the motion's does not.

    Args:
        predicted: (T, N, 3) places of points of the feet without a correction.
        wanted: (T, N, 3) places of the same points in the motion.
        heading: (T,) radians to which the body faces.
        leg: the rig's leg length, in the same unit.
        fps: frames a second.
    """
    weight = _weights(wanted[..., 1], leg)[..., None]
    back = about_y(-heading)[:, None]
    away = rotate(back, (wanted - predicted) * np.array([1.0, 0.0, 1.0]))
    usual = (weight * away).sum(0) / np.maximum(weight.sum(0), 1e-9)
    error = (weight * (away - usual)).sum(1)
    return gaussian_smooth(rotate(inverse(back[:, 0]), error), SMOOTHING * fps)


def _weights(heights: Array, leg: float) -> Array:
    """How much each point (T, N) has to say, 1 in sum: the lowest most."""
    lowest = heights.min(axis=1, keepdims=True)
    weight = np.exp(-(heights - lowest) / (FALL_OFF * leg))
    return weight / weight.sum(axis=1, keepdims=True)

"""Feet near the floor: the height of the body from where its feet will come to stand.

A rig's legs are not the model's. This predicts where the rig's ankles and toes land
and lifts or lowers the whole body, smoothly, so that low feet are as low as in the motion.
"""

from __future__ import annotations

from typing import Final

import numpy as np

from .frames import gaussian_smooth
from .rotations import Array

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
    lowest = wanted.min(axis=1, keepdims=True)
    weight = np.exp(-(wanted - lowest) / (FALL_OFF * leg))
    error = (weight * (wanted - predicted)).sum(1) / weight.sum(1)
    return gaussian_smooth(error, SMOOTHING * fps)

"""Sampled channels: values that are keyed together, and their reduction one by one."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np

from ..body.rotations import (
    Array,
    from_axis_angle,
    from_euler,
    inverse,
    multiply,
    normalise,
    to_log,
)
from .hermite import Curve, SpanFitter

#: Share of a limit that errors may reach; float32 and rounding take the remainder.
LIMIT_SHARE: Final = 0.97


@dataclass(frozen=True)
class SampledChannel:
    """Values that are keyed together, one sample a frame.

    Attributes:
        values: (T, C).
        kind: what they are: ``QUATERNION``, ``AXIS_ANGLE``, an order of angles such as
            ``XYZ``, ``LOCATION``, or ``PLAIN``.
        keys: indices of frames that always have a key.
    """

    values: Array
    kind: str
    keys: frozenset[int] = frozenset()

    def rotations(self, values: Array) -> Array:
        """Quaternions (T, 4) of values (T, C) of this kind."""
        if self.kind == "QUATERNION":
            return normalise(values)
        if self.kind == "AXIS_ANGLE":
            return from_axis_angle(values)
        return from_euler(values, self.kind)

    @property
    def is_rotation(self) -> bool:
        """Whether the values are a rotation."""
        return self.kind not in ("LOCATION", "PLAIN")

    @property
    def constant(self) -> bool:
        """Whether the values never change."""
        return bool(np.ptp(self.values, axis=0).max(initial=0.0) < 1e-6)


def reduce_channel(channel: SampledChannel, degrees: float, distance: float) -> Curve:
    """The fewest keys of a channel whose error counts on its own, each frame within a limit."""
    most = np.radians(degrees) if channel.is_rotation else distance
    fitter = SpanFitter(channel.values, error_weights(channel))
    frames = fixed_frames(channel)
    if not channel.constant:
        frames = fitter.fewest(np.full(len(channel.values), LIMIT_SHARE * most), frames)
    return fitter.curve(frames)


def fixed_frames(channel: SampledChannel) -> list[int]:
    """The frames of a channel that always have a key, first and last among them."""
    last = len(channel.values) - 1
    return sorted({0, last, *(k for k in channel.keys if 0 <= k <= last)})


def channel_error(channel: SampledChannel, values: Array) -> Array:
    """Errors (T,) of values of a channel, in radians or in its unit."""
    if not channel.is_rotation:
        return np.linalg.norm(values - channel.values, axis=-1)
    error = multiply(inverse(channel.rotations(channel.values)), channel.rotations(values))
    return np.linalg.norm(to_log(error), axis=-1)


def error_weights(channel: SampledChannel) -> Array:
    """Weights (C,) with which differences of values are radians, or the channel's unit."""
    if channel.kind == "QUATERNION":
        return np.full(4, 2.0)  # a small rotation is twice the difference of its quaternions
    if channel.kind == "AXIS_ANGLE":
        return np.array([1.0, *3 * [float(np.abs(channel.values[:, 0]).max())]])
    return np.ones(channel.values.shape[1])

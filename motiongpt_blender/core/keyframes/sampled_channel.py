"""Numbers that are keyed together, and the fewest keys for one lot that nothing hangs on."""

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

#: Share of its limit at which an error is small enough; rounding and float32 have the rest.
LIMIT_SHARE: Final = 0.97


@dataclass(frozen=True)
class SampledChannel:
    """Numbers that are keyed together.

    Attributes:
        values: (T, C) a frame.
        kind: how they are meant: ``QUATERNION``, ``AXIS_ANGLE``, an order of angles such as
            ``XYZ``, ``LOCATION``, or ``PLAIN``.
        keys: indices of frames that have a key in any case.
    """

    values: Array
    kind: str
    keys: frozenset[int] = frozenset()

    def rotations(self, values: Array) -> Array:
        """Quaternions (T, 4) that values (T, C) of this kind show."""
        if self.kind == "QUATERNION":
            return normalise(values)
        if self.kind == "AXIS_ANGLE":
            return from_axis_angle(values)
        return from_euler(values, self.kind)

    @property
    def is_rotation(self) -> bool:
        """Whether it turns something."""
        return self.kind not in ("LOCATION", "PLAIN")

    @property
    def constant(self) -> bool:
        """Whether nothing moves."""
        return bool(np.ptp(self.values, axis=0).max(initial=0.0) < 1e-6)


def reduce_channel(channel: SampledChannel, degrees: float, distance: float) -> Curve:
    """The fewest keys for a track that nothing hangs on, each frame within a limit."""
    most = np.radians(degrees) if channel.is_rotation else distance
    fitter = SpanFitter(channel.values, error_weights(channel))
    frames = fixed_frames(channel)
    if not channel.constant:
        frames = fitter.fewest(np.full(len(channel.values), LIMIT_SHARE * most), frames)
    return fitter.curve(frames)


def fixed_frames(channel: SampledChannel) -> list[int]:
    """The frames of a track that have a key in any case, first and last among them."""
    last = len(channel.values) - 1
    return sorted({0, last, *(k for k in channel.keys if 0 <= k <= last)})


def channel_error(channel: SampledChannel, values: Array) -> Array:
    """Radians or units (T,) by which values of a track differ from what they should be."""
    if not channel.is_rotation:
        return np.linalg.norm(values - channel.values, axis=-1)
    turned = multiply(inverse(channel.rotations(channel.values)), channel.rotations(values))
    return np.linalg.norm(to_log(turned), axis=-1)


def error_weights(channel: SampledChannel) -> Array:
    """Weights (C,) with which values of a track are as far apart as what they show."""
    if channel.kind == "QUATERNION":
        return np.full(4, 2.0)  # a small turn is twice as far as its quaternion
    if channel.kind == "AXIS_ANGLE":
        return np.array([1.0, *3 * [float(np.abs(channel.values[:, 0]).max())]])
    return np.ones(channel.values.shape[1])

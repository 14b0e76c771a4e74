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
from .hermite import Curve, Fitter

#: Share of its limit at which an error is small enough; rounding and float32 have the rest.
SMALL: Final = 0.97


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

    def turns(self, values: Array) -> Array:
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
    def still(self) -> bool:
        """Whether nothing moves."""
        return bool(np.ptp(self.values, axis=0).max(initial=0.0) < 1e-6)


def reduce_channel(track: SampledChannel, degrees: float, distance: float) -> Curve:
    """The fewest keys for a track that nothing hangs on, each frame within a limit."""
    most = np.radians(degrees) if track.is_rotation else distance
    fitter = Fitter(track.values, scale_of(track))
    frames = first_keys(track)
    if not track.still:
        frames = fitter.fewest(np.full(len(track.values), SMALL * most), frames)
    return fitter.curve(frames)


def first_keys(track: SampledChannel) -> list[int]:
    """The frames of a track that have a key in any case, first and last among them."""
    last = len(track.values) - 1
    return sorted({0, last, *(k for k in track.keys if 0 <= k <= last)})


def own_error(track: SampledChannel, values: Array) -> Array:
    """Radians or units (T,) by which values of a track differ from what they should be."""
    if not track.is_rotation:
        return np.linalg.norm(values - track.values, axis=-1)
    turned = multiply(inverse(track.turns(track.values)), track.turns(values))
    return np.linalg.norm(to_log(turned), axis=-1)


def scale_of(track: SampledChannel) -> Array:
    """Weights (C,) with which values of a track are as far apart as what they show."""
    if track.kind == "QUATERNION":
        return np.full(4, 2.0)  # a small turn is twice as far as its quaternion
    if track.kind == "AXIS_ANGLE":
        return np.array([1.0, *3 * [float(np.abs(track.values[:, 0]).max())]])
    return np.ones(track.values.shape[1])

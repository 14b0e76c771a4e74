"""A bone's own channels: location, rotation and scale, compared, stored and interpolated.

A marked pose keeps the channels of every bone. Bones that no motion drives (fingers, a face,
a scaled head) return to them at the pose's frame and ease from one pose to the next.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from itertools import pairwise
from typing import Any, Final

import numpy as np

from .rotations import Array, continuous, normalise
from .smoothing import smoothstep

_REST_ROTATIONS: Final[dict[str, tuple[float, ...]]] = {
    "QUATERNION": (1.0, 0.0, 0.0, 0.0),
    "AXIS_ANGLE": (0.0, 0.0, 1.0, 0.0),
}
#: Values that differ by no more are equal.
TOLERANCE: Final = 1e-6


@dataclass(frozen=True)
class Transform:
    """A bone's own channels.

    Attributes:
        mode: its rotation mode, as Blender calls it.
        location: (3,) in the rig's unit, as the property holds it.
        rotation: 4 numbers (quaternion; angle and axis) or 3 (Euler, radians, unwrapped).
        scale: (3,).
    """

    mode: str
    location: tuple[float, ...]
    rotation: tuple[float, ...]
    scale: tuple[float, ...]

    @property
    def at_rest(self) -> bool:
        """Whether the bone shows its rest pose."""
        return not any(self.differs(rest_transform(self.mode)))

    def differs(self, other: Transform) -> tuple[bool, bool, bool]:
        """Whether location, rotation and scale differ from another transform's."""
        pairs = (
            (self.location, other.location),
            (self.rotation, other.rotation),
            (self.scale, other.scale),
        )
        location, rotation, scale = (
            len(a) != len(b) or max(abs(x - y) for x, y in zip(a, b, strict=True)) > TOLERANCE
            for a, b in pairs
        )
        return location, rotation, scale

    def to_list(self) -> list[Any]:
        """The transform for JSON."""
        return [self.mode, list(self.location), list(self.rotation), list(self.scale)]

    @classmethod
    def from_list(cls, data: Any) -> Transform:
        """Read the list of ``to_list``; raises ValueError or TypeError for anything else."""
        mode, location, rotation, scale = data
        numbers = [tuple(float(v) for v in values) for values in (location, rotation, scale)]
        wanted = (3, len(rest_transform(str(mode)).rotation), 3)
        if tuple(map(len, numbers)) != wanted or not np.isfinite(np.concatenate(numbers)).all():
            raise ValueError(f"a bone's location, rotation and scale were expected, not {data}")
        return cls(str(mode), *numbers)


def rest_transform(mode: str) -> Transform:
    """The transform of a bone at rest in a rotation mode."""
    rotation = _REST_ROTATIONS.get(mode, (0.0, 0.0, 0.0))
    return Transform(mode, (0.0, 0.0, 0.0), rotation, (1.0, 1.0, 1.0))


def interpolate_transforms(keys: Mapping[int, Transform], count: int) -> tuple[Array, Array, Array]:
    """Locations (T, 3), rotations (T, 3 or 4) and scales (T, 3) that pass through the keys.

    They ease from one key to the next, with zero speed at each, and hold beyond the outermost.

    Args:
        keys: index of a frame -> the transform there, all in one rotation mode.
        count: T.
    """
    frames = sorted(keys)
    mode = keys[frames[0]].mode
    rotations = np.array([keys[f].rotation for f in frames])
    if mode == "QUATERNION":
        rotations = continuous(rotations)
    rotations = _eased(rotations, frames, count)
    return (
        _eased(np.array([keys[f].location for f in frames]), frames, count),
        normalise(rotations) if mode == "QUATERNION" else rotations,
        _eased(np.array([keys[f].scale for f in frames]), frames, count),
    )


def _eased(values: Array, frames: list[int], count: int) -> Array:
    """Values (K, N) at some frames, eased over all frames (T, N)."""
    time = np.arange(count, dtype=np.float64)
    out = np.repeat(values[:1], count, axis=0)
    for k, (first, last) in enumerate(pairwise(frames)):
        share = smoothstep((time - first) / (last - first))[:, None]
        out = out + share * (values[k + 1] - values[k])
    for frame, value in zip(frames, values, strict=True):
        if 0 <= frame < count:
            out[frame] = value
    return out

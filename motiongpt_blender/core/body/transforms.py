"""What an animator set on a bone beside what a motion drives: its own channels, kept as they are.

A marked pose keeps the location, rotation and scale of every bone. Those that no motion
drives (fingers, a face, a scaled head) come back at the pose's frame and ease from one
marked pose to the next between them.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from itertools import pairwise
from typing import Any, Final

import numpy as np

from ..retargeting.part_rotations import smoothstep
from .rotations import Array, normalise

_ROTATION_AT_REST: Final[dict[str, tuple[float, ...]]] = {
    "QUATERNION": (1.0, 0.0, 0.0, 0.0),
    "AXIS_ANGLE": (0.0, 0.0, 1.0, 0.0),
}
#: Values that differ by less are the same.
SAME: Final = 1e-6


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
        """Whether location, rotation and scale are other ones."""
        pairs = (
            (self.location, other.location),
            (self.rotation, other.rotation),
            (self.scale, other.scale),
        )
        location, turned, scale = (
            len(a) != len(b) or max(abs(x - y) for x, y in zip(a, b, strict=True)) > SAME
            for a, b in pairs
        )
        return location, turned, scale

    def to_list(self) -> list[Any]:
        """The transform for JSON."""
        return [self.mode, list(self.location), list(self.rotation), list(self.scale)]

    @classmethod
    def from_list(cls, data: Any) -> Transform:
        """Read ``to_list``'s; raises ValueError or TypeError when it is something else."""
        mode, location, turned, scale = data
        numbers = [tuple(float(v) for v in values) for values in (location, turned, scale)]
        wanted = (3, len(rest_transform(str(mode)).rotation), 3)
        if tuple(map(len, numbers)) != wanted or not np.isfinite(np.concatenate(numbers)).all():
            raise ValueError(f"a bone's location, rotation and scale were expected, not {data}")
        return cls(str(mode), *numbers)


def rest_transform(mode: str) -> Transform:
    """A bone at rest, in a rotation mode."""
    rotation = _ROTATION_AT_REST.get(mode, (0.0, 0.0, 0.0))
    return Transform(mode, (0.0, 0.0, 0.0), rotation, (1.0, 1.0, 1.0))


def interpolate_transforms(keys: Mapping[int, Transform], count: int) -> tuple[Array, Array, Array]:
    """Locations (T, 3), rotations (T, 3 or 4) and scales (T, 3) that pass through the keys.

    They rest at each key, ease from one to the next and hold beyond the outermost.

    Args:
        keys: index of a frame -> the transform there, all in one rotation mode.
        count: T.
    """
    frames = sorted(keys)
    mode = keys[frames[0]].mode
    rotations = np.array([keys[f].rotation for f in frames])
    if mode == "QUATERNION":
        for k in range(1, len(frames)):
            rotations[k] *= 1.0 if rotations[k] @ rotations[k - 1] >= 0 else -1.0
    turned = _eased(rotations, frames, count)
    return (
        _eased(np.array([keys[f].location for f in frames]), frames, count),
        normalise(turned) if mode == "QUATERNION" else turned,
        _eased(np.array([keys[f].scale for f in frames]), frames, count),
    )


def _eased(values: Array, frames: list[int], count: int) -> Array:
    """Values (K, N) at frames, as (T, N)."""
    time = np.arange(count, dtype=np.float64)
    out = np.repeat(values[:1], count, axis=0)
    for k, (first, last) in enumerate(pairwise(frames)):
        share = smoothstep((time - first) / (last - first))[:, None]
        out = out + share * (values[k + 1] - values[k])
    for frame, value in zip(frames, values, strict=True):
        if 0 <= frame < count:
            out[frame] = value
    return out

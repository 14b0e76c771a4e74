"""The keys of a curve as arrays: chosen, joined, cut without a change of shape, written back."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final

import bpy
import numpy as np
from numpy.typing import NDArray

from ...core.body.rotations import Array
from ..access import keyframe_enum

#: What a key holds, with the number of its values and their type.
_FIELDS: Final = (
    ("co", 2, np.float32), ("handle_left", 2, np.float32), ("handle_right", 2, np.float32),
    ("type", 1, np.int32), ("interpolation", 1, np.int32), ("easing", 1, np.int32),
    ("handle_left_type", 1, np.int32), ("handle_right_type", 1, np.int32),
)  # fmt: skip
#: Frames within which two keys are at the same frame.
SAME_FRAME: Final = 0.01


@dataclass(frozen=True)
class Keys:
    """The keys of a curve.

    Attributes:
        fields: name of a property of keys -> (K,) or (K, 2) its values.
    """

    fields: dict[str, NDArray[Any]]

    @classmethod
    def of(cls, curve: bpy.types.FCurve | None) -> Keys:
        """The keys of a curve; none where there is no curve."""
        points = curve.keyframe_points if curve is not None else ()
        fields: dict[str, NDArray[Any]] = {}
        for name, size, kind in _FIELDS:
            values = np.empty(size * len(points), dtype=kind)
            if curve is not None:
                curve.keyframe_points.foreach_get(name, values)
            fields[name] = values.reshape(-1, size) if size > 1 else values
        return cls(fields)

    @property
    def frames(self) -> Array:
        """Frames (K,) of the keys."""
        return self.fields["co"][:, 0]

    def at(self, chosen: NDArray[Any]) -> Keys:
        """The keys of a mask (K,) or of indices."""
        return Keys({name: values[chosen].copy() for name, values in self.fields.items()})

    def beside(self, first: float, last: float) -> Keys:
        """The keys before one frame and after another."""
        return self.at((self.frames < first - SAME_FRAME) | (self.frames > last + SAME_FRAME))

    def within(self, first: float, last: float) -> Keys:
        """The keys from one frame to another."""
        return self.at((self.frames >= first - SAME_FRAME) & (self.frames <= last + SAME_FRAME))

    def joined(self, other: Keys) -> Keys:
        """These keys and others, by frame."""
        both = {n: np.concatenate([v, other.fields[n]]) for n, v in self.fields.items()}
        return Keys(both).at(np.argsort(both["co"][:, 0], kind="stable"))

    def write(self, curve: bpy.types.FCurve) -> None:
        """Give a curve these keys and no others."""
        curve.keyframe_points.clear()
        curve.keyframe_points.add(len(self.frames))
        for name, values in self.fields.items():
            curve.keyframe_points.foreach_set(name, values.ravel())
        curve.update()

    def negative(self) -> Keys:
        """The keys with all values of the other sign."""
        out = self.at(np.arange(len(self.frames)))
        for name in ("co", "handle_left", "handle_right"):
            out.fields[name][:, 1] *= -1
        return out

    def value_at(self, frame: float) -> float | None:
        """The value of a key at a frame; None where there is none."""
        found = np.flatnonzero(np.abs(self.frames - frame) < SAME_FRAME)
        return float(self.fields["co"][found[0], 1]) if len(found) else None

    def cut(self, frame: float) -> Keys:
        """The keys with one more at a frame, so that the curve keeps its shape.

        The keys on either side keep their handles as they are. Without a key on one side the
        curve holds the value of the other; without any key nothing is added.
        """
        frozen = self.at(np.arange(len(self.frames)))
        after = int(np.searchsorted(self.frames, frame - SAME_FRAME))
        for k in (after - 1, after):
            if 0 <= k < len(self.frames):
                for name in ("handle_left_type", "handle_right_type"):
                    frozen.fields[name][k] = _enum(name, "FREE")
        if not len(self.frames) or self.value_at(frame) is not None:
            return frozen
        near = min(max(after - 1, 0), len(self.frames) - 1)
        one = frozen.at(np.array([near]))
        one.fields["type"][0] = keyframe_enum("type", "GENERATED") or one.fields["type"][0]
        for name in ("handle_left_type", "handle_right_type"):
            one.fields[name][0] = _enum(name, "FREE")
        if 0 < after < len(self.frames):
            frozen._split(after, frame, one)
        else:
            value = self.fields["co"][near, 1]
            _set(one, (frame, value), (frame - 1 / 3, value), (frame + 1 / 3, value))
        return frozen.joined(one)

    def _split(self, after: int, frame: float, one: Keys) -> None:
        """Set a key between two others, and their handles; ``after`` is the index of the later."""
        fields, before = self.fields, after - 1
        first, last = fields["co"][before].astype(float), fields["co"][after].astype(float)
        kind = fields["interpolation"][before]
        share = (frame - first[0]) / (last[0] - first[0])
        if kind != _enum("interpolation", "BEZIER"):
            constant = kind == _enum("interpolation", "CONSTANT")
            value = first[1] if constant else first[1] + share * (last[1] - first[1])
            _set(one, (frame, value), (frame - 1 / 3, value), (frame + 1 / 3, value))
            return
        right = fields["handle_right"][before].astype(float)
        left = fields["handle_left"][after].astype(float)
        right, left = _clamped(first, right, left, last)
        t = _parameter(np.array([first[0], right[0], left[0], last[0]]), frame)
        a, b, c = (p + t * (q - p) for p, q in ((first, right), (right, left), (left, last)))
        d, e = a + t * (b - a), b + t * (c - b)
        middle = d + t * (e - d)
        fields["handle_right"][before], fields["handle_left"][after] = a, c
        _set(one, (frame, middle[1]), tuple(d), tuple(e))


def _set(
    one: Keys, co: tuple[float, ...], left: tuple[float, ...], right: tuple[float, ...]
) -> None:
    """Give the first key a place and handles."""
    for name, value in (("co", co), ("handle_left", left), ("handle_right", right)):
        one.fields[name][0] = value


def _clamped(first: Array, right: Array, left: Array, last: Array) -> tuple[Array, Array]:
    """Handles (2,) that do not overlap in time, as Blender shortens them."""
    span = last[0] - first[0]
    lengths = abs(right[0] - first[0]) + abs(last[0] - left[0])
    if lengths <= span or lengths == 0:
        return right, left
    return first + (right - first) * span / lengths, last + (left - last) * span / lengths


def _parameter(times: Array, frame: float) -> float:
    """Where on a cubic with these four times (4,) a frame is: 0 to 1."""
    low, high = 0.0, 1.0
    for _ in range(50):
        t = 0.5 * (low + high)
        a, b, c, d = times
        time = (1 - t) ** 3 * a + 3 * (1 - t) ** 2 * t * b + 3 * (1 - t) * t * t * c + t**3 * d
        low, high = (t, high) if time < frame else (low, t)
    return 0.5 * (low + high)


def _enum(name: str, item: str) -> int:
    value = keyframe_enum(name, item)
    assert value is not None
    return value

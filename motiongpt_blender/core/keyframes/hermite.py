"""Cubic Hermite curves through few keys, as Blender's F-curves draw them.

Between two keys a curve is the cubic with given slopes at both. With handles at a third of
the span, a Bézier F-curve is exactly that cubic: what is measured here is what plays. A span
between two keys depends on nothing else, so that the fewest keys for a given error are found
by dynamic programming.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view
from numpy.typing import NDArray

from ..body.rotations import Array

#: The most frames from one key to the next.
MAX_SPAN: Final = 16
#: Weight of the sampled motion's own slope beside the frames to fit: handles stay aligned
#: where they can.
_NEIGHBOUR_SLOPE_WEIGHT: Final = 0.02
#: Cost of an error at its limit, in keys: of equally many keys the smaller error wins.
ERROR_COST: Final = 0.25

Indices = NDArray[np.int64]


@dataclass(frozen=True)
class Curve:
    """Keys of values that are keyed together.

    Attributes:
        frames: (K,) indices of the keys' frames, ascending.
        values: (K, C) at the keys.
        arriving: (K, C) slopes a frame on the left of each key.
        leaving: (K, C) slopes a frame on its right.
    """

    frames: Indices
    values: Array
    arriving: Array
    leaving: Array

    def __len__(self) -> int:
        return len(self.frames)

    def sample(self, count: int) -> Array:
        """Values (T, C) at the frames 0 to ``count`` - 1, held beyond the outer keys."""
        if len(self.frames) == 1:
            return np.repeat(self.values, count, axis=0)
        at = np.clip(np.arange(count), self.frames[0], self.frames[-1])
        low = np.clip(np.searchsorted(self.frames, at, side="right") - 1, 0, len(self) - 2)
        span = (self.frames[low + 1] - self.frames[low]).astype(np.float64)
        weights = hermite_weights((at - self.frames[low]) / span, span)
        return (
            weights[0] * self.values[low] + weights[1] * self.values[low + 1]
            + weights[2] * self.leaving[low] + weights[3] * self.arriving[low + 1]
        )  # fmt: skip


def hermite_weights(t: Array, span: Array | float) -> tuple[Array, Array, Array, Array]:
    """Weights (N, 1) of both values and both slopes at shares ``t`` (N,) of a span of frames."""
    back = 1 - t
    four = ((1 + 2 * t) * back**2, t**2 * (3 - 2 * t), span * t * back**2, -span * t**2 * back)
    return four[0][:, None], four[1][:, None], four[2][:, None], four[3][:, None]


def transform_curve(curve: Curve, matrix: Array) -> Curve:
    """The curve in other axes: each value and slope times a matrix (C, C)."""
    values, arriving, leaving = (
        row @ matrix.T for row in (curve.values, curve.arriving, curve.leaving)
    )
    return Curve(curve.frames, values, arriving, leaving)


class SpanFitter:
    """Fits of all spans of up to ``MAX_SPAN`` frames of some values."""

    def __init__(self, values: Array, scale: Array) -> None:
        """Fit values (T, C), whose errors count with weights ``scale`` (C,)."""
        self.values, self.scale = values, scale
        self.count = len(values)
        self._own = np.gradient(values, axis=0) if self.count > 1 else np.zeros_like(values)
        self._errors = [self._span_errors(n) for n in range(1, min(MAX_SPAN, self.count - 1) + 1)]

    def _slopes(self, first: Indices, span: int) -> tuple[Array, Array]:
        """Best slopes (N, 2, C) of spans of a length, and the errors (N, span - 1, C) inside."""
        at = np.arange(1, span)
        ends = self.values[first], self.values[first + span]
        weights = hermite_weights(at / span, float(span))
        inner = self.values[first[:, None] + at]
        left = inner - weights[0] * ends[0][:, None] - weights[1] * ends[1][:, None]
        basis = np.concatenate(weights[2:], axis=1)  # (span - 1, 2)
        matrix = basis.T @ basis + _NEIGHBOUR_SLOPE_WEIGHT * np.eye(2)
        own = np.stack([self._own[first], self._own[first + span]], axis=1)
        right = np.matmul(basis.T, left) + _NEIGHBOUR_SLOPE_WEIGHT * own
        slopes = np.matmul(np.linalg.inv(matrix), right)
        return slopes, left - np.matmul(basis, slopes)

    def slopes(self, first: Indices, span: int) -> Array:
        """Best slopes (N, 2, C) at both ends of the spans of ``span`` frames from these."""
        return self._slopes(first, span)[0]

    def _span_errors(self, span: int) -> Array:
        """Errors (T - span, span - 1) at the frames inside each span."""
        first = np.arange(self.count - span)
        return np.linalg.norm(self.scale * self._slopes(first, span)[1], axis=-1)

    def fewest(self, most: Array, keys: Collection[int]) -> list[int]:
        """Frames of the fewest keys with which no error exceeds ``most`` (T,).

        Args:
            most: the largest error of each frame.
            keys: frames that always have a key, the first and the last among them.
        """
        fixed = np.zeros(self.count, dtype=bool)
        fixed[list(keys)] = True
        passed = np.concatenate([[0], np.cumsum(fixed)])
        spans = len(self._errors)
        cost = np.full((spans + 1, self.count), np.inf)  # of the span that ends at a frame
        per = 1.0 / np.maximum(most, 1e-12)
        for span, errors in enumerate(self._errors, start=1):
            worst = np.zeros(self.count - span)
            if span > 1:
                worst = (errors * sliding_window_view(per[1:-1], span - 1)).max(1)
            inside = passed[span : self.count] - passed[1 : self.count - span + 1]
            free = (worst <= 1.0) & (inside == 0)
            cost[span, span:] = np.where(free, 1 + ERROR_COST * worst, np.inf)
        return cheapest_keys(cost)

    def curve(self, frames: Collection[int]) -> Curve:
        """The best curve with keys at these frames."""
        at = np.asarray(sorted(frames), dtype=np.int64)
        values = self.values[at]
        arriving, leaving = self._own[at].copy(), self._own[at].copy()
        spans = np.diff(at)
        for span in np.unique(spans):
            where = np.flatnonzero(spans == span)
            slopes, _ = self._slopes(at[where], int(span))
            leaving[where], arriving[where + 1] = slopes[:, 0], slopes[:, 1]
        arriving[0], leaving[-1] = leaving[0], arriving[-1]
        return Curve(at, values, arriving, leaving)


def cheapest_keys(cost: Array) -> list[int]:
    """Frames of the keys with the least total cost, from the first frame to the last.

    Args:
        cost: (S, T) of the span of S frames that ends at frame T.
    """
    spans, count = len(cost) - 1, cost.shape[1]
    total = np.full(count, np.inf)
    total[0] = 0.0
    came = [0] * count
    for frame in range(1, count):
        reach = min(spans, frame)
        totals = cost[1 : reach + 1, frame] + total[frame - reach : frame][::-1]
        best = int(totals.argmin())
        total[frame], came[frame] = totals[best], best + 1
    frames = [count - 1]
    while frames[-1] > 0:
        frames.append(frames[-1] - came[frames[-1]])
    return frames[::-1]

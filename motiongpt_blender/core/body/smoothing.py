"""Arithmetic along time: easing, smoothing, and the systems that smoothing solves."""

from __future__ import annotations

from typing import Final

import numpy as np

from .rotations import Array

#: Frames that a kernel reaches from which on a Fourier transform is faster: scenes of very many
#: frames a second.
LONG_KERNEL: Final = 100


def smoothstep(x: Array) -> Array:
    """0 below 0, 1 above 1, a quintic with continuous second derivative in between."""
    x = np.clip(x, 0.0, 1.0)
    return x * x * x * (x * (x * 6 - 15) + 10)


def maximum_filter(values: Array, around: int) -> Array:
    """The largest (T,) of each value and the ``around`` before and after it; the ends held."""
    largest, span = np.pad(values, around, mode="edge"), 1
    width = 2 * around + 1
    while 2 * span <= width:  # each step looks twice as far
        largest = np.maximum(largest[:-span], largest[span:])
        span *= 2
    count, rest = len(values), width - span
    return np.maximum(largest[:count], largest[rest : rest + count])


def monotone_cubic(x: Array, y: Array, at: Array) -> Array:
    """A monotone cubic without kinks through points (N,) with ascending x and y, at ``at``."""
    dx, slopes = np.diff(x), np.diff(y) / np.diff(x)
    inner = 2 * slopes[:-1] * slopes[1:] / np.maximum(slopes[:-1] + slopes[1:], 1e-12)
    rates = np.concatenate([slopes[:1], inner, slopes[-1:]])
    k = np.clip(np.searchsorted(x, at, side="right") - 1, 0, len(dx) - 1)
    t = np.clip((at - x[k]) / dx[k], 0.0, 1.0)
    low, high = rates[k] * dx[k], rates[k + 1] * dx[k]
    rise = y[k + 1] - y[k]
    return y[k] + t * (low + t * (3 * rise - 2 * low - high + t * (low + high - 2 * rise)))


def gaussian_smooth(values: Array, sigma: float) -> Array:
    """Values (T, ...) smoothed along time; sigma in frames, the ends held."""
    if sigma <= 0 or len(values) < 2:
        return values
    reach = max(1, int(np.ceil(3 * sigma)))
    kernel = np.exp(-0.5 * (np.arange(-reach, reach + 1) / sigma) ** 2)
    kernel /= kernel.sum()
    padded = np.concatenate([values[:1].repeat(reach, 0), values, values[-1:].repeat(reach, 0)])
    count = len(values)
    if reach > LONG_KERNEL:
        return _convolved(padded, kernel, count)
    return np.sum([w * padded[i : i + count] for i, w in enumerate(kernel)], axis=0)


def _convolved(padded: Array, kernel: Array, count: int) -> Array:
    """The first ``count`` values (T, ...) under a symmetric kernel, by Fourier transform."""
    size = len(padded) + len(kernel)
    shape = (-1, *(1,) * (padded.ndim - 1))
    spectrum = np.fft.rfft(padded, size, axis=0) * np.fft.rfft(kernel, size).reshape(shape)
    return np.fft.irfft(spectrum, size, axis=0)[len(kernel) - 1 : len(kernel) - 1 + count]


def solve_tridiagonal(
    diagonal: list[float], beside: list[float], right: list[float]
) -> list[float]:
    """Solution of a symmetric system, ``beside`` (one fewer) on both sides of its diagonal."""
    count = len(diagonal)
    ratio, value = [0.0] * count, [0.0] * count
    for k in range(count):
        left = beside[k - 1] if k else 0.0
        pivot = diagonal[k] - left * (ratio[k - 1] if k else 0.0)
        ratio[k] = beside[k] / pivot if k + 1 < count else 0.0
        value[k] = (right[k] - left * (value[k - 1] if k else 0.0)) / pivot
    for k in range(count - 2, -1, -1):
        value[k] -= ratio[k] * value[k + 1]
    return value

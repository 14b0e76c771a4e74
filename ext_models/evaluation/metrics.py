"""All metrics by name: those on embeddings, and those on joints from ``ext_models.motion``.

Embeddings are (N, D), one row a clip, of one text-motion model; distances are Euclidean. They
are computed as published (Guo et al. 2022), so that numbers made with the authors' evaluator
can stand in the field's tables. What is drawn at random is seeded. All functions refuse numbers
that are not finite, shapes that do not fit and too few rows, with a ValueError.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.special import stdtrit

from ext_models.motion.floor_metrics import (
    floor_penetration,
    skating_ratio,
    support_foot_speed,
)
from ext_models.motion.motion_metrics import jerk, local_pose, pose_recon, pose_velocity
from ext_models.motion.pacing_metrics import (
    longest_standstill,
    peak_acceleration,
    rushes_after_standstill,
    speeds_up_late,
)
from ext_models.text_motion.retrieval import (
    TOP,
    check_pairs,
    check_rows,
    draw_pools,
    precision_hits,
    r_precision,
    top_hits,
)

__all__ = [
    "TOP",
    "Interval",
    "diversity",
    "draw_pools",
    "floor_penetration",
    "frechet_distance",
    "frechet_of_halves",
    "interval",
    "jerk",
    "kernel_distance",
    "local_pose",
    "longest_standstill",
    "mean_and_half",
    "mm_dist",
    "multimodality",
    "nearest_distance",
    "peak_acceleration",
    "pose_recon",
    "pose_velocity",
    "precision_hits",
    "r_precision",
    "rushes_after_standstill",
    "skating_ratio",
    "speeds_up_late",
    "support_foot_speed",
    "top_hits",
]

Array = NDArray[np.float64]

#: Motions of one text, and motions of all, from which the field's tables draw pairs.
SAMPLES: Final = 30
MOTIONS: Final = 300
#: Measurements are repeated this often in the field's tables.
REPEATS: Final = 20


@dataclass(frozen=True)
class Interval:
    """A mean with its 95 % interval.

    Attributes:
        mean: of all values.
        half: half the interval's width, by Student's t; 0 of a single value.
    """

    mean: float
    half: float = 0.0

    def __str__(self) -> str:
        return f"{self.mean:.3f} ± {self.half:.3f}"


def interval(values: ArrayLike) -> Interval:
    """Mean and 95 % interval of numbers (n,)."""
    flat = check_rows(np.reshape(np.asarray(values, dtype=np.float64), (-1, 1)), "values", 1)
    if len(flat) < 2:
        return Interval(float(flat.mean()))
    wide = float(stdtrit(len(flat) - 1, 0.975))
    return Interval(float(flat.mean()), wide * float(flat.std(ddof=1)) / len(flat) ** 0.5)


def mean_and_half(values: ArrayLike) -> tuple[float, float]:
    """``interval`` as a pair, as tables hold it."""
    found = interval(values)
    return found.mean, found.half


def mm_dist(text: ArrayLike, motion: ArrayLike) -> float:
    """Mean distance of captions (N, D) and their motions (N, D)."""
    a, b = check_pairs(text, motion)
    return float(np.linalg.norm(a - b, axis=-1).mean())


def frechet_distance(a: ArrayLike, b: ArrayLike) -> float:
    """Frechet distance (FID) of two sets of embeddings, (N, D) and (M, D).

    Few rows in a wide space make it large by themselves: see ``frechet_of_halves``.
    """
    x, y = _sets(a, b)
    first, second = (np.atleast_2d(np.cov(rows, rowvar=False)) for rows in (x, y))
    gap = x.mean(axis=0) - y.mean(axis=0)
    # The trace of the product's square root from a symmetric matrix with the same
    # eigenvalues: the published number, and it holds where the product is singular.
    root = _root(first)
    middle = np.linalg.eigvalsh(root @ second @ root)
    shared = np.sqrt(np.maximum(middle, 0)).sum()
    return max(0.0, float(gap @ gap + np.trace(first) + np.trace(second) - 2 * shared))


def frechet_of_halves(
    real: ArrayLike, other: ArrayLike, repeats: int = REPEATS, *, seed: int = 0
) -> Interval:
    """Frechet distance of one half of the real clips (N, D) to the other half of others (N, D).

    Row by row the others belong to the real clips. With the real clips as the others, this is
    the bias of so few rows, which no model can beat: both numbers are of one size.
    """
    x, y = _sets(real, other, least=4)
    if len(x) != len(y):
        raise ValueError(f"both sets should match row by row; they have {len(x)} and {len(y)}.")

    def halves(seed: int) -> float:
        order = np.random.default_rng(seed).permutation(len(x))
        return frechet_distance(x[order[: len(x) // 2]], y[order[len(x) // 2 :]])

    return interval([halves(seed + k) for k in range(repeats)])


def kernel_distance(
    a: ArrayLike, b: ArrayLike, *, subsets: int = 100, size: int = 1000, seed: int = 0
) -> float:
    """Kernel distance (KID) of two sets (N, D) and (M, D): unbiased, so it may be below 0.

    Squared maximum mean discrepancy with the kernel (x . y / D + 1)^3; mean over random
    subsets, or of the whole sets when neither is larger than one subset.
    """
    x, y = _sets(a, b)
    if max(len(x), len(y)) <= size:
        return _discrepancy(x, y)
    rng = np.random.default_rng(seed)
    draws: list[float] = []
    for _ in range(subsets):
        one, other = (r[rng.choice(len(r), min(size, len(r)), replace=False)] for r in (x, y))
        draws.append(_discrepancy(one, other))
    return float(np.mean(draws))


def diversity(motion: ArrayLike, pairs: int | None = None, *, seed: int = 0) -> float:
    """Mean distance of random pairs of motions (N, D).

    Of fewer motions than the published 300 none is paired with itself; of more, where it
    hardly counts, that may happen, as published.

    Args:
        motion: embeddings.
        pairs: how many; 300 as published, 100 when there are fewer motions, at most N.
        seed: of the draw.
    """
    x = check_rows(motion, "motions", 2)
    few = len(x) < MOTIONS
    pairs = min(100 if few else MOTIONS, len(x)) if pairs is None else pairs
    if not 1 <= pairs <= len(x):
        raise ValueError(f"{pairs} pairs cannot be drawn from {len(x)} motions.")
    rng = np.random.default_rng(seed)
    one, other = (rng.choice(len(x), pairs, replace=False) for _ in range(2))
    if few:
        other = (one + rng.integers(1, len(x), pairs)) % len(x)
    return float(np.linalg.norm(x[one] - x[other], axis=-1).mean())


def multimodality(motion: ArrayLike, pairs: int | None = None, *, seed: int = 0) -> float:
    """Mean distance of pairs of motions made from one text.

    Of fewer samples than the published 30, all pairs that there are: random ones would
    often be a motion and itself.

    Args:
        motion: (texts, samples, D); 100 texts with 30 samples each as published.
        pairs: draw so many for each text, as published, where 10 are drawn of 30 samples.
        seed: of the draw.
    """
    x = np.asarray(motion, dtype=np.float64)
    if x.ndim != 3:
        raise ValueError(f"motions should be (texts, samples, dimensions) and are {x.shape}.")
    samples = x.shape[1]
    check_rows(x.reshape(len(x) * samples, -1), "motions", 2)
    drawn = 10 if pairs is None else pairs
    if samples < 2 or not 1 <= (1 if pairs is None else pairs) <= samples:
        raise ValueError(f"{drawn} pairs cannot be drawn from {samples} samples of each text.")
    if pairs is None and samples < SAMPLES:
        one, other = np.triu_indices(samples, 1)
    else:
        rng = np.random.default_rng(seed)
        one, other = (rng.choice(samples, drawn, replace=False) for _ in range(2))
    return float(np.linalg.norm(x[:, one] - x[:, other], axis=-1).mean())


def nearest_distance(motion: ArrayLike, known: ArrayLike) -> Array:
    """Distance (N,) of each motion (N, D) to the nearest known one (M, D): low is copied."""
    x, y = _sets(motion, known, least=1)
    return np.array([np.linalg.norm(y - row, axis=-1).min() for row in x])


def _root(matrix: Array) -> Array:
    """Square root of a symmetric matrix (D, D) without negative eigenvalues."""
    values, vectors = np.linalg.eigh(matrix)
    roots: Array = np.sqrt(np.maximum(values, 0))
    root: Array = (vectors * roots) @ vectors.T
    return root


def _discrepancy(x: Array, y: Array) -> float:
    """Unbiased squared maximum mean discrepancy of (N, D) and (M, D)."""

    def kernel(a: Array, b: Array) -> Array:
        return (a @ b.T / a.shape[1] + 1) ** 3

    def within(a: Array) -> float:
        k = kernel(a, a)
        return float((k.sum() - np.trace(k)) / (len(a) * (len(a) - 1)))

    return within(x) + within(y) - 2 * float(kernel(x, y).mean())


def _sets(a: ArrayLike, b: ArrayLike, least: int = 2) -> tuple[Array, Array]:
    x, y = check_rows(a, "first embeddings", least), check_rows(b, "second embeddings", least)
    if x.shape[1] != y.shape[1]:
        raise ValueError(
            f"both sets should lie in one space; they have {x.shape[1]} and {y.shape[1]} "
            "dimensions."
        )
    return x, y

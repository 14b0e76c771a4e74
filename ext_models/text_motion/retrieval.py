"""R-precision: how often a caption finds its own motion among those of other captions.

Embeddings are (N, D), one row a clip, of one text-motion model; distances are Euclidean. All
functions refuse numbers that are not finite, shapes that do not fit and too few rows, with a
ValueError. What is drawn at random is seeded.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

import numpy as np
from numpy.typing import ArrayLike, NDArray

Array = NDArray[np.float64]
Indices = NDArray[np.intp]

#: R-precision looks at so many of a pool's nearest motions.
TOP: Final = 3


def r_precision(
    text: ArrayLike, motion: ArrayLike, pool: int = 32, *, pools: Indices | None = None
) -> tuple[float, float, float]:
    """How often a caption's own motion is among the nearest 1, 2 and 3 of its pool.

    Args:
        text: (N, D) captions.
        motion: (N, D) motions, row by row of these captions.
        pool: rows that compete. As published, these are neighbouring rows (shuffle both
            alike first), and what is left over behind the last whole pool is not used.
        pools: (Q, pool) rows that compete instead: of each query its own first.

    Motions at the same distance share the place: a space in which everything lies in
    one point scores what chance scores, not 0 or 1.
    """
    if pools is None:
        pools = _neighbouring_pools(len(check_pairs(text, motion)[0]), pool)
    first, second, third = (float(h) for h in precision_hits(text, motion, pools).mean(axis=0))
    return first, second, third


def precision_hits(text: ArrayLike, motion: ArrayLike, pools: Indices) -> Array:
    """Whether each query's own motion is among the nearest 1, 2 and 3 of its pool.

    Args:
        text: (N, D) captions, or whatever asks.
        motion: (N, D) motions, or whatever is found, row by row of these.
        pools: (Q, pool) rows that compete: of each query its own first.

    Returns:
        (Q, 3) of 0 and 1, or a share where motions lie at the same distance.
    """
    a, b = check_pairs(text, motion)
    if pools.ndim != 2 or pools.shape[1] < TOP or not len(pools):
        raise ValueError(f"pools should be (queries, at least {TOP}) rows and are {pools.shape}.")
    if pools.min() < 0 or pools.max() >= len(a):
        raise ValueError(f"the pools name rows up to {pools.max()}; there are {len(a)}.")
    hits = np.zeros((len(pools), TOP))
    for query, rows in enumerate(pools):  # one at a time: memory stays small
        hits[query] = top_hits(np.linalg.norm(b[rows] - a[rows[0]], axis=-1))
    return hits


def top_hits(distance: Array) -> Array:
    """Whether the first of some distances (P,) is among the least 1, 2 and 3: (3,) of 0..1."""
    nearer = np.count_nonzero(distance < distance[0])
    level = np.count_nonzero(distance == distance[0])
    return np.clip((np.arange(1, TOP + 1) - nearer) / level, 0, 1)


def draw_pools(labels: Sequence[str], pool: int = 32, *, seed: int = 0) -> Indices:
    """Pools (N, pool) for ``r_precision``: every row once as query, all labels different.

    In small data sets many clips do the same, and the published pools then call a right
    answer wrong.

    Args:
        labels: what each of the N clips shows.
        pool: rows that compete, the query's own included.
        seed: of the draw.
    """
    rng = np.random.default_rng(seed)
    _, group = np.unique(np.asarray(labels, dtype=np.str_), return_inverse=True)
    distinct = int(group.max()) + 1 if len(group) else 0
    if pool < TOP or distinct < pool:
        raise ValueError(
            f"pools of {pool} need as many labels and at least {TOP}; these clips have {distinct}."
        )
    rows = np.empty((len(group), pool), dtype=np.intp)
    for query, own in enumerate(group):
        # The first of each label in a random order; then a random choice of the labels.
        order = rng.permutation(len(group))
        seen, first = np.unique(group[order], return_index=True)
        others = rng.permutation(order[first[seen != own]])[: pool - 1]
        rows[query] = (query, *others)
    return rows


def _neighbouring_pools(count: int, pool: int) -> Indices:
    """Pools (Q, pool) of neighbouring rows, each row first in one of them."""
    if pool < TOP:
        raise ValueError(f"a pool of {pool} is too small: it needs at least {TOP} rows.")
    if count < pool:
        raise ValueError(f"pools of {pool} need at least {pool} rows; there are {count}.")
    inside = np.arange(pool)
    turns = (inside[:, None] + inside) % pool
    starts = np.arange(count // pool) * pool
    return (starts[:, None, None] + turns).reshape(-1, pool)


def check_rows(rows: ArrayLike, what: str, least: int) -> Array:
    """Finite rows (N, D), at least so many; ``what`` names them in the error."""
    x = np.asarray(rows, dtype=np.float64)
    if x.ndim != 2 or not x.shape[1]:
        raise ValueError(f"the {what} should be (rows, dimensions) and are {x.shape}.")
    if len(x) < least:
        raise ValueError(f"there are {len(x)} {what}; at least {least} are needed here.")
    if not np.isfinite(x).all():
        raise ValueError(f"the {what} hold numbers that are not finite.")
    return x


def check_pairs(text: ArrayLike, motion: ArrayLike) -> tuple[Array, Array]:
    """Captions (N, D) and their motions (N, D), row by row."""
    a, b = check_rows(text, "captions", 1), check_rows(motion, "motions", 1)
    if a.shape != b.shape:
        raise ValueError(
            f"captions and motions should match row by row; they are {a.shape} and {b.shape}."
        )
    return a, b

"""A closed mesh around everything that a field calls inside: naive surface nets in numpy.

Knows nothing of Blender or of bodies.
"""

from __future__ import annotations

from typing import Final

import numpy as np
from numpy.typing import NDArray

from ...core.body.rotations import Array

Indices = NDArray[np.int64]
Mask = NDArray[np.bool_]

#: The eight corners of a cell, and the pairs of them that are joined by an edge.
_CORNERS: Final = tuple(np.ndindex(2, 2, 2))
_EDGES: Final = tuple(
    (i, j)
    for i, a in enumerate(_CORNERS)
    for j, b in enumerate(_CORNERS)
    if i < j and sum(x != y for x, y in zip(a, b, strict=True)) == 1
)


def surface_net(field: Array, origin: Array, step: float) -> tuple[Array, Indices]:
    """Vertices (V, 3) and quads (Q, 4) of the surface on which the field is zero.

    Args:
        field: (X, Y, Z) samples, negative inside; the border has to be outside.
        origin: (3,) place of the first sample.
        step: distance of neighbouring samples.
    """
    inside = field < 0
    index, cells = _crossed_cells(inside)
    vertices = origin + step * (cells + _crossings(field, cells))
    quads = np.concatenate([_quads(inside, index, axis) for axis in range(3)])
    return vertices, quads


def _crossed_cells(inside: Mask) -> tuple[Indices, Indices]:
    """Number of each cell's vertex (-1: none), and the cells (V, 3) that have one."""
    size = tuple(n - 1 for n in inside.shape)
    count = np.zeros(size, dtype=np.int8)
    for corner in _CORNERS:
        count += inside[tuple(slice(c, c + n) for c, n in zip(corner, size, strict=True))]
    crossed = (count > 0) & (count < len(_CORNERS))
    index = np.full(size, -1, dtype=np.int64)
    index[crossed] = np.arange(int(crossed.sum()))
    return index, np.argwhere(crossed)


def _crossings(field: Array, cells: Indices) -> Array:
    """Mean (V, 3) of the places within each cell where its edges meet the surface."""
    corners = np.array(_CORNERS)
    values = np.stack([field[tuple((cells + c).T)] for c in corners], axis=1)
    total, hits = np.zeros(cells.shape), np.zeros((len(cells), 1))
    for i, j in _EDGES:
        a, b = values[:, i], values[:, j]
        crossed = (a < 0) != (b < 0)
        t = np.where(crossed, a / np.where(a == b, 1, a - b), 0)[:, None]
        total += np.where(crossed[:, None], corners[i] + t * (corners[j] - corners[i]), 0)
        hits += crossed[:, None]
    return total / hits


def _quads(inside: Mask, index: Indices, axis: int) -> Indices:
    """Quads (Q, 4) around the grid's edges along one axis, turned outwards."""
    along, u, v = axis, (axis + 1) % 3, (axis + 2) % 3
    low = [slice(None)] * 3
    high = [slice(None)] * 3
    low[along], high[along] = slice(None, -1), slice(1, None)
    first, second = inside[tuple(low)], inside[tuple(high)]
    edges = np.argwhere(first != second)
    edges = edges[(edges[:, u] > 0) & (edges[:, v] > 0)]
    ring = []
    for du, dv in ((-1, -1), (0, -1), (0, 0), (-1, 0)):
        cell = edges.copy()
        cell[:, u] += du
        cell[:, v] += dv
        ring.append(index[tuple(cell.T)])
    quads = np.stack(ring, axis=1)
    outwards = first[tuple(edges.T)]
    return np.where(outwards[:, None], quads, quads[:, ::-1])

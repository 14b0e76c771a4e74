"""Where a pose stands, as three small numbers that a language model can read.

A place is seen from the first marked pose: how far to its left, how far ahead of it, and
how much turned to the left. Offsets are finer near it and coarser far away.
"""

from __future__ import annotations

from typing import Final

import numpy as np
from numpy.typing import NDArray

from motiongpt_blender.core.body.motion import heading
from motiongpt_blender.core.body.rotations import wrap_angle

#: Bins on either side of zero, metres of the outermost one, and how much finer the near ones are.
SIDE: Final = 40
REACH: Final = 8.0
CURVE: Final = 1.5
#: Bins of an offset, and of a turn (15 degrees each).
OFFSETS: Final = 2 * SIDE + 1
TURNS: Final = 24

Bins = tuple[int, int, int]


def planar_poses(joints: NDArray[np.floating]) -> NDArray[np.float64]:
    """Place x, z in metres and heading in radians (K, 3) of poses (K, 22, 3)."""
    return np.column_stack([joints[:, 0, [0, 2]], heading(joints)]).astype(np.float64)


def relative_to(first: NDArray[np.float64], other: NDArray[np.float64]) -> NDArray[np.float64]:
    """Where ``other`` (3,) stands as seen from ``first`` (3,), both of ``stands``.

    Returns:
        metres to the left, metres ahead, radians turned to the left within half a turn (3,).
    """
    x, z = other[:2] - first[:2]
    sine, cosine = np.sin(first[2]), np.cos(first[2])
    turn = wrap_angle(other[2] - first[2])
    return np.array([cosine * x - sine * z, sine * x + cosine * z, turn])


def bins(first: NDArray[np.float64], other: NDArray[np.float64]) -> Bins:
    """Bins of where ``other`` (3,) stands as seen from ``first`` (3,), both of ``stands``."""
    left, ahead, turn = relative_to(first, other)
    return _offset(left), _offset(ahead), round(float(turn) / (2 * np.pi / TURNS)) % TURNS


def metres(offset: int) -> float:
    """The middle of an offset's bin."""
    k = offset - SIDE
    return float(np.sign(k) * REACH * (abs(k) / SIDE) ** CURVE)


def _offset(value: float) -> int:
    k = SIDE * (min(abs(value), REACH) / REACH) ** (1 / CURVE)
    return SIDE + int(np.sign(value)) * round(float(k))

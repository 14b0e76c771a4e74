"""The place of a pose as three tokens: bins of its offset from the first marked pose.

The offset is metres to the left, metres ahead and the turn to the left. Bins are finer near the
first pose and coarser far away.
"""

from __future__ import annotations

from typing import Final

import numpy as np
from numpy.typing import NDArray

#: Bins on either side of zero, metres of the outermost one, and how much finer the near ones are.
SIDE: Final = 40
REACH: Final = 8.0
CURVE: Final = 1.5
#: Bins of an offset, and of a turn (15 degrees each).
OFFSETS: Final = 2 * SIDE + 1
TURNS: Final = 24

Bins = tuple[int, int, int]


def bins(offset: NDArray[np.float64]) -> Bins:
    """Bins of an offset (3,), as ``motion.planar.planar_offset`` gives it."""
    left, ahead, turn = offset
    return _offset(left), _offset(ahead), round(float(turn) / (2 * np.pi / TURNS)) % TURNS


def metres(offset: int) -> float:
    """The middle of an offset's bin."""
    k = offset - SIDE
    return float(np.sign(k) * REACH * (abs(k) / SIDE) ** CURVE)


def _offset(value: float) -> int:
    k = SIDE * (min(abs(value), REACH) / REACH) ** (1 / CURVE)
    return SIDE + int(np.sign(value)) * round(float(k))

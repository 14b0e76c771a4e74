"""The three joints of a limb, found in a row of bones by their lengths.

A rig's limb may have more bones than a body's limb has joints: an extra one at the hip, twist
bones between, fingers at the end. Shoulder, elbow and wrist, or hip, knee and ankle, are the
three joints whose distances are most like a body's.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import combinations
from typing import Final

import numpy as np
from numpy.typing import NDArray

#: Bones of a row that are searched at most, from where the limb leaves the trunk.
MAX_BONES: Final = 9
#: Lengths over the leg's, hip to ankle: upper arm and forearm.
ARM: Final = (0.34, 0.31)
#: Standard deviation of the logarithm of lengths.
_SPREAD: Final = 0.3
#: Cost of a skipped bone, inside the limb and before it.
_SKIPPED: Final = 0.5
_BEFORE: Final = 0.2
#: Cost of a limb that ends where the last bone ends, without hand or foot.
_NO_END: Final = 0.9
#: Half the width of the shoulders over the leg's length, and its standard deviation.
_SHOULDER: Final = (0.22, 0.4)
#: The share of a leg's whole length, toes included, from hip to ankle; and of thigh to shin.
_LEG_SHARE: Final = 0.82
#: Longest clavicle or hip bone, over the leg's length.
_LONGEST_BEFORE: Final = 0.3


@dataclass(frozen=True)
class Row:
    """Bones in a row from the trunk outwards.

    Attributes:
        bones: n indices.
        points: (n + 1, 3) their heads, and the last one's tail.
    """

    bones: tuple[int, ...]
    points: NDArray[np.float64]

    @property
    def lengths(self) -> NDArray[np.float64]:
        """(n,) distances from each point to the next."""
        return np.linalg.norm(np.diff(self.points, axis=0), axis=-1)

    @property
    def length(self) -> float:
        """From the first head to the last tail, along the bones."""
        return float(self.lengths.sum())


@dataclass(frozen=True)
class Joints:
    """Places in a row's points: where the upper bone, the lower bone and the end begin."""

    upper: int
    lower: int
    end: int
    cost: float

    def spans(self, row: Row) -> tuple[float, float]:
        """Straight lengths of the upper and the lower bone."""
        p = row.points
        first = float(np.linalg.norm(p[self.lower] - p[self.upper]))
        return first, float(np.linalg.norm(p[self.end] - p[self.lower]))


def leg_joints(rows: Sequence[Row]) -> list[Joints]:
    """Hip, knee and ankle in the rows of both legs."""
    return _alike(rows, [_choices(row, None, None) for row in rows])


def arm_joints(rows: Sequence[Row], leg: float) -> list[Joints]:
    """Shoulder, elbow and wrist in the rows of both arms; ``leg`` is hip to ankle."""
    others = (rows[1], rows[0])
    return _alike(
        rows, [_choices(row, leg, other) for row, other in zip(rows, others, strict=True)]
    )


def _alike(rows: Sequence[Row], choices: list[list[Joints]]) -> list[Joints]:
    """The best of each row; rows of one length get the same bones."""
    if any(not c for c in choices):
        return []
    if len({len(row.bones) for row in rows}) == 1:
        costs = [sum(c.cost for c in same) for same in zip(*choices, strict=True)]
        best = int(np.argmin(costs))
        return [c[best] for c in choices]
    return [min(c, key=lambda j: j.cost) for c in choices]


def _choices(row: Row, leg: float | None, other: Row | None) -> list[Joints]:
    count = min(len(row.points), MAX_BONES)
    picked = [Joints(*three, 0.0) for three in combinations(range(count), 3)]
    return [
        Joints(
            j.upper,
            j.lower,
            j.end,
            _cost(row, j) + _unlike(row, j, leg) + _narrow(row, j, leg, other),
        )
        for j in picked
        if min(j.spans(row)) > 1e-6
    ]


def _cost(row: Row, joints: Joints) -> float:
    """Cost of three joints, the same for arms and legs."""
    skipped = (joints.lower - joints.upper - 1) + (joints.end - joints.lower - 1)
    ends = joints.end == len(row.points) - 1
    return _SKIPPED * skipped + _BEFORE * joints.upper + (_NO_END if ends else 0.0)


def _unlike(row: Row, joints: Joints, leg: float | None) -> float:
    """Cost of lengths that differ from a leg's, or from an arm's beside a leg of this length."""
    upper, lower = joints.spans(row)
    before = float(np.linalg.norm(row.points[joints.upper] - row.points[0]))
    if leg is None:
        terms = [(upper / lower, 1.05), ((upper + lower) / row.length, _LEG_SHARE)]
        whole = upper + lower
    else:
        terms = [(upper / leg, ARM[0]), (lower / leg, ARM[1])]
        whole = leg
    cost = sum(0.5 * (np.log(seen / usual) / _SPREAD) ** 2 for seen, usual in terms)
    return float(cost) + (1.0 if before > _LONGEST_BEFORE * whole else 0.0)


def _narrow(row: Row, joints: Joints, leg: float | None, other: Row | None) -> float:
    """Cost of a width of the shoulders that differs from a body's, where both rows are alike."""
    if leg is None or other is None or len(other.points) != len(row.points):
        return 0.0
    width = float(np.linalg.norm(row.points[joints.upper] - other.points[joints.upper]))
    usual, spread = _SHOULDER
    return float(0.5 * (np.log(max(0.5 * width / leg, 1e-3) / usual) / spread) ** 2)

"""Scores: how clearly a number passes a threshold, from 0 to 1, half at the threshold.

Far from the threshold a score still changes a little, so that of two motions that both miss a
demand the nearer one ranks first.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import Final

import numpy as np
from numpy.typing import NDArray
from scipy.special import expit

Array = NDArray[np.float64]

#: Where a score counts as met.
MET: Final = 0.5
#: Share of a score that changes slowly, and how many times slower.
_TAIL, _SLOWER = 0.25, 6.0


@dataclass(frozen=True)
class Measured:
    """What a measure found.

    Attributes:
        score: 0 to 1; the check is met from 0.5 on.
        value: the number that the sentence tells.
        text: the number in words; empty where yes or no says it all.
    """

    score: float
    value: float
    text: str = ""

    def limited(self, scores: Iterable[float]) -> Measured:
        """The same with the lowest of its own score and others."""
        return replace(self, score=min(self.score, *scores))


def above(value: float, threshold: float, softness: float) -> float:
    """Score of a value that should be at least the threshold."""
    return float(_score(np.array((value - threshold) / softness)))


def below(value: float, threshold: float, softness: float) -> float:
    """Score of a value that should be at most the threshold."""
    return above(-value, -threshold, softness)


def all_above(values: Array, threshold: float, softness: float) -> Array:
    """Scores (T,) of values (T,) that should be at least the threshold."""
    return _score((values - threshold) / softness)


def all_below(values: Array, threshold: float, softness: float) -> Array:
    """Scores (T,) of values (T,) that should be at most the threshold."""
    return all_above(-values, -threshold, softness)


def _score(excess: Array) -> Array:
    return (1 - _TAIL) * expit(excess) + _TAIL * expit(excess / _SLOWER)


def near(value: float, wanted: float, tolerance: float) -> float:
    """Score of a value that should be as wanted, within a tolerance."""
    return below(abs(value - wanted), tolerance, tolerance / 4)


def count(value: int, wanted: int, closing: int = 0) -> float:
    """Score of a count that should be as wanted; of three and more one in three may be off.

    Args:
        value: what was counted.
        wanted: what was asked for.
        closing: how many more count as well, as the step that closes the feet.
    """
    off = max(wanted - value, value - wanted - closing, 0)
    return near(off, 0.0, wanted // 3 + 0.5)

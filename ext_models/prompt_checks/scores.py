"""Scores: how clearly a number passes a threshold, from 0 to 1, half at the threshold."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace

from scipy.special import expit

#: Where a score counts as met.
MET = 0.5


@dataclass(frozen=True)
class Measured:
    """What a measure found.

    Attributes:
        score: 0 to 1; the check is met from 0.5 on.
        value: the number that the sentence tells.
        told: the number in words; empty where yes or no says it all.
    """

    score: float
    value: float
    text: str = ""

    def limited(self, scores: Iterable[float]) -> Measured:
        """The same with the lowest of its own score and others."""
        return replace(self, score=min(self.score, *scores))


def above(value: float, threshold: float, softness: float) -> float:
    """Score of a value that should be at least the threshold."""
    return float(expit((value - threshold) / softness))


def below(value: float, threshold: float, softness: float) -> float:
    """Score of a value that should be at most the threshold."""
    return float(expit((threshold - value) / softness))


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

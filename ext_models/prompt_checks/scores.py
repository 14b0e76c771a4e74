"""Scores: how clearly a number passes a threshold, from 0 to 1, half at the threshold."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace

import numpy as np
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
    told: str = ""

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


def count(value: float, wanted: int | None, tolerance: float = 0.0) -> float:
    """Score of a count: as wanted, or at least 1 where no number is asked for."""
    if wanted is None:
        return above(value, 0.5, 0.25)
    return float(np.exp(-0.7 * max(0.0, abs(value - wanted) - tolerance)) - 0.001)

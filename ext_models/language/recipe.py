"""The tables of a recipe that say how a language model is trained."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from ext_models.training.settings import TrainerSettings


@dataclass(frozen=True)
class LanguageTraining(TrainerSettings):
    """Settings of a language model's training, of the base or of the adapter.

    Attributes:
        levels: weight of a code in the loss by its level, coarse first; all alike when empty.
        summary: weight of each summary token in the loss.
    """

    minutes: float = 30.0
    validate_every: int = 250
    levels: Sequence[float] = ()
    summary: float = 1.0

"""What a training writes down about itself: losses over the steps, and validations."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

#: The metric of language models: share of answer tokens whose likeliest token is the right one.
TOKEN_ACCURACY = "token accuracy"

Points = list[tuple[int, float]]


@dataclass(frozen=True)
class Validation:
    """How good a model is on held-out data.

    Attributes:
        loss: what early stopping and the best checkpoint go by; lower is better.
        metrics: further numbers, by name.
    """

    loss: float
    metrics: Mapping[str, float] = field(default_factory=dict)


@dataclass
class TrainingLog:
    """Losses over the steps; a step counts from 1, as the optimizer's.

    Attributes:
        name: of the training.
        train: (step, moving average of the training loss).
        held_out: (step, loss of the validation).
        metrics: the validations' further numbers, by name.
    """

    name: str
    train: Points = field(default_factory=list)
    held_out: Points = field(default_factory=list)
    metrics: dict[str, Points] = field(default_factory=dict)

    def add(self, step: int, train: float, validation: Validation) -> None:
        """Write down a validation."""
        self.train.append((step, train))
        self.held_out.append((step, validation.loss))
        for name, value in validation.metrics.items():
            self.metrics.setdefault(name, []).append((step, float(value)))

    @property
    def best(self) -> float:
        """Lowest validation loss; NaN without one."""
        return min((loss for _, loss in self.held_out), default=float("nan"))

    @property
    def validations_since_best(self) -> int:
        """How many validations have passed without a new lowest loss."""
        losses = [loss for _, loss in self.held_out]
        return len(losses) - 1 - losses.index(min(losses)) if losses else 0

    def at_best(self) -> tuple[int, dict[str, float]]:
        """Step and metrics of the validation with the lowest loss."""
        row = len(self.held_out) - 1 - self.validations_since_best
        return self.held_out[row][0], {name: v[row][1] for name, v in self.metrics.items()}

    def last(self, metric: str) -> float:
        """The last value of a metric; NaN without one."""
        points = self.metrics.get(metric, [])
        return points[-1][1] if points else float("nan")

    @classmethod
    def from_state(cls, state: Mapping[str, Any]) -> TrainingLog:
        """The log in a checkpoint."""

        def points(rows: Any) -> Points:
            return [(int(step), float(value)) for step, value in rows]

        metrics = {str(name): points(rows) for name, rows in state["metrics"].items()}
        return cls(state["name"], points(state["train"]), points(state["held_out"]), metrics)

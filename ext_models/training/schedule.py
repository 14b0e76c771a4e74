"""How far a training has come, and the learning rate that belongs there."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator

from tqdm import tqdm

from .settings import TrainerSettings

_BAR = "{desc} {percentage:3.0f}%|{bar:24}| {elapsed}<{remaining} {postfix}"


class Schedule:
    """Counts steps and time until the budget of either is spent.

    The learning rate follows the share of the budget that is spent, so that a training limited
    by minutes ends with the same low rate as one limited by steps.

    Attributes:
        step: optimizer steps that are done.
        spent: seconds that earlier runs of a resumed training took.
        reserved: seconds of the budget that are kept for the validation at the end.
    """

    def __init__(
        self,
        name: str,
        settings: TrainerSettings,
        *,
        agree: Callable[[float], float] = lambda share: share,
        quiet: bool = False,
    ) -> None:
        """Begin at step 0.

        Args:
            name: shown beside the progress bar.
            settings: budget, warm-up and decay.
            agree: turns this process's share into the one that all processes use.
            quiet: show no progress bar.
        """
        self.name, self.settings = name, settings
        self.step, self.spent, self.reserved = 0, 0.0, 0.0
        self._agree, self._quiet = agree, quiet
        self._started: float | None = None

    @property
    def seconds(self) -> float:
        """Time spent, that of earlier runs included."""
        now = 0.0 if self._started is None else time.monotonic() - self._started
        return self.spent + now

    @property
    def done(self) -> float:
        """Share of the budget that is spent, 0..1."""
        by_time = (self.seconds + self.reserved) / 60 / self.settings.minutes
        return self._agree(min(1.0, max(self.step / self.settings.steps, by_time)))

    def learning_rate(self, done: float) -> float:
        """Learning rate of the next step, at a share of the budget."""
        warm_up = min(1.0, (self.step + 1) / max(self.settings.warm_up, 1))
        return self.settings.learning_rate * warm_up * self.settings.decay(done)

    def __iter__(self) -> Iterator[tuple[float, tqdm]]:
        """Give the share of the budget before each step, and the progress bar.

        The caller counts ``step`` once a step is done.
        """
        self._started = time.monotonic()
        begun = round(100 * self.done, 1)
        with tqdm(
            total=100, initial=begun, desc=self.name, bar_format=_BAR, disable=self._quiet
        ) as bar:
            while (done := self.done) < 1:
                bar.n = round(100 * done, 1)
                yield done, bar
            bar.n = 100
            bar.refresh()

    def state(self) -> dict[str, float]:
        """What a checkpoint keeps of it."""
        return {"step": self.step, "spent": self.seconds}

    def load_state(self, state: dict[str, float]) -> None:
        """Go on from the state in a checkpoint."""
        self.step, self.spent = int(state["step"]), float(state["spent"])

"""What every training shares: recipes, budgets, schedules, checkpoints, a progress bar."""

from __future__ import annotations

import math
import time
import tomllib
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import torch
from torch import nn
from tqdm import tqdm

from .packs import PackError


def read_recipe(path: Path) -> dict[str, Any]:
    """A recipe (TOML) as nested dictionaries; raises PackError naming the file."""
    try:
        return tomllib.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise PackError(f"{path}: there is no such recipe.") from None
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise PackError(f"{path} is not a readable recipe: {error}.") from None


@dataclass
class Schedule:
    """Steps until a number of steps or minutes is reached, whichever comes first.

    The learning rate warms up and then falls along a cosine of the part that is done,
    so that a run limited by time ends as well as one limited by steps.

    Attributes:
        name: shown beside the progress bar.
        steps: at most so many optimizer steps.
        minutes: at most so much time, that of resumed runs included.
        warm_up: steps until the full learning rate.
        step, spent: where a resumed run stands (steps, seconds).
    """

    name: str
    steps: int
    minutes: float = math.inf
    warm_up: int = 100
    step: int = 0
    spent: float = 0.0
    _started: float = field(default=0.0, repr=False)

    @property
    def done(self) -> float:
        """Share of the budget that is used, 0..1."""
        elapsed = self.spent + (time.monotonic() - self._started if self._started else 0.0)
        return min(1.0, max(self.step / self.steps, elapsed / 60 / self.minutes))

    @property
    def rate(self) -> float:
        """Factor for the learning rate at this step."""
        warm = min(1.0, (self.step + 1) / self.warm_up)
        return warm * (0.02 + 0.98 * 0.5 * (1 + math.cos(math.pi * self.done)))

    def __iter__(self) -> Iterator[tuple[int, tqdm]]:
        self._started = time.monotonic()
        with tqdm(total=100, desc=self.name, unit="%", bar_format=_BAR) as bar:
            while self.done < 1:
                bar.n = round(100 * self.done, 1)
                yield self.step, bar
                self.step += 1
            bar.n = 100
            bar.refresh()

    def state(self) -> dict[str, float]:
        """What a checkpoint needs to resume."""
        elapsed = self.spent + (time.monotonic() - self._started if self._started else 0.0)
        return {"step": self.step, "spent": elapsed}


_BAR = "{desc} {percentage:3.0f}%|{bar:24}| {elapsed}<{remaining} {postfix}"


@dataclass(frozen=True)
class Checkpoint:
    """The state of one training in one file, replaced as a whole."""

    path: Path

    def save(self, model: nn.Module, optimizer: torch.optim.Optimizer, schedule: Schedule) -> None:
        """Write weights, optimizer and position; a kill in the middle leaves the old file."""
        self.path.parent.mkdir(parents=True, exist_ok=True)
        partial = self.path.with_suffix(".partial")
        state = {
            "model": model.state_dict(),
            "buffers": dict(model.named_buffers()),
            "optimizer": optimizer.state_dict(),
            "schedule": schedule.state(),
            "random": torch.get_rng_state(),
        }
        torch.save(state, partial)
        partial.replace(self.path)

    def resume(
        self, model: nn.Module, optimizer: torch.optim.Optimizer, schedule: Schedule
    ) -> bool:
        """Continue from the file when it is there."""
        if not self.path.is_file():
            return False
        state = torch.load(self.path, weights_only=True, map_location="cpu")
        model.load_state_dict(state["model"])
        buffers = dict(model.named_buffers())
        for name, value in state["buffers"].items():
            buffers[name].copy_(value)
        optimizer.load_state_dict(state["optimizer"])
        schedule.step = int(state["schedule"]["step"])
        schedule.spent = float(state["schedule"]["spent"])
        torch.set_rng_state(state["random"])
        return True

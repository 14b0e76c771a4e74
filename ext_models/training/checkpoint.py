"""What every training shares: recipes, budgets, schedules, checkpoints, a progress bar."""

from __future__ import annotations

import math
import pickle
import time
import tomllib
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import torch
from torch import nn
from tqdm import tqdm

from ext_models.packs import PackError


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
        warm_up: steps until the full learning rate; 0 begins with it.
        step, spent: where a resumed run stands (steps, seconds).
        agree: turns this process's share into the one that all processes of a training go by.
        quiet: no progress bar.
    """

    name: str
    steps: int
    minutes: float = math.inf
    warm_up: int = 100
    step: int = 0
    spent: float = 0.0
    agree: Callable[[float], float] = field(default=lambda share: share, repr=False)
    quiet: bool = False
    _started: float = field(default=0.0, repr=False)

    def __post_init__(self) -> None:
        if not (self.steps > 0 and self.minutes > 0):
            raise PackError(
                f"training '{self.name}' has {self.steps} steps and {self.minutes:g} minutes: "
                "give it more than 0 of both."
            )

    @property
    def done(self) -> float:
        """Share of the budget that is used, 0..1."""
        elapsed = self.spent + (time.monotonic() - self._started if self._started else 0.0)
        return self.agree(min(1.0, max(self.step / self.steps, elapsed / 60 / self.minutes)))

    @property
    def rate(self) -> float:
        """Factor for the learning rate at this step."""
        warm = min(1.0, (self.step + 1) / max(self.warm_up, 1))
        return warm * (0.02 + 0.98 * 0.5 * (1 + math.cos(math.pi * self.done)))

    def __iter__(self) -> Iterator[tuple[int, tqdm]]:
        self._started = time.monotonic()
        begun = round(100 * self.done, 1)
        with tqdm(
            total=100, initial=begun, desc=self.name, bar_format=_BAR, disable=self.quiet
        ) as bar:
            while (done := self.done) < 1:
                bar.n = round(100 * done, 1)
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
    """The state of one training in one file, replaced as a whole.

    Weights that are not trained are left out: a base of gigabytes is loaded from its place.
    """

    path: Path

    def save(
        self,
        model: nn.Module,
        optimizer: torch.optim.Optimizer,
        schedule: Schedule,
        notes: Mapping[str, Any] | None = None,
    ) -> None:
        """Write weights, optimizer and position; a kill in the middle leaves the old file.

        ``notes`` are plain values that ``resume`` gives back.
        """
        self.path.parent.mkdir(parents=True, exist_ok=True)
        partial = self.path.with_suffix(".partial")
        frozen = _frozen(model)
        state = {
            "model": {n: v for n, v in model.state_dict().items() if n not in frozen},
            "buffers": dict(model.named_buffers()),
            "optimizer": optimizer.state_dict(),
            "schedule": schedule.state(),
            "random": torch.get_rng_state(),
            "random_cuda": torch.cuda.get_rng_state_all() if torch.cuda.is_available() else [],
            "notes": dict(notes or {}),
        }
        torch.save(state, partial)
        partial.replace(self.path)

    def resume(
        self, model: nn.Module, optimizer: torch.optim.Optimizer, schedule: Schedule
    ) -> dict[str, Any] | None:
        """Continue from the file when it is there; gives the notes, or None without a file.

        Raises:
            PackError: when it is damaged, or belongs to a model of other sizes.
        """
        if not self.path.is_file():
            return None
        try:
            state = torch.load(self.path, weights_only=True, map_location="cpu")
            _load_trained(model, state["model"])
            optimizer.load_state_dict(state["optimizer"])
        except (RuntimeError, ValueError, LookupError, EOFError, pickle.UnpicklingError) as error:
            reason = str(error).strip().splitlines()[-1].strip()[:160] if str(error) else "cut off"
            raise PackError(
                f"{self.path} does not belong to this training ({reason}): delete it to begin anew."
            ) from None
        buffers = dict(model.named_buffers())
        for name, value in state["buffers"].items():
            buffers[name].copy_(value)
        schedule.step = int(state["schedule"]["step"])
        schedule.spent = float(state["schedule"]["spent"])
        torch.set_rng_state(state["random"])
        devices = state.get("random_cuda", [])
        if devices and len(devices) == torch.cuda.device_count():
            torch.cuda.set_rng_state_all(devices)
        return dict(state.get("notes", {}))


def _load_trained(model: nn.Module, weights: Mapping[str, torch.Tensor]) -> None:
    """Load what was trained; what was not is as it was loaded."""
    frozen = _frozen(model)
    told = model.load_state_dict(weights, strict=False)
    lacking = [name for name in told.missing_keys if name not in frozen]
    if lacking or told.unexpected_keys:
        raise ValueError(f"no place for {(lacking + told.unexpected_keys)[0]}")


def _frozen(model: nn.Module) -> set[str]:
    """Names of the weights that are not trained; a weight with two names has both here."""
    named = model.named_parameters(remove_duplicate=False)
    return {name for name, parameter in named if not parameter.requires_grad}

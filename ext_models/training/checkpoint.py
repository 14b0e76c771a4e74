"""The files of a training: its state, to resume from, and the best weights so far."""

from __future__ import annotations

import math
import pickle
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

import torch
from torch import nn

from ext_models.packs import PackError
from motiongpt_blender.core.patience import patiently

from .schedule import Schedule


class Optimizer(Protocol):
    """What a checkpoint needs of an optimizer, whether accelerate wraps it or not."""

    def state_dict(self) -> dict[str, Any]:
        """Its state."""
        ...

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        """Take a state over."""
        ...


@dataclass(frozen=True)
class Checkpoint:
    """The state of one training in one file, which is replaced as a whole.

    Frozen weights are left out: a base of gigabytes is loaded from its own place.
    """

    path: Path

    def save(
        self, model: nn.Module, optimizer: Optimizer, schedule: Schedule, notes: Mapping[str, Any]
    ) -> None:
        """Write weights, optimizer, position and random state.

        A process that is killed in the middle leaves the old file. ``resume`` returns ``notes``.
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
            "notes": dict(notes),
        }
        torch.save(state, partial)
        patiently(partial.replace, self.path)

    def resume(
        self, model: nn.Module, optimizer: Optimizer, schedule: Schedule
    ) -> dict[str, Any] | None:
        """Continue from the file; returns its notes, or None where there is no file.

        Raises:
            PackError: when the file is damaged, or belongs to a model of other sizes.
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
        schedule.load_state(state["schedule"])
        torch.set_rng_state(state["random"])
        devices = state["random_cuda"]
        if devices and len(devices) == torch.cuda.device_count():
            torch.cuda.set_rng_state_all(devices)
        return dict(state["notes"])


def _load_trained(model: nn.Module, weights: Mapping[str, torch.Tensor]) -> None:
    """Load the trained weights; frozen ones stay as they are."""
    frozen = _frozen(model)
    report = model.load_state_dict(weights, strict=False)
    missing = [name for name in report.missing_keys if name not in frozen]
    if missing or report.unexpected_keys:
        raise ValueError(f"no place for {(missing + report.unexpected_keys)[0]}")


def _frozen(model: nn.Module) -> set[str]:
    """Names of the frozen weights; a weight with two names has both here."""
    named = model.named_parameters(remove_duplicate=False)
    return {name for name, parameter in named if not parameter.requires_grad}


@dataclass
class BestCheckpoint:
    """The trained weights of the best validation so far, in a file of their own.

    Attributes:
        path: of the file.
        wanted: whether the best weights are kept at all.
        writes: whether this process writes the file.
        loss: of the best validation.
    """

    path: Path
    wanted: bool
    writes: bool = True
    loss: float = math.inf

    def begin(self, *, anew: bool) -> None:
        """Continue from the file, or delete one that an earlier training has left."""
        if anew and self.writes:
            self.path.unlink(missing_ok=True)
        elif not anew and self.wanted and self.path.is_file():
            self.loss = float(torch.load(self.path, weights_only=True)["loss"])

    def update(self, model: nn.Module, loss: float) -> None:
        """Keep the weights when they are better than all before."""
        if not self.wanted or not loss < self.loss:
            return
        self.loss = loss
        if self.writes:
            weights = {n: p.detach().cpu() for n, p in model.named_parameters() if p.requires_grad}
            self.path.parent.mkdir(parents=True, exist_ok=True)
            partial = self.path.with_suffix(".partial")
            torch.save({"loss": loss, "weights": weights}, partial)
            patiently(partial.replace, self.path)

    def restore(self, model: nn.Module, last: float) -> None:
        """Bring the best weights back, unless those of the ``last`` loss are as good."""
        if self.wanted and self.loss < math.inf and not last <= self.loss:
            weights = torch.load(self.path, weights_only=True)["weights"]
            model.load_state_dict(weights, strict=False)

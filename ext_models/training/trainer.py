"""The one training loop: of tokenizers, language models, evaluators and rerankers.

A step is a few forward and backward passes, the mean of their gradients over all processes,
and one move of the weights. The loop validates now and then, stops early when nothing
improves, and resumes from its checkpoint to the same weights. It runs on accelerate, so one
process and several take the same path. What a batch is, how it is drawn and what the loss is
are the caller's.
"""

from __future__ import annotations

import logging
import math
import time
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Generic, TypeVar

import torch
from accelerate import Accelerator
from accelerate.utils import broadcast
from torch import Tensor, nn

from ext_models.packs import PackError

from .checkpoint import BestCheckpoint, Checkpoint
from .log import TrainingLog, Validation
from .precision import (
    autocast,
    disable_gradient_checkpointing,
    enable_gradient_checkpointing,
    wants_bfloat16,
)
from .schedule import Schedule
from .settings import TrainerSettings

Batch = TypeVar("Batch")
M = TypeVar("M", bound=nn.Module)

#: Share of the old value in the moving average of the training loss.
SMOOTHING = 0.98

logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class TrainingData(Generic[Batch]):
    """What a training learns from.

    Attributes:
        draw: makes a batch, given the share of the budget that is spent, 0..1.
        loss: of a batch, a scalar, for a model.
        validate: measures a model in evaluation mode on held-out data, with the same result
            for the same weights; None where nothing is held out.
    """

    draw: Callable[[float], Batch]
    loss: Callable[[Any, Batch], Tensor]
    validate: Callable[[Any], Validation] | None = None


@dataclass(frozen=True)
class MeanLoss(Generic[Batch]):
    """Validation by the mean loss of held-out batches.

    Attributes:
        batches: the same ones at every validation.
        loss: of a batch, for a model.
    """

    batches: Sequence[Batch]
    loss: Callable[[Any, Batch], Tensor]

    def __call__(self, model: Any) -> Validation:
        """The mean over all batches."""
        losses = [float(self.loss(model, batch)) for batch in self.batches]
        return Validation(sum(losses) / len(losses))


class Trainer(Generic[Batch]):
    """One training: its model, its data, and where it stands."""

    def __init__(
        self,
        name: str,
        model: nn.Module,
        data: TrainingData[Batch],
        settings: TrainerSettings,
        run: Path,
    ) -> None:
        """Prepare a training; ``run`` does it.

        Args:
            name: of the training, and of its files.
            model: on its device; weights that require no gradient stay as they are.
            data: batches, loss and validation.
            settings: budget, optimizer, validation.
            run: folder of the checkpoints.
        """
        self.model, self.data, self.settings = model, data, settings
        self.device = next(model.parameters()).device
        self.accelerator = Accelerator(
            mixed_precision="no",  # autocast is a matter of each training, not of the process
            device_placement=False,
            gradient_accumulation_steps=settings.accumulate,
        )
        main = self.accelerator.is_main_process
        self.trained = [p for p in model.parameters() if p.requires_grad]
        optimizer = torch.optim.AdamW(
            self.trained,
            settings.learning_rate,
            (0.9, settings.beta2),
            weight_decay=settings.weight_decay,
        )
        self.parallel, self.optimizer = self.accelerator.prepare(model, optimizer)
        self.schedule = Schedule(name, settings, agree=self._agreed, quiet=not main)
        self.checkpoint = Checkpoint(run / f"{name}.pt")
        self.best = BestCheckpoint(run / f"{name}.best.pt", settings.keep == "best", main)
        self.log = TrainingLog(name)
        self.bfloat16 = wants_bfloat16(settings.precision, model, self.device)
        self.average = 0.0

    def run(self) -> TrainingLog:
        """Train until the budget is spent or nothing improves; resumes a stopped training.

        Raises:
            PackError: when the loss is not a number, or the checkpoint is of another training.
        """
        self.accelerator.gradient_accumulation_steps = self.settings.accumulate
        self._resume()
        if self.settings.checkpointing:
            enable_gradient_checkpointing(self.model)
        for done, bar in self.schedule:
            if self._should_stop:
                logger.info("%s: stopped early at step %d", self.log.name, self.schedule.step)
                break
            loss = self._step(done)
            self.average = (
                SMOOTHING * self.average + (1 - SMOOTHING) * loss if self.schedule.step else loss
            )
            self.schedule.step += 1
            if self.schedule.step % 10 == 1:
                bar.set_postfix_str(self._state())
            if self._due(self.settings.validate_every):
                self._validate()
            if self._due(self.settings.save_every):
                self._save()
        self._finish()
        return self.log

    def _finish(self) -> None:
        """Validate and save where the loop ended, and leave the wanted weights in the model."""
        if not self.log.held_out or self.log.held_out[-1][0] < self.schedule.step:
            self._validate()
        self._save()
        self.accelerator.wait_for_everyone()
        if self.log.held_out:
            self.best.restore(self.model, self.log.held_out[-1][1])
        if self.settings.checkpointing:
            disable_gradient_checkpointing(self.model)
        self.model.eval()

    @property
    def _should_stop(self) -> bool:
        return 0 < self.settings.patience <= self.log.validations_since_best

    def _due(self, every: int) -> bool:
        return every > 0 and self.schedule.step % every == 0

    def _step(self, done: float) -> float:
        """Move the weights once; returns the loss, the mean over the accumulated batches."""
        self.model.train()
        for group in self.optimizer.param_groups:
            group["lr"] = self.schedule.learning_rate(done)
        total = torch.zeros((), device=self.device)
        for _ in range(self.settings.accumulate):
            with self.accelerator.accumulate(self.parallel):
                batch = self.data.draw(done)
                with autocast(self.device, bfloat16=self.bfloat16):
                    loss = self.data.loss(self.parallel, batch)
                self.accelerator.backward(loss)
                total += loss.detach() / self.settings.accumulate
                if self.accelerator.sync_gradients:
                    norm = self.accelerator.clip_grad_norm_(self.trained, self.settings.clip_norm)
                    self._check_finite(float(total) + float(norm or 0))
                self.optimizer.step()
                self.optimizer.zero_grad(set_to_none=True)
        return float(total)

    def _check_finite(self, loss: float) -> None:
        """Stop a diverged training before its weights are saved anywhere."""
        if not math.isfinite(loss):
            raise PackError(
                f"training '{self.log.name}': the loss is not a number after step "
                f"{self.schedule.step}: lower learning_rate in this training's table of the recipe."
            )

    @torch.no_grad()
    def _validate(self) -> None:
        if self.data.validate is None:
            return
        self.model.eval()
        started = time.monotonic()
        with autocast(self.device, bfloat16=self.bfloat16):
            validation = self.data.validate(self.model)
        self.schedule.reserved = time.monotonic() - started
        self._check_finite(validation.loss)
        self.log.add(self.schedule.step, self.average, validation)
        self.best.update(self.model, validation.loss)

    def _save(self) -> None:
        if self.accelerator.is_main_process:
            notes = {"log": asdict(self.log), "average": self.average}
            self.checkpoint.save(self.model, self.optimizer, self.schedule, notes)

    def _resume(self) -> None:
        notes = self.checkpoint.resume(self.model, self.optimizer, self.schedule)
        self.best.begin(anew=notes is None)
        if notes:
            self.log = TrainingLog.from_state(notes["log"])
            self.average = float(notes["average"])
            logger.info("%s: resumed at step %d", self.log.name, self.schedule.step)
        if self.accelerator.num_processes > 1:
            seed = torch.initial_seed() % 1_000_003
            own = seed * 1_000_003 + self.schedule.step * 1_009 + self.accelerator.process_index
            torch.manual_seed(own % 2**63)

    def _agreed(self, share: float) -> float:
        """The main process's share, for all: their clocks differ."""
        if self.accelerator.num_processes == 1:
            return share
        return float(broadcast(torch.tensor([share], device=self.device))[0])

    def _state(self) -> str:
        """What the progress bar says."""
        text = f"step {self.schedule.step} loss {self.average:.4g}"
        return f"{text} held out {self.log.best:.4g}" if self.log.held_out else text

"""The loop that every stage of a language model's training goes through.

One step: a few batches, each forward and backward, their gradients averaged over the
processes, one move of the weights. The loop looks at held-out batches now and then, stops
when they get no better, and goes on from its checkpoint when it was stopped. What is drawn
and what the loss is are its caller's.
"""

from __future__ import annotations

import contextlib
import math
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any, Final, Literal

import torch

from ext_models.packs import PackError

from .checkpoint import Checkpoint, Schedule
from .workers import Workers

Batch = dict[str, torch.Tensor]
#: Parameters from which a GPU gains by bfloat16; below, the casts cost more.
LARGE: Final = 50_000_000
Precision = Literal["auto", "float32", "bfloat16"]


@dataclass(frozen=True)
class LanguageTraining:
    """Settings of one stage.

    Attributes:
        steps, minutes: the budget, more than 0; whichever ends first.
        batch: sequences that are read at once, by each process.
        accumulate: batches a step; so many more sequences without more memory.
        learning_rate: of AdamW, at its highest.
        weight_decay: of AdamW.
        warm_up: steps until the full learning rate.
        check_every: steps between looks at the held-out loss.
        patience: looks without a better one before it stops; 0 never stops.
        keep: which weights stay: the ``last``, or those of the ``best`` look.
        save_every: steps between checkpoints.
        levels: what an answer's code counts by its level, coarse first; all alike when empty.
        summary: what each token of an answer's clip summary counts in the loss.
        precision: of the arithmetic; ``auto`` takes bfloat16 where a GPU has it and the model
            is large enough to gain.
        checkpointing: forget what lies between the layers and work it out again: a third
            more time, a fraction of the memory.
    """

    steps: int = 20000
    minutes: float = 30.0
    batch: int = 16
    accumulate: int = 1
    learning_rate: float = 1e-3
    weight_decay: float = 0.05
    warm_up: int = 100
    check_every: int = 250
    patience: int = 0
    save_every: int = 500
    keep: Literal["best", "last"] = "last"
    levels: Sequence[float] = ()
    summary: float = 1.0
    precision: Precision = "auto"
    checkpointing: bool = False

    def __post_init__(self) -> None:
        for name in ("steps", "batch", "accumulate", "check_every", "save_every"):
            if getattr(self, name) < 1:
                raise PackError(f"a training's {name} is {getattr(self, name)}; it is at least 1.")
        if not self.minutes > 0:
            raise PackError(f"a training's minutes are {self.minutes:g}; write more than 0.")
        if self.warm_up < 0:
            raise PackError(f"a training's warm_up is {self.warm_up}; it is at least 0.")
        if self.precision not in ("auto", "float32", "bfloat16"):
            raise PackError(
                f"a training's precision is '{self.precision}'; write auto, float32 or bfloat16."
            )


@dataclass
class TrainingLog:
    """Loss over time, for the card and the picture.

    Attributes:
        name: of the stage.
        train: (step, mean of the last steps' losses).
        held_out: (step, loss of the held-out batches).
        right: (step, share of the held-out answers' tokens that come first in likelihood).
    """

    name: str
    train: list[tuple[int, float]] = field(default_factory=list)
    held_out: list[tuple[int, float]] = field(default_factory=list)
    right: list[tuple[int, float]] = field(default_factory=list)

    @property
    def best(self) -> float:
        """Lowest held-out loss."""
        return min((loss for _, loss in self.held_out), default=float("nan"))

    @property
    def checks_since_best(self) -> int:
        """How many looks were no better than the best before them."""
        losses = [loss for _, loss in self.held_out]
        return len(losses) - 1 - losses.index(min(losses)) if losses else 0


@dataclass(frozen=True)
class TrainingData:
    """What a stage learns from.

    Attributes:
        draw: a new batch, for the share of the budget that is used, 0..1.
        held_out: batches that are never learnt from, the same at every look.
        loss: of a batch, for a model.
    """

    draw: Callable[[float], Batch]
    held_out: Sequence[Batch]
    loss: Callable[[Any, Batch], torch.Tensor]


class Trainer:
    """One stage of a training: its model, where it stands, and how it goes on."""

    def __init__(
        self,
        name: str,
        model: Any,
        data: TrainingData,
        settings: LanguageTraining,
        run: Path,
        workers: Workers,
    ) -> None:
        self.model, self.data, self.settings, self.workers = model, data, settings, workers
        self.device = next(model.parameters()).device
        self.trained = [p for p in model.parameters() if p.requires_grad]
        self.optimizer = torch.optim.AdamW(
            self.trained, settings.learning_rate, (0.9, 0.98), weight_decay=settings.weight_decay
        )
        self.schedule = Schedule(
            name,
            settings.steps,
            settings.minutes,
            settings.warm_up,
            agree=lambda share: workers.same(share, self.device),
            quiet=not workers.first,
        )
        self.checkpoint = Checkpoint(run / f"{name}.pt")
        self.curve = TrainingLog(name)
        self.best = BestCheckpoint(run / f"{name}.best.pt", settings.keep == "best", workers)
        self.bfloat16 = wants_bfloat16(settings.precision, model, self.device)
        self.average = 0.0
        if settings.checkpointing:
            forget_activations(model)

    def run(self) -> TrainingLog:
        """Train until the budget is spent or nothing gets better; resumes what was stopped."""
        self._resume()
        for step, bar in self.schedule:
            if self._should_stop:
                break
            loss = self._step()
            self.average = loss if self.average == 0 else 0.98 * self.average + 0.02 * loss
            if step % 10 == 0:
                bar.set_postfix_str(
                    f"step {step} loss {self.average:.3f} held out {self.curve.best:.3f}"
                )
            if (step + 1) % self.settings.check_every == 0:
                self._validate(step)
            if (step + 1) % self.settings.save_every == 0:
                self._save(step + 1)
        if not self.curve.held_out or self.curve.held_out[-1][0] < self.schedule.step - 1:
            self._validate(self.schedule.step)
        self._save(self.schedule.step)
        self.workers.wait()
        self.best.restore(self.model, self.curve.held_out[-1][1])
        if self.settings.checkpointing:
            keep_activations(self.model)
        self.model.eval()
        return self.curve

    @property
    def _should_stop(self) -> bool:
        return 0 < self.settings.patience <= self.curve.checks_since_best

    def _step(self) -> float:
        """One move of the weights; gives the loss that it was made by."""
        self.model.train()
        for group in self.optimizer.param_groups:
            group["lr"] = self.settings.learning_rate * self.schedule.rate
        self.optimizer.zero_grad(set_to_none=True)
        total, done = torch.zeros((), device=self.device), self.schedule.done
        for _ in range(self.settings.accumulate):
            loss = self._loss(self.data.draw(done)) / self.settings.accumulate
            loss.backward()
            total += loss.detach()
        self.workers.average_gradients(self.trained)
        norm = torch.nn.utils.clip_grad_norm_(self.trained, 1.0)
        self._check_finite(float(total + norm), self.schedule.step)
        self.optimizer.step()
        return float(total)

    def _check_finite(self, loss: float, step: int) -> None:
        """Stop a training that has run away, before its weights are kept anywhere."""
        if not math.isfinite(loss):
            raise PackError(
                f"training '{self.curve.name}': the loss is not a number after step {step}: lower "
                "learning_rate in this stage's table of the recipe."
            )

    def _loss(self, batch: Batch) -> torch.Tensor:
        with self._arithmetic():
            return self.data.loss(self.model, batch)

    def _arithmetic(self) -> contextlib.AbstractContextManager[Any]:
        if not self.bfloat16:
            return contextlib.nullcontext()
        return torch.autocast(self.device.type, torch.bfloat16)

    @torch.no_grad()
    def _validate(self, step: int) -> None:
        """Loss and share of right tokens of the held-out batches, each process some of them."""
        self.model.eval()
        sums = torch.zeros(4, device=self.device)
        for batch in self.data.held_out[self.workers.rank :: self.workers.count]:
            loss = self._loss(batch)
            with self._arithmetic():
                right, asked = correct_tokens(self.model, batch, self.device)
            sums += torch.stack([loss.float(), torch.ones_like(sums[0]), right, asked])
        loss, batches, right, asked = self.workers.mean(sums).tolist()
        self._check_finite(loss, step)
        self.curve.train.append((step, self.average))
        self.curve.held_out.append((step, loss / max(batches, 1e-9)))
        self.curve.right.append((step, right / max(asked, 1e-9)))
        self.best.look(self.model, self.curve.held_out[-1][1])

    def _save(self, step: int) -> None:
        if self.workers.first:
            notes = {"curve": asdict(self.curve), "average": self.average}
            self.checkpoint.save(
                self.model, self.optimizer, replace(self.schedule, step=step), notes
            )

    def _resume(self) -> None:
        notes = self.checkpoint.resume(self.model, self.optimizer, self.schedule)
        self.best.begin(anew=notes is None)
        if notes:
            points = {k: [(int(s), float(v)) for s, v in notes["curve"][k]] for k in _POINTS}
            self.curve = TrainingLog(self.curve.name, **points)
            self.average = float(notes["average"])
        self.workers.share(self.trained)
        self.workers.seed(torch.initial_seed() % 1_000_003, self.schedule.step)


_POINTS = ("train", "held_out", "right")


def wants_bfloat16(precision: Precision, model: Any, device: torch.device) -> bool:
    """Whether to compute in bfloat16; ``auto`` does where the GPU was made for it."""
    if precision == "auto":
        large = sum(p.numel() for p in model.parameters()) >= LARGE
        return large and device.type == "cuda" and torch.cuda.is_bf16_supported()
    return precision == "bfloat16"


def forget_activations(model: Any) -> None:
    """Gradient checkpointing, also above frozen embeddings."""
    model.gradient_checkpointing_enable(gradient_checkpointing_kwargs={"use_reentrant": False})
    model.config.use_cache = False


def keep_activations(model: Any) -> None:
    """The end of ``forget_activations``."""
    model.gradient_checkpointing_disable()
    model.config.use_cache = True


def correct_tokens(
    model: Any, batch: Batch, device: torch.device
) -> tuple[torch.Tensor, torch.Tensor]:
    """How many of the answers' tokens are the likeliest ones, and how many there are."""
    given = {k: v.to(device) for k, v in batch.items() if k != "labels"}
    labels = batch["labels"].to(device)[:, 1:]
    asked = labels != -100
    likeliest = model(**given).logits[:, :-1].argmax(-1)
    return ((likeliest == labels) & asked).sum().float(), asked.sum().float()


@dataclass
class BestCheckpoint:
    """The trained weights of the best look so far, in a file of their own."""

    path: Path
    wanted: bool
    workers: Workers = field(default_factory=Workers)
    loss: float = float("inf")

    def begin(self, *, anew: bool) -> None:
        """Go on from the file, or drop one that an earlier training has left."""
        if anew and self.workers.first:
            self.path.unlink(missing_ok=True)
        elif not anew and self.wanted and self.path.is_file():
            self.loss = float(torch.load(self.path, weights_only=True)["loss"])

    def look(self, model: Any, loss: float) -> None:
        """Keep the weights when they are better than any before."""
        if not self.wanted or not loss < self.loss:
            return
        self.loss = loss
        if self.workers.first:
            weights = {n: p.detach().cpu() for n, p in model.named_parameters() if p.requires_grad}
            self.path.parent.mkdir(parents=True, exist_ok=True)
            torch.save({"loss": loss, "weights": weights}, self.path)

    def restore(self, model: Any, last: float) -> None:
        """Bring the best weights back, unless the last ones are better still."""
        if self.wanted and self.loss < math.inf and not last <= self.loss:
            weights = torch.load(self.path, weights_only=True)["weights"]
            model.load_state_dict(weights, strict=False)

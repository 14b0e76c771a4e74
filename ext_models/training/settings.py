"""What every training lets a recipe decide: budget, optimizer, schedule, validation, files."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Literal

from ext_models.packs import PackError

Precision = Literal["auto", "float32", "bfloat16"]


@dataclass(frozen=True)
class TrainerSettings:
    """Settings of one training; each part of a pack has defaults of its own.

    Attributes:
        steps: optimizer steps at most, more than 0.
        minutes: time at most, more than 0, that of resumed runs included.
        batch: samples of one forward pass, in each process.
        accumulate: forward passes of one optimizer step.
        learning_rate: of AdamW, at its highest.
        beta2: of AdamW, the decay of the squared gradients' mean.
        weight_decay: of AdamW.
        warm_up: steps until the full learning rate.
        clip_norm: highest norm of the gradients; ``inf`` never clips.
        validate_every: steps between validations; 0 never validates.
        patience: validations without improvement until the training stops; 0 never stops.
        save_every: steps between checkpoints.
        keep: which weights remain: the ``last``, or the ``best`` by validation.
        precision: of the arithmetic; ``auto`` takes bfloat16 where GPU or CPU has it and the
            model is large enough to gain.
        checkpointing: gradient checkpointing, which takes a third more time and a fraction of
            the memory.
    """

    steps: int = 20_000
    minutes: float = math.inf
    batch: int = 16
    accumulate: int = 1
    learning_rate: float = 1e-3
    beta2: float = 0.98
    weight_decay: float = 0.05
    warm_up: int = 100
    clip_norm: float = 1.0
    validate_every: int = 0
    patience: int = 0
    save_every: int = 500
    keep: Literal["best", "last"] = "last"
    precision: Precision = "auto"
    checkpointing: bool = False

    def __post_init__(self) -> None:
        for name, least in _LEAST.items():
            value = getattr(self, name)
            if not value >= least:
                raise PackError(f"a training's {name} is {value}; it is at least {least}.")
        for name in ("minutes", "learning_rate", "clip_norm"):
            value = getattr(self, name)
            if not value > 0:
                raise PackError(f"a training's {name} is {value:g}; write more than 0.")
        if not 0 < self.beta2 < 1:
            raise PackError(f"a training's beta2 is {self.beta2:g}; it lies between 0 and 1.")

    def decay(self, done: float) -> float:
        """Factor of the learning rate at a share of the budget, 0..1: a cosine, 1 to 0.02."""
        return 0.02 + 0.98 * 0.5 * (1 + math.cos(math.pi * done))


_LEAST = {
    "steps": 1,
    "batch": 1,
    "accumulate": 1,
    "weight_decay": 0,
    "warm_up": 0,
    "validate_every": 0,
    "patience": 0,
    "save_every": 1,
}

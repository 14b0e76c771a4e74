"""The published training of the tokenizer (Zhang et al. 2023, T2M-GPT), on published features.

Our own training (``training``) begins at principal components, mixes bodies and counts
where a window drifts; this one does none of that, so that its numbers can stand beside
the field's. The network, ``form = "convolutions"``, is the same for both.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.nn import functional

from ext_models.datasets.clip_vectors import vectors_of
from ext_models.datasets.examples import DataError, Example
from ext_models.datasets.humanml3d import Statistics
from ext_models.motion.features import to_joints
from ext_models.motion.representations import REPRESENTATIONS, Representation
from ext_models.training.settings import TrainerSettings
from ext_models.training.trainer import Trainer, TrainingData

from .vqvae import VQVAE, TokenizerConfig

Array = NDArray[np.float32]

#: Batches from whose codes the codebook begins.
BEGINNING = 4


@dataclass(frozen=True)
class ReferenceTraining(TrainerSettings):
    """Settings, as published by default.

    Attributes:
        window: frames of a window.
        drop_at: share of the budget from which the learning rate is ``drop`` times as high.
        joints: weight of the joints' positions, beside 1 for all channels.
        commitment: weight of the distance between vectors and their codes.
    """

    steps: int = 300_000
    batch: int = 256
    learning_rate: float = 2e-4
    beta2: float = 0.99
    weight_decay: float = 0.0
    warm_up: int = 1000
    clip_norm: float = float("inf")
    save_every: int = 1000
    window: int = 64
    drop_at: float = 2 / 3
    drop: float = 0.05
    joints: float = 0.5
    commitment: float = 0.02

    def decay(self, done: float) -> float:
        """Factor of the learning rate: 1, and ``drop`` from ``drop_at`` on."""
        return self.drop if done >= self.drop_at else 1.0


def train_reference(
    config: TokenizerConfig,
    settings: ReferenceTraining,
    examples: Sequence[Example],
    statistics: Statistics,
    run: Path,
    *,
    seed: int,
    device: str = "cpu",
) -> VQVAE:
    """Train on the ``train`` split as it is; resumes from ``run`` when it was stopped.

    Args:
        config: sizes.
        settings: budget and loss.
        examples: clips of one data set, of all splits.
        statistics: by which features are normalised; they stay inside the tokenizer.
        run: folder of the checkpoint.
        seed: of everything random.
        device: as PyTorch names it.

    Raises:
        DataError: when no clip is as long as a window.
    """
    torch.manual_seed(seed)
    rep = REPRESENTATIONS[examples[0].representation]
    windows = PublishedWindows(examples, statistics, settings)
    model = VQVAE(config)
    model.mean.copy_(torch.from_numpy(statistics.mean))
    model.std.copy_(torch.from_numpy(statistics.std))
    with torch.no_grad():
        drawn = torch.cat([windows.draw() for _ in range(BEGINNING)])
        model.quantizer.kmeans_init(
            model.encoder(drawn.movedim(-1, 1)).movedim(1, -1).flatten(0, 1)
        )
    model.quantizer.quantize_dropout = 0.0
    model = model.to(device)

    def loss(network: VQVAE, x: Tensor) -> Tensor:
        return reference_loss(network, x.to(device), rep, settings)

    data = TrainingData(lambda _: windows.draw(), loss)
    Trainer("tokenizer", model, data, settings, run).run()
    return model


def reference_loss(
    model: VQVAE, x: Tensor, rep: Representation, settings: ReferenceTraining
) -> Tensor:
    """The published loss of normalised windows (B, T, C)."""
    y, _, commitment = model(x)
    positions = slice(4, 4 + 3 * (rep.joints - 1))
    return (
        functional.smooth_l1_loss(y, x)
        + settings.joints * functional.smooth_l1_loss(y[..., positions], x[..., positions])
        + settings.commitment * commitment
    )


class PublishedWindows:
    """Random windows of the training clips' features, normalised; longer clips more often."""

    def __init__(
        self, examples: Sequence[Example], statistics: Statistics, settings: ReferenceTraining
    ) -> None:
        train = [vectors_of(e) for e in examples if e.split == "train"]
        self.clips = [x for x in train if len(x) >= settings.window]
        if not self.clips:
            raise DataError(
                f"no training clip has {settings.window} frames: make the tokenizer's window "
                "smaller."
            )
        self.statistics, self.settings = statistics, settings
        self.weights = torch.tensor([float(len(x)) for x in self.clips])

    def draw(self) -> Tensor:
        """A batch (B, T, C)."""
        size = self.settings.window
        rows: list[Array] = []
        for clip in torch.multinomial(self.weights, self.settings.batch, replacement=True).tolist():
            x = self.clips[clip]
            first = int(torch.randint(len(x) - size + 1, ()))
            rows.append(x[first : first + size])
        normal = (np.stack(rows) - self.statistics.mean) / self.statistics.std
        return torch.from_numpy(normal.astype(np.float32))


@torch.no_grad()
def reconstruction_error(model: VQVAE, examples: Sequence[Example]) -> tuple[float, float]:
    """Mean joint distance in mm of clips through their codes, and the share of codes in use."""
    errors: list[float] = []
    used: set[int] = set()
    for example in examples:
        rep = REPRESENTATIONS[example.representation]
        x = vectors_of(example)
        x = x[: len(x) // model.config.stride * model.config.stride]
        codes = model.encode(torch.from_numpy(x)[None].to(model.mean.device))
        again = model.decode(codes)[0].cpu().numpy()
        gap = to_joints(again, rep) - to_joints(x, rep)
        errors.append(1000 * rep.unit * float(np.linalg.norm(gap, axis=-1).mean()))
        used |= set(codes.flatten().tolist())
    return float(np.mean(errors)), len(used) / model.config.codes

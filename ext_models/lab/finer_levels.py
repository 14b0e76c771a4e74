"""Finer levels without steps: a small network guesses them for all code steps at once.

The language model writes the coarse levels. What it need not write is filled afterwards by a
bidirectional transformer: level by level, as MoMask's residual transformer does (Guo et al.,
2023), or all finer levels in one pass.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.nn import functional
from torch.nn.utils.rnn import pad_sequence

from ext_models.language.corpus import Encoded, Pool
from ext_models.tokenizer.quantizers import ResidualQuantizer
from ext_models.training.settings import TrainerSettings
from ext_models.training.trainer import MeanLoss, Trainer, TrainingData

#: What stands for the codes of a step that a shorter clip of a batch lacks.
NO_STEP = -100


@dataclass(frozen=True)
class FillerConfig:
    """Sizes of a level filler.

    Attributes:
        coarse: levels that are given.
        levels: levels that are there in the end.
        span: levels of one pass; 1 fills level by level.
        longest: code steps of the longest motion.
        width, layers, heads, dropout: of the transformer.
    """

    coarse: int
    levels: int
    span: int
    longest: int
    width: int = 128
    layers: int = 3
    heads: int = 4
    dropout: float = 0.1


@dataclass(frozen=True)
class FillerTraining(TrainerSettings):
    """Settings of a level filler's training."""

    minutes: float = 5.0
    batch: int = 16
    learning_rate: float = 2e-3
    warm_up: int = 20
    validate_every: int = 50
    keep: Literal["best", "last"] = "best"


class LevelFiller(nn.Module):
    """Codes of coarse levels (B, S, L') to those of finer levels too, all steps in parallel."""

    def __init__(self, config: FillerConfig, quantizer: ResidualQuantizer) -> None:
        """Args: sizes; the tokenizer's codebooks, which stay as they are."""
        super().__init__()
        self.config, self.quantizer = config, quantizer
        codes, code_width = quantizer.books[0].codebook.shape
        self.into = nn.Linear(code_width, config.width)
        self.step = nn.Parameter(0.02 * torch.randn(config.longest, config.width))
        self.level = nn.Parameter(0.02 * torch.randn(config.levels, config.width))
        layer = nn.TransformerEncoderLayer(
            config.width, config.heads, 4 * config.width, config.dropout, "gelu",
            batch_first=True, norm_first=True,
        )  # fmt: skip
        norm = nn.LayerNorm(config.width)
        self.encoder = nn.TransformerEncoder(layer, config.layers, norm, enable_nested_tensor=False)
        fine = config.levels - config.coarse
        self.head = nn.Linear(config.width, fine * code_width)
        nn.init.zeros_(self.head.weight)  # at first all depends on the bias
        nn.init.zeros_(self.head.bias)
        self.bias = nn.Parameter(torch.zeros(fine, codes))

    def forward(self, codes: Tensor, lacking: Tensor | None = None) -> Tensor:
        """Logits (B, S, span, K) of the levels that follow codes (B, S, L').

        ``lacking`` (B, S) marks the steps that a shorter clip of the batch does not have.
        """
        known = codes.shape[-1]
        # The sum of the codes' vectors, each level's from its own codebook.
        vectors = self.quantizer.look_up(codes).movedim(1, -1)
        x = self.into(vectors) + self.step[: codes.shape[1]] + self.level[known - 1]
        x = self.encoder(x, src_key_padding_mask=lacking)
        towards = self.head(x).unflatten(-1, (len(self.bias), -1))
        first = known - self.config.coarse
        # A code whose vector is near a likely one is likely too.
        return torch.stack(
            [
                towards[..., k, :] @ self.quantizer.books[self.config.coarse + k].codebook.T
                + self.bias[k]
                for k in range(first, first + self.config.span)
            ],
            -2,
        )

    @torch.no_grad()
    def fill(self, codes: Tensor) -> Tensor:
        """Codes (B, S, levels) of those of the coarse levels (B, S, coarse)."""
        for _ in self.passes:
            codes = torch.cat([codes, self(codes).argmax(-1)], -1)
        return codes

    @torch.no_grad()
    def begin_at_frequencies(self, codes: NDArray[np.int64]) -> None:
        """Guess each code as often as it occurs in codes (S, levels)."""
        for k, bias in enumerate(self.bias):
            counts = np.bincount(codes[:, self.config.coarse + k], minlength=len(bias))
            bias.copy_(torch.from_numpy(np.log(counts + 1.0)))

    def loss(self, codes: Tensor, known: int) -> Tensor:
        """Cross-entropy of the levels that follow the first ``known`` of codes (B, S, levels)."""
        logits = self(codes[..., :known].clamp(min=0), codes[..., 0] == NO_STEP)
        due = codes[..., known : known + self.config.span]
        return functional.cross_entropy(logits.flatten(0, -2), due.flatten())

    @property
    def passes(self) -> range:
        """How many levels are known before each pass."""
        return range(self.config.coarse, self.config.levels, self.config.span)


def batch_of(clips: Sequence[Encoded]) -> Tensor:
    """Codes (B, S, L) of some clips, ``NO_STEP`` behind the shorter ones."""
    codes = [torch.from_numpy(clip.codes) for clip in clips]
    return pad_sequence(codes, batch_first=True, padding_value=NO_STEP)


def train_filler(
    config: FillerConfig,
    quantizer: ResidualQuantizer,
    train: Sequence[Encoded],
    held_out: Sequence[Encoded],
    settings: TrainerSettings,
    run: Path,
    seed: int = 0,
) -> LevelFiller:
    """Train one filler on true codes; a stopped training is resumed from its folder.

    Args:
        config: sizes.
        quantizer: of the tokenizer that made the codes.
        train: clips to learn from.
        held_out: clips that decide which weights remain.
        settings: budget and optimizer.
        run: folder of the checkpoints.
        seed: of weights and batches.
    """
    torch.manual_seed(seed)
    filler = LevelFiller(config, quantizer)
    filler.begin_at_frequencies(np.concatenate([clip.codes for clip in train]))
    pool = Pool(train)
    size = settings.batch
    watched = [
        (batch_of(held_out[k : k + size]), known)
        for k in range(0, len(held_out), size)
        for known in filler.passes
    ]

    def draw(_: float) -> tuple[Tensor, int]:
        known = filler.passes[int(torch.randint(len(filler.passes), ()))]
        return batch_of([pool.pick() for _ in range(size)]), known

    def loss(model: LevelFiller, batch: tuple[Tensor, int]) -> Tensor:
        return model.loss(*batch)

    validate = MeanLoss(watched, loss) if watched else None
    Trainer("levels", filler, TrainingData(draw, loss, validate), settings, run).run()
    return filler

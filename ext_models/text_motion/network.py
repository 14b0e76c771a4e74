"""The evaluator's network: text and motion as points of one space.

It has the parts of Guo et al. 2022: a movement encoder that makes one step of four
frames, an encoder over these steps, and one over words. Both encoders are small
transformers instead of GRUs; points lie on the unit sphere.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Final

import torch
from torch import Tensor, nn
from torch.nn import functional

from ext_models.motion import representations
from ext_models.packs import PackError

from .text_vocabulary import PADDING, CaptionBatch

#: The widest space: with a few hundred clips, FID in a wider one is mostly bias.
WIDEST: Final = 128
#: Frames a step of the movement encoder.
STRIDE: Final = 4
#: The last channels of a feature frame, the foot contacts: as published, it never sees them.
CONTACTS: Final = 4
#: The shortest clip, in frames: features have one frame fewer, and one step needs four.
SHORTEST: Final = STRIDE + 1


class TextMotionError(PackError):
    """An evaluator that cannot be used or trained; one sentence, naming what is wrong."""


@dataclass(frozen=True)
class TextMotionConfig:
    """Sizes of an evaluator.

    Attributes:
        representation: name of the features that it reads.
        space: dimensions of the space, at most 128.
        width: channels inside.
        layers: of the motion encoder.
        text_layers: of the text encoder.
        heads: of attention in both.
        dropout: while training.
        buckets: vectors that the character groups of words share.
        max_frames: the longest clip it judges.
        max_words: words of a caption that it reads.
    """

    representation: str = representations.HUMANML3D.name
    space: int = 64
    width: int = 96
    layers: int = 3
    text_layers: int = 2
    heads: int = 4
    dropout: float = 0.1
    buckets: int = 2048
    max_frames: int = 400
    max_words: int = 48

    def __post_init__(self) -> None:
        if not 2 <= self.space <= WIDEST:
            raise TextMotionError(
                f"an evaluator's space has 2 to {WIDEST} dimensions, not {self.space}."
            )
        if self.representation not in representations.REPRESENTATIONS:
            known = ", ".join(representations.REPRESENTATIONS)
            raise TextMotionError(
                f"'{self.representation}' features are unknown to an evaluator; it reads {known}."
            )
        if self.width % (2 * self.heads):
            raise TextMotionError(
                f"an evaluator's width {self.width} must be a multiple of 2 x heads ({self.heads})."
            )

    @property
    def rep(self) -> representations.Representation:
        """The features that it reads."""
        return representations.REPRESENTATIONS[self.representation]

    @property
    def channels(self) -> int:
        """Channels that it reads of a frame."""
        return self.rep.width - CONTACTS


class Block(nn.Module):
    """One transformer layer over (B, S, W), normalised before each part."""

    def __init__(self, config: TextMotionConfig) -> None:
        super().__init__()
        width = config.width
        self.heads = config.heads
        self.before = nn.LayerNorm(width)
        self.look = nn.Linear(width, 3 * width)
        self.gather = nn.Linear(width, width)
        self.mlp = nn.Sequential(
            nn.LayerNorm(width), nn.Linear(width, 4 * width), nn.GELU(), nn.Linear(4 * width, width)
        )
        self.dropout = nn.Dropout(config.dropout)

    def forward(self, x: Tensor, mask: Tensor) -> Tensor:
        """X (B, S, W), attending where mask (B, S) is true."""
        parts = self.look(self.before(x)).chunk(3, dim=-1)
        q, k, v = (p.unflatten(-1, (self.heads, -1)).transpose(1, 2) for p in parts)
        seen = functional.scaled_dot_product_attention(q, k, v, attn_mask=mask[:, None, None])
        x = x + self.dropout(self.gather(seen.transpose(1, 2).flatten(2)))
        return x + self.dropout(self.mlp(x))


class SequenceEncoder(nn.Module):
    """Steps (B, S, W) to points (B, E) on the unit sphere."""

    def __init__(self, config: TextMotionConfig, layers: int) -> None:
        super().__init__()
        self.blocks = nn.ModuleList(Block(config) for _ in range(layers))
        self.after = nn.LayerNorm(config.width)
        self.out = nn.Linear(2 * config.width, config.space)
        self.dropout = nn.Dropout(config.dropout)

    def forward(self, x: Tensor, mask: Tensor) -> Tensor:
        """Points (B, E) of steps (B, S, W) that are there where mask (B, S) is true."""
        x = self.dropout(x + positions(x.shape[1], x.shape[2], x))
        for block in self.blocks:
            x = block(x, mask)
        x = self.after(x).masked_fill(~mask[..., None], 0)
        mean = x.sum(1) / mask.sum(1, keepdim=True)
        # The mean says how it is done all along, the maximum that something happened at all.
        most = x.masked_fill(~mask[..., None], -torch.inf).amax(1)
        return functional.normalize(self.out(torch.cat([mean, most], -1)), dim=-1)


class TextMotionNetwork(nn.Module):
    """The network: both encoders, and the statistics of the features."""

    mean: Tensor
    std: Tensor

    def __init__(self, config: TextMotionConfig, words: int) -> None:
        super().__init__()
        self.config = config
        self.movement = nn.Sequential(
            # Steps overlap by half; zeros on both sides stand for the mean pose at rest.
            nn.Conv1d(config.channels, config.width, 2 * STRIDE, STRIDE, padding=STRIDE // 2),
            nn.GELU(),
            nn.Conv1d(config.width, config.width, 1),
        )
        self.motion = SequenceEncoder(config, config.layers)
        self.words = nn.Embedding(words, config.width, padding_idx=PADDING)
        self.spelling = nn.EmbeddingBag(config.buckets, config.width, mode="mean")
        self.text = SequenceEncoder(config, config.text_layers)
        #: Logarithm of how strongly distances count in training (1 / temperature).
        self.sharpness = nn.Parameter(torch.tensor(math.log(1 / 0.07)))
        self.register_buffer("mean", torch.zeros(config.channels))
        self.register_buffer("std", torch.ones(config.channels))
        for table in (self.words, self.spelling):
            nn.init.normal_(table.weight, std=0.3)

    def embed_motion(self, x: Tensor, frames: Tensor) -> Tensor:
        """Points (B, E) of normalised features (B, T, C), zero behind their frames (B,)."""
        steps = self.movement(x.movedim(-1, 1)).movedim(1, -1)
        there = torch.arange(steps.shape[1], device=x.device) < (frames // STRIDE)[:, None]
        return self.motion(steps, there)

    def embed_text(self, captions: CaptionBatch) -> Tensor:
        """Points (B, E) of captions."""
        spelled = self.spelling(captions.groups, captions.starts)
        x = self.words(captions.ids) + spelled[captions.spellings]
        return self.text(x, captions.ids != PADDING)


def positions(steps: int, width: int, like: Tensor) -> Tensor:
    """Sines and cosines (S, W) that tell steps apart, on the device of ``like``."""
    place = torch.arange(steps, device=like.device, dtype=like.dtype)[:, None]
    rates = torch.arange(0, width, 2, device=like.device, dtype=like.dtype) / width
    angles = place * torch.exp(-math.log(10000.0) * rates)
    return torch.cat([angles.sin(), angles.cos()], dim=-1)

"""The text-motion network: captions and motions as points of one embedding space.

It follows the evaluator of Guo et al. 2022: a movement encoder turns every four frames into
one step, and two sequence encoders embed the steps and the words. The sequence encoders are
small transformers instead of GRUs, and embeddings have unit length. The evaluator and the
reranker of a pack are both such networks.
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

#: The largest embedding: with a few hundred clips, FID in more dimensions is mostly bias.
MAX_EMBEDDING_DIM: Final = 128
#: More than any such network needs; a file that claims more is damaged.
_MOST: Final = {
    "width": 4096,
    "motion_layers": 64,
    "text_layers": 64,
    "heads": 64,
    "buckets": 10**6,
    "max_frames": 10**5,
    "max_words": 1000,
}
#: Frames in one step of the movement encoder.
STRIDE: Final = 4
#: The last channels of a feature frame are the foot contacts, which the network does not read,
#: as published.
CONTACTS: Final = 4
#: The shortest clip, in frames: features have one frame fewer, and one step needs four.
MIN_FRAMES: Final = STRIDE + 1
#: The initial temperature of the contrastive loss.
TEMPERATURE: Final = 0.07


class TextMotionError(PackError):
    """A text-motion model cannot be read, used or trained; the message is one sentence."""


@dataclass(frozen=True)
class TextMotionConfig:
    """Sizes of a text-motion network.

    Attributes:
        representation: name of the motion features.
        embedding_dim: dimensions of the embedding space, at most 128.
        width: channels inside both encoders.
        motion_layers: transformer layers of the motion encoder.
        text_layers: transformer layers of the text encoder.
        heads: attention heads in both.
        dropout: dropout in training.
        buckets: rows of the embedding table that character n-grams are hashed to.
        max_frames: frames of the longest clip.
        max_words: words of a caption that are read.
        reader: name of the sentence reader that reads captions as a whole; empty for none.
        sentence_width: dimensions of its vectors.

    Raises:
        TextMotionError: for sizes that do not fit together.
    """

    representation: str = representations.HUMANML3D.name
    embedding_dim: int = 64
    width: int = 96
    motion_layers: int = 3
    text_layers: int = 2
    heads: int = 4
    dropout: float = 0.1
    buckets: int = 2048
    max_frames: int = 400
    max_words: int = 48
    reader: str = ""
    sentence_width: int = 512

    def __post_init__(self) -> None:
        if not 2 <= self.embedding_dim <= MAX_EMBEDDING_DIM:
            raise TextMotionError(
                f"embedding_dim is 2 to {MAX_EMBEDDING_DIM} dimensions, not {self.embedding_dim}."
            )
        if self.representation not in representations.REPRESENTATIONS:
            known = ", ".join(representations.REPRESENTATIONS)
            raise TextMotionError(
                f"representation '{self.representation}' is unknown; choose one of {known}."
            )
        for name, most in _MOST.items():
            if not 1 <= getattr(self, name) <= most:
                raise TextMotionError(f"{name} is 1 to {most}, not {getattr(self, name)}.")
        if self.width % (2 * self.heads):
            raise TextMotionError(
                f"width {self.width} must be a multiple of 2 x heads ({self.heads})."
            )

    @property
    def rep(self) -> representations.Representation:
        """The motion features that the network reads."""
        return representations.REPRESENTATIONS[self.representation]

    @property
    def channels(self) -> int:
        """Channels of a feature frame that the network reads."""
        return self.rep.width - CONTACTS


class SequenceEncoder(nn.Module):
    """A transformer that embeds sequences (B, S, W) as unit vectors (B, E)."""

    def __init__(self, config: TextMotionConfig, layers: int) -> None:
        super().__init__()
        self.dropout = nn.Dropout(config.dropout)
        layer = nn.TransformerEncoderLayer(
            config.width,
            config.heads,
            dim_feedforward=4 * config.width,
            dropout=config.dropout,
            activation="gelu",
            batch_first=True,
            norm_first=True,
        )
        self.transformer = nn.TransformerEncoder(
            layer, layers, norm=nn.LayerNorm(config.width), enable_nested_tensor=False
        )
        self.projection = nn.Linear(2 * config.width, config.embedding_dim)

    def forward(self, x: Tensor, mask: Tensor) -> Tensor:
        """Embed sequences (B, S, W); elements count where the mask (B, S) is true."""
        x = self.dropout(x + positional_encoding(x.shape[1], x.shape[2], x))
        x = self.transformer(x, src_key_padding_mask=~mask)
        padding = ~mask[..., None]
        # The mean says how the whole motion is, the maximum that something happened at all.
        mean = x.masked_fill(padding, 0).sum(1) / mask.sum(1, keepdim=True)
        maximum = x.masked_fill(padding, -torch.inf).amax(1)
        return functional.normalize(self.projection(torch.cat([mean, maximum], -1)), dim=-1)


class TextMotionNetwork(nn.Module):
    """Both encoders, and the statistics that normalise the features."""

    mean: Tensor
    std: Tensor

    def __init__(self, config: TextMotionConfig, words: int) -> None:
        """Make an untrained network for a vocabulary with so many rows."""
        super().__init__()
        self.config = config
        self.movement_encoder = nn.Sequential(
            # Steps overlap by half; zeros on both sides stand for the mean pose at rest.
            nn.Conv1d(config.channels, config.width, 2 * STRIDE, STRIDE, padding=STRIDE // 2),
            nn.GELU(),
            nn.Conv1d(config.width, config.width, 1),
        )
        self.motion_encoder = SequenceEncoder(config, config.motion_layers)
        self.word_embedding = nn.Embedding(words, config.width, padding_idx=PADDING)
        self.ngram_embedding = nn.EmbeddingBag(config.buckets, config.width, mode="mean")
        self.text_encoder = SequenceEncoder(config, config.text_layers)
        self.sentence = nn.Linear(config.sentence_width, config.width) if config.reader else None
        #: Logarithm of the factor on cosine similarities in training, as in CLIP.
        self.logit_scale = nn.Parameter(torch.tensor(math.log(1 / TEMPERATURE)))
        self.register_buffer("mean", torch.zeros(config.channels))
        self.register_buffer("std", torch.ones(config.channels))
        for table in (self.word_embedding, self.ngram_embedding):
            nn.init.normal_(table.weight, std=0.3)

    def embed_motion(self, x: Tensor, frames: Tensor) -> Tensor:
        """Embed normalised features (B, T, C), zero behind their frames (B,), as (B, E)."""
        steps = self.movement_encoder(x.movedim(-1, 1)).movedim(1, -1)
        mask = torch.arange(steps.shape[1], device=x.device) < (frames // STRIDE)[:, None]
        return self.motion_encoder(steps, mask)

    def embed_text(self, captions: CaptionBatch) -> Tensor:
        """Embed captions as (B, E)."""
        spelling = self.ngram_embedding(captions.ngrams, captions.offsets)
        x = self.word_embedding(captions.words) + spelling[captions.spellings]
        mask = captions.words != PADDING
        if self.sentence is not None and captions.sentences is not None:
            if captions.alone is not None:
                mask = mask & ~captions.alone[:, None]
            x = torch.cat([self.sentence(captions.sentences)[:, None], x], 1)
            mask = torch.cat([torch.ones_like(mask[:, :1]), mask], 1)
        return self.text_encoder(x, mask)


def positional_encoding(length: int, width: int, like: Tensor) -> Tensor:
    """Sinusoidal positions (S, W) with the device and type of ``like``."""
    position = torch.arange(length, device=like.device, dtype=like.dtype)[:, None]
    rates = torch.arange(0, width, 2, device=like.device, dtype=like.dtype) / width
    angles = position * torch.exp(-math.log(10000.0) * rates)
    return torch.cat([angles.sin(), angles.cos()], dim=-1)

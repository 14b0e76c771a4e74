"""The evaluators of Guo et al. 2022: ``text_mot_match/model/finest.tar``.

They embed text and motion in one space, where a caption is near its motion. Module names are
those of the checkpoint's tensors, so that a file can be loaded directly; all sizes are read
from the tensors.
"""

from __future__ import annotations

from pathlib import Path
from typing import Final

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.nn.utils.rnn import pack_padded_sequence

from .reading import CheckpointError, Tensors, read_checkpoint, tensors_in

#: The last channels of a feature frame, the foot contacts, which the evaluator never sees.
CONTACTS: Final = 4
#: Frames a step of the movement encoder.
STRIDE: Final = 4

Floats = Tensor | NDArray[np.floating]
Counts = Tensor | NDArray[np.integer]


class MovementEncoder(nn.Module):
    """Features without contacts (B, T, C - 4) to movements (B, T // 4, M)."""

    def __init__(self, channels: int, hidden: int, width: int) -> None:
        super().__init__()
        # Dropout does nothing in evaluation; it keeps the numbers in the tensors' names.
        self.main = nn.Sequential(
            nn.Conv1d(channels, hidden, 4, stride=2, padding=1),
            nn.Dropout(0.2),
            nn.LeakyReLU(0.2),
            nn.Conv1d(hidden, width, 4, stride=2, padding=1),
            nn.Dropout(0.2),
            nn.LeakyReLU(0.2),
        )
        self.out_net = nn.Linear(width, width)
        self.channels = channels

    def forward(self, x: Tensor) -> Tensor:
        """Movements (B, T // 4, M)."""
        return self.out_net(self.main(x.movedim(-1, 1)).movedim(1, -1))


class _SequenceEncoder(nn.Module):
    """Sequences (B, S, I) to vectors (B, E): a bidirectional GRU and two layers."""

    def __init__(self, width: int, hidden: int, space: int) -> None:
        super().__init__()
        self.input_emb = nn.Linear(width, hidden)
        self.gru = nn.GRU(hidden, hidden, batch_first=True, bidirectional=True)
        self.output_net = nn.Sequential(
            nn.Linear(2 * hidden, hidden),
            nn.LayerNorm(hidden),
            nn.LeakyReLU(0.2),
            nn.Linear(hidden, space),
        )
        self.hidden = nn.Parameter(torch.zeros(2, 1, hidden))

    def summary(self, x: Tensor, lengths: Tensor) -> Tensor:
        """The last states of both directions, as a vector (B, E)."""
        packed = pack_padded_sequence(
            self.input_emb(x), lengths.cpu(), batch_first=True, enforce_sorted=False
        )
        _, last = self.gru(packed, self.hidden.repeat(1, len(x), 1))
        return self.output_net(torch.cat([last[0], last[1]], dim=-1))


class MotionEncoder(_SequenceEncoder):
    """Movements (B, S, M) to vectors (B, E)."""

    def forward(self, movements: Tensor, lengths: Tensor) -> Tensor:
        """Vectors (B, E)."""
        return self.summary(movements, lengths)


class TextEncoder(_SequenceEncoder):
    """Word vectors (B, W, 300) and parts of speech (B, W, 15) to vectors (B, E)."""

    def __init__(self, words: int, tags: int, hidden: int, space: int) -> None:
        super().__init__(words, hidden, space)
        self.pos_emb = nn.Linear(tags, words)

    def forward(self, words: Tensor, tags: Tensor, lengths: Tensor) -> Tensor:
        """Vectors (B, E)."""
        return self.summary(words + self.pos_emb(tags), lengths)


class GuoNetwork(nn.Module):
    """Embeds text and motion in one space of E dimensions."""

    def __init__(self, movement: MovementEncoder, motion: MotionEncoder, text: TextEncoder) -> None:
        super().__init__()
        self.movement_encoder = movement
        self.motion_encoder = motion
        self.text_encoder = text

    @torch.no_grad()
    def embed_motion(self, motion: Floats, motion_lengths: Counts) -> Tensor:
        """Vectors (B, E) of motions, in their order.

        Args:
            motion: (B, T, C) features, normalised with the evaluator's own statistics,
                contacts included; padded behind each motion's length.
            motion_lengths: (B,) frames of each, 4 to T; what is over a multiple of 4 is dropped.
        """
        x, lengths = self._checked(motion, motion_lengths, "motion", STRIDE)
        _check_width("motion", x, self.movement_encoder.channels + CONTACTS)
        return self.motion_encoder(self.movement_encoder(x[..., :-CONTACTS]), lengths // STRIDE)

    @torch.no_grad()
    def embed_text(
        self, word_embeddings: Floats, pos_one_hot: Floats | Counts, caption_lengths: Counts
    ) -> Tensor:
        """Vectors (B, E) of captions, in their order.

        Args:
            word_embeddings: (B, W, 300) word vectors, start and end included, padded.
            pos_one_hot: (B, W, 15) part of speech of each word.
            caption_lengths: (B,) words of each with start and end, 1 to W.
        """
        words, lengths = self._checked(word_embeddings, caption_lengths, "captions", 1)
        tags = torch.as_tensor(pos_one_hot).to(words)
        linear = self.text_encoder.pos_emb
        _check_width("captions", words, linear.out_features)
        expected = (*words.shape[:2], linear.in_features)
        if tags.shape != expected:
            raise CheckpointError(
                f"the parts of speech should have the shape {expected} and have "
                f"{tuple(tags.shape)}."
            )
        return self.text_encoder(words, tags, lengths)

    def _checked(self, x: Floats, lengths: Counts, what: str, least: int) -> tuple[Tensor, Tensor]:
        """The batch on this module's device and its lengths; raises CheckpointError."""
        batch = torch.as_tensor(x).to(self.text_encoder.pos_emb.weight)
        count = torch.as_tensor(lengths).long().reshape(-1)
        if batch.dim() != 3 or len(batch) != len(count) or not len(batch):
            raise CheckpointError(
                f"the {what} should have the shape (clips, length, channels), with one length "
                f"each; these are {tuple(batch.shape)} with {len(count)} lengths."
            )
        if int(count.min()) < least or int(count.max()) > batch.shape[1]:
            raise CheckpointError(
                f"the lengths of the {what} go from {int(count.min())} to {int(count.max())}; "
                f"{least} to {batch.shape[1]} are possible."
            )
        return batch, count


def _check_width(what: str, x: Tensor, width: int) -> None:
    if x.shape[-1] != width:
        raise CheckpointError(
            f"the {what} should have {width} channels for this evaluator and have {x.shape[-1]}."
        )


def load_evaluator(path: Path | str) -> GuoNetwork:
    """Read ``finest.tar``; raises CheckpointError."""
    body = read_checkpoint(path)
    movement, motion, text = (
        tensors_in(path, body, f"{name}_encoder") for name in ("movement", "motion", "text")
    )
    hidden, channels, _ = movement.take("main.0.weight", (None, None, 4)).shape
    width = movement.take("main.3.weight", (None, hidden, 4)).shape[0]
    words, tags = text.take("pos_emb.weight", (None, None)).shape
    evaluator = GuoNetwork(
        MovementEncoder(channels, hidden, width),
        MotionEncoder(width, *_inner_and_space(motion, width)),
        TextEncoder(words, tags, *_inner_and_space(text, words)),
    )
    movement.fill(evaluator.movement_encoder)
    motion.fill(evaluator.motion_encoder)
    text.fill(evaluator.text_encoder)
    return evaluator.eval().requires_grad_(False)


def _inner_and_space(tensors: Tensors, width: int) -> tuple[int, int]:
    """Width of a sequence encoder's GRU, and dimensions of its embedding."""
    hidden = tensors.take("input_emb.weight", (None, width)).shape[0]
    return hidden, tensors.take("output_net.3.weight", (None, hidden)).shape[0]

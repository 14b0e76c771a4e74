"""Sampling of tokens: every row of a batch has random numbers of its own seed.

So the rows beside a request do not change its answer, but for rounding: one seed gives one
motion in the panel, on the command line and in an evaluation.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

import torch
from torch import Tensor

from motiongpt_blender.wire import Sampling

#: Temperature of the summary tokens, relative to that of the codes. High, so that the candidates
#: differ: on held-out clips R@3 of the best of 8 is 0.98 with it and 0.95 with 0.5; of a single
#: candidate it is 0.92 with both.
SUMMARY_TEMPERATURE: Final = 2.0
#: Columns that are sorted first: mostly they fill the share ``top_p``; to sort all takes longer.
FEW: Final = 256
#: Distance of the seeds of two variations, and of two candidates of one variation.
VARIATION_STRIDE: Final = 7919
CANDIDATE_STRIDE: Final = 104_729


def answer_seeds(sampling: Sampling) -> list[int]:
    """The seed of each answer (variations * candidates,), those of a variation in a row."""
    return [
        sampling.seed + VARIATION_STRIDE * variation + CANDIDATE_STRIDE * candidate
        for variation in range(sampling.variations)
        for candidate in range(sampling.candidates)
    ]


def uniform_numbers(seed: int, count: int) -> Tensor:
    """Random numbers (count,) in 0..1 of a seed."""
    return torch.rand(count, generator=torch.Generator().manual_seed(seed))


class RowSampler:
    """Samples one column of a batch after the other, each row with its own random numbers."""

    def __init__(self, numbers: Sequence[Tensor], sampling: Sampling) -> None:
        """Args: random numbers (N,) of each row; temperature, ``top_p`` and ``top_k``."""
        self.sampling = sampling
        self.numbers = torch.stack(list(numbers))

    def __call__(self, step: int, logits: Tensor, temperature_scale: float = 1.0) -> Tensor:
        """Columns (B,) sampled from logits (B, C) at a step of the answer."""
        if self.sampling.temperature <= 0:
            return logits.argmax(-1)
        temperature = temperature_scale * self.sampling.temperature
        shares, order = self._likeliest((logits.float() / temperature).softmax(-1))
        # A column is kept as long as the likelier ones do not fill the share ``top_p``.
        kept = shares.cumsum(-1) - shares < self.sampling.top_p
        if self.sampling.top_k:
            kept[:, self.sampling.top_k :] = False
        shares = shares * kept
        cumulative = shares.cumsum(-1)
        threshold = self.numbers[:, step, None].to(cumulative.device) * cumulative[:, -1:]
        last = (shares > 0).sum(-1, keepdim=True) - 1
        place = torch.searchsorted(cumulative, threshold, right=True).clamp(max=last)
        return order.gather(-1, place)[:, 0]

    def _likeliest(self, shares: Tensor) -> tuple[Tensor, Tensor]:
        """Shares (B, N), falling, and their columns: as many as can be sampled, or all."""
        if shares.shape[-1] > FEW:
            shares_of_few, order = shares.topk(FEW)
            if bool((shares_of_few.sum(-1) >= self.sampling.top_p).all()):
                return shares_of_few, order
        return shares.sort(-1, descending=True)

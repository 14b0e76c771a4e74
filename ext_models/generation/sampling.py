"""How answers are drawn: every row of a batch with random numbers of its own seed.

So what a request becomes does not hang on what is written beside it, but for rounding:
the same seed gives the same motion in the panel, on the command line and in an evaluation.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

import torch
from torch import Tensor

from motiongpt_blender.wire import Sampling

#: Temperature of the summary tokens over that of the codes. High, so that there is something to
#: choose from among the candidates: on clips held out R@3 of the best of 8 is 0.98 with it and
#: 0.95 with 0.5; of a single candidate it is 0.92 with both.
SUMMARY_TEMPERATURE_SCALE: Final = 2.0
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


def numbers(seed: int, count: int) -> Tensor:
    """Random numbers (count,) in 0..1 of a seed."""
    return torch.rand(count, generator=torch.Generator().manual_seed(seed))


class RowSampler:
    """Draws one column after the other of a batch, each row with its own numbers."""

    def __init__(self, numbers: Sequence[Tensor], sampling: Sampling) -> None:
        """Args: numbers of each row; how they are drawn (its seed is not used)."""
        self.sampling = sampling
        self.numbers = torch.stack(list(numbers))

    def __call__(self, step: int, logits: Tensor, spread: float = 1.0) -> Tensor:
        """Columns (B,) drawn from logits (B, C) at a step of the answer.

        ``spread`` multiplies the temperature.
        """
        if self.sampling.temperature <= 0:
            return logits.argmax(-1)
        heat = spread * self.sampling.temperature
        likeliest, order = (logits.float() / heat).sort(-1, descending=True)
        shares = likeliest.softmax(-1)
        # A column stays as long as those before it do not fill the share that is drawn from.
        kept = shares.cumsum(-1) - shares < self.sampling.top_p
        if self.sampling.top_k:
            kept[:, self.sampling.top_k :] = False
        shares = shares * kept
        upto = shares.cumsum(-1)
        at = self.numbers[:, step, None].to(upto.device) * upto[:, -1:]
        last = (shares > 0).sum(-1, keepdim=True) - 1
        place = torch.searchsorted(upto, at, right=True).clamp(max=last)
        return order.gather(-1, place)[:, 0]

"""The loss of an answer: its tokens only, coarse codes counting more than fine ones.

What a motion is stands in its first level; the finer levels say how exactly, and much of
them is noise that nobody can foresee. Alike in weight they drown what matters.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch
from torch.nn import functional

from .vocabulary import TokenIds

IGNORED = -100


class TokenWeights:
    """What each token of the vocabulary counts, and the loss that follows from it."""

    def __init__(
        self, ids: TokenIds, levels: Sequence[float], device: torch.device, summary: float = 1.0
    ) -> None:
        self.device = device
        self._spans = [
            (first, first + ids.vocabulary.codes, float(weight))
            for first, weight in zip(ids.first_code, levels, strict=False)
        ]
        self._spans += [
            (first, first + ids.vocabulary.summary[1], summary)
            for first in ids.first_summary
            if summary != 1
        ]

    def loss(self, model: Any, batch: dict[str, torch.Tensor]) -> torch.Tensor:
        """Weighted mean of the answers' cross entropies, for a batch as ``batch_of`` makes it."""
        given = {k: v.to(self.device) for k, v in batch.items()}
        if not self._spans:
            return model(**given).loss
        labels = given.pop("labels")[:, 1:]
        asked = labels != IGNORED
        logits = model(**given).logits[:, :-1][asked]
        labels = labels[asked]
        weights = torch.ones(len(labels), device=self.device)
        for first, behind, weight in self._spans:
            weights[(labels >= first) & (labels < behind)] = weight
        losses = functional.cross_entropy(logits.float(), labels, reduction="none")
        return (losses * weights).sum() / weights.sum()

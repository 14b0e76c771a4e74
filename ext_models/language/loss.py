"""The loss of an answer's tokens, and validation by it.

Coarse codes weigh more than fine ones: the first level says what the motion is, and much of the
finer levels is noise that no model can predict.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, cast

import torch
from accelerate import PartialState
from accelerate.utils import reduce
from torch.nn import functional

from ext_models.training.log import TOKEN_ACCURACY, Validation

from .vocabulary import TokenIds

#: Input ids, attention mask and labels, each (B, N), as ``batch_of`` makes them.
Batch = dict[str, torch.Tensor]

IGNORED = -100


class TokenWeights:
    """The weight of each token of the vocabulary, and the loss by these weights."""

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

    def loss(self, model: Any, batch: Batch) -> torch.Tensor:
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


@dataclass(frozen=True)
class HeldOut:
    """Validation by the mean loss of held-out batches; each process computes some of them.

    Attributes:
        batches: the same ones at every validation.
        loss: of a batch, for a model.
    """

    batches: Sequence[Batch]
    loss: Callable[[Any, Batch], torch.Tensor]

    def __call__(self, model: Any) -> Validation:
        """Mean loss of the batches, and the accuracy of their answers' tokens."""
        state = PartialState()
        device = next(model.parameters()).device
        sums = torch.zeros(4, device=device)
        for batch in self.batches[state.process_index :: state.num_processes]:
            loss = self.loss(model, batch).float()
            right, asked = correct_tokens(model, batch, device)
            sums += torch.stack([loss, torch.ones_like(loss), right, asked])
        loss, batches, right, asked = cast("torch.Tensor", reduce(sums, "mean")).tolist()
        return Validation(loss / max(batches, 1e-9), {TOKEN_ACCURACY: right / max(asked, 1e-9)})


def correct_tokens(
    model: Any, batch: Batch, device: torch.device
) -> tuple[torch.Tensor, torch.Tensor]:
    """How many of the answers' tokens are the likeliest ones, and how many there are."""
    given = {k: v.to(device) for k, v in batch.items() if k != "labels"}
    labels = batch["labels"].to(device)[:, 1:]
    asked = labels != IGNORED
    likeliest = model(**given).logits[:, :-1].argmax(-1)
    return ((likeliest == labels) & asked).sum().float(), asked.sum().float()

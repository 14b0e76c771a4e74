"""The loss of an answer's tokens, and validation by it.

Coarse codes weigh more than fine ones: the first level says what the motion is, and much of the
finer levels is noise that no model can predict. A code competes with the codes of its own level
only, as in generation: the grammar leaves no other token.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple, cast

import torch
from accelerate import PartialState
from accelerate.utils import reduce
from torch import Tensor
from torch.nn import functional
from transformers import LlamaForCausalLM

from ext_models.training.log import TOKEN_ACCURACY, Validation

from .vocabulary import TokenIds

#: Input ids, attention mask and labels, each (B, N), as ``batch_of`` makes them.
Batch = dict[str, Tensor]
#: Logits (R, behind - first) of some answers' tokens (a mask), for a range of ids.
Logits = Callable[[Tensor, int, int], Tensor]

IGNORED = -100
#: Behind all ids.
EVERY_ID = 2**31


class Measured(NamedTuple):
    """The loss of a batch, how many of its answers' tokens are the likeliest, and their number."""

    loss: Tensor
    right: Tensor
    asked: Tensor


class TokenWeights:
    """The weight of each token of the vocabulary, and the loss by these weights."""

    def __init__(
        self, ids: TokenIds, levels: Sequence[float], device: torch.device, summary: float = 1.0
    ) -> None:
        """Args: ids; weight of a code by its level, 1 if empty; device; of a summary token."""
        self.device = device
        codes, kinds = ids.vocabulary.codes, ids.vocabulary.summary[1]
        weights = levels or [1.0] * len(ids.first_code)
        self._kinds = [
            *((f, f + codes, float(w)) for f, w in zip(ids.first_code, weights, strict=False)),
            *((first, first + kinds, summary) for first in ids.first_summary),
        ]

    def loss(self, model: Any, batch: Batch) -> Tensor:
        """Weighted mean of the answers' cross entropies, for a batch as ``batch_of`` makes it."""
        return self.measure(model, batch).loss

    def measure(self, model: Any, batch: Batch) -> Measured:
        """The loss of a batch, and how many of its tokens are the likeliest of their kind."""
        labels = batch["labels"].to(self.device)[:, 1:]
        asked = labels != IGNORED
        logits, labels = _answer_logits(model, batch, asked, self.device), labels[asked]
        total, weights, right = (torch.zeros((), device=self.device) for _ in range(3))
        other = torch.ones_like(labels, dtype=torch.bool)
        for first, behind, weight in (*self._kinds, (0, EVERY_ID, 1.0)):
            rows = other & (labels >= first) & (labels < behind)
            other &= ~rows
            if not rows.any():
                continue
            scores, wanted = logits(rows, first, behind).float(), labels[rows] - first
            total = total + weight * functional.cross_entropy(scores, wanted, reduction="sum")
            weights += weight * len(wanted)
            right += (scores.argmax(-1) == wanted).sum()
        return Measured(total / weights, right, asked.sum().float())


def _answer_logits(model: Any, batch: Batch, asked: Tensor, device: torch.device) -> Logits:
    """The logits of the answers' tokens ``asked`` (B, N - 1), for the ids that are wanted.

    A plain Llama computes no others, which saves a third of a small model's step.
    """
    given = {k: v.to(device) for k, v in batch.items() if k != "labels"}
    if isinstance(model, LlamaForCausalLM):
        hidden = model.model(**given).last_hidden_state[:, :-1][asked]
        head = model.lm_head.weight
        return lambda rows, first, behind: functional.linear(hidden[rows], head[first:behind])
    logits = model(**given).logits[:, :-1][asked]
    return lambda rows, first, behind: logits[rows, first:behind]


def with_accuracy(loss: Callable[[Any, Batch], Tensor]) -> Callable[[Any, Batch], Measured]:
    """A measure of a loss that knows no kinds of tokens: the likeliest is so of all."""

    def measure(model: Any, batch: Batch) -> Measured:
        device = next(model.parameters()).device
        given = {k: v.to(device) for k, v in batch.items() if k != "labels"}
        labels = batch["labels"].to(device)[:, 1:]
        asked = labels != IGNORED
        likeliest = model(**given).logits[:, :-1].argmax(-1)
        right = ((likeliest == labels) & asked).sum().float()
        return Measured(loss(model, batch).float(), right, asked.sum().float())

    return measure


@dataclass(frozen=True)
class HeldOut:
    """Validation by the mean loss of held-out batches; each process computes some of them.

    Attributes:
        batches: the same ones at every validation.
        measure: of a batch, for a model.
    """

    batches: Sequence[Batch]
    measure: Callable[[Any, Batch], Measured]

    def __call__(self, model: Any) -> Validation:
        """Mean loss of the batches, and the accuracy of their answers' tokens."""
        state = PartialState()
        sums = torch.zeros(4, device=next(model.parameters()).device)
        for batch in self.batches[state.process_index :: state.num_processes]:
            loss, right, asked = self.measure(model, batch)
            sums += torch.stack([loss.float(), torch.ones_like(right), right, asked])
        loss, batches, right, asked = cast("Tensor", reduce(sums, "mean")).tolist()
        return Validation(loss / max(batches, 1e-9), {TOKEN_ACCURACY: right / max(asked, 1e-9)})

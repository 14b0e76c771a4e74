"""The loss of an answer's tokens, and validation by it.

Coarse codes weigh more than fine ones: the first level says what the motion is, and much of the
finer levels is noise that no model can predict. A code competes with the codes of its own level
only, as in generation: the grammar leaves no other token. The token that closes a motion competes
with the other added tokens, a word with all.
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

from ext_models.training.log import TOKEN_ACCURACY, Validation

from .narrow_head import Wanted, wanted_logits
from .vocabulary import TokenIds

#: Input ids, attention mask and labels, each (B, N), as ``batch_of`` makes them.
Batch = dict[str, Tensor]

IGNORED = -100


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
        self._kinds: list[tuple[slice, float]] = [
            *((slice(f, f + codes), w) for f, w in zip(ids.first_code, weights, strict=False)),
            *((slice(first, first + kinds), summary) for first in ids.first_summary),
            (ids.added, 1.0),
        ]

    def loss(self, model: Any, batch: Batch) -> Tensor:
        """Weighted mean of the answers' cross entropies, for a batch as ``batch_of`` makes it."""
        return self.measure(model, batch).loss

    def measure(self, model: Any, batch: Batch) -> Measured:
        """The loss of a batch, and how many of its tokens are the likeliest of their kind."""
        return _measure(model, batch, self._kinds, self.device)


def measure_text(model: Any, batch: Batch) -> Measured:
    """The mean cross entropy of an answer in text, in which any token may stand anywhere."""
    return _measure(model, batch, [], next(model.parameters()).device)


def _measure(
    model: Any, batch: Batch, kinds: Sequence[tuple[slice, float]], device: torch.device
) -> Measured:
    """The loss of the answers' tokens, each among the ids of its kind, others among all ids.

    Args: model; batch; ids and weight of each kind; device.
    """
    inputs = {k: v.to(device) for k, v in batch.items() if k != "labels"}
    labels = following(batch["labels"])
    wanted, weights = _by_kind(labels, kinds)
    total, right = (torch.zeros((), device=device) for _ in range(2))
    found = wanted_logits(model, inputs, wanted)
    for one, weight, logits in zip(wanted, weights, found, strict=True):
        columns = (labels[one.tokens] - one.ids.start).to(device)
        total = total + weight * functional.cross_entropy(logits.float(), columns, reduction="sum")
        right += (logits.argmax(-1) == columns).sum()
    counts = torch.stack([one.tokens.sum() for one in wanted]).float()
    whole = (counts * torch.tensor(weights)).sum()
    return Measured(total / whole.to(device), right, counts.sum().to(device))


def _by_kind(
    labels: Tensor, kinds: Sequence[tuple[slice, float]]
) -> tuple[list[Wanted], list[float]]:
    """The logits that each kind of label wants, and its weight, of the kinds that are there."""
    found: list[tuple[Wanted, float]] = []
    other = labels != IGNORED
    for ids, weight in kinds:
        tokens = other & (labels >= ids.start) & (labels < ids.stop)
        other = other & ~tokens
        found.append((Wanted(tokens, ids), weight))
    found.append((Wanted(other, slice(0, None)), 1.0))
    there = [(one, weight) for one, weight in found if one.tokens.any()]
    return [one for one, _ in there], [weight for _, weight in there]


def following(labels: Tensor) -> Tensor:
    """The label (B, N) of each token's successor; the last has none."""
    return functional.pad(labels[:, 1:], (0, 1), value=IGNORED)


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

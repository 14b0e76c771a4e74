"""The output head of a language model, narrowed to the logits that are wanted.

A pretrained base has tens of thousands of rows in its output matrix. Of an answer's tokens some
hundred can stand at a place, and a training asks for none elsewhere. Only these logits are
computed here; the model around the head runs as ever, with whatever it does to its logits.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import torch
from peft.utils.other import TrainableTokensWrapper
from torch import Tensor, nn
from torch.nn import functional
from torch.nn.parallel import DistributedDataParallel


@dataclass(frozen=True)
class Wanted:
    """Logits that a training wants.

    Attributes:
        tokens: (B, N) mask of the tokens whose successors are predicted.
        ids: of the logits.
    """

    tokens: Tensor
    ids: slice


@contextmanager
def only_ids(model: Any, ids: slice) -> Iterator[None]:
    """Within it, a model computes the logits of these ids; all others are minus infinity."""
    head = model.get_output_embeddings()

    def narrow(hidden: Tensor) -> Tensor:
        logits = hidden.new_full((*hidden.shape[:-1], len(head.weight)), -torch.inf)
        logits[..., ids] = logits_of(head, hidden, ids)
        return logits

    with _replaced_head(model, narrow):
        yield


def wanted_logits(
    model: Any, inputs: Mapping[str, Tensor], wanted: Sequence[Wanted]
) -> list[Tensor]:
    """Logits (T, I) of each of ``wanted``: T tokens in the order of the mask, I ids.

    Args:
        model: a causal language model; with an adapter or among several processes, too.
        inputs: arguments of its forward pass, (B, N) each.
        wanted: on any device.
    """
    plain = model.module if isinstance(model, DistributedDataParallel) else model
    head = plain.get_output_embeddings()
    shapes: list[torch.Size] = []

    def narrow(hidden: Tensor) -> Tensor:
        parts = [logits_of(head, hidden[w.tokens.to(hidden.device)], w.ids) for w in wanted]
        shapes.extend(part.shape for part in parts)
        return torch.cat([part.flatten() for part in parts])

    with _replaced_head(plain, narrow):
        flat = model(**inputs, use_cache=False).logits
    parts = flat.split([shape.numel() for shape in shapes])
    return [part.view(shape) for part, shape in zip(parts, shapes, strict=True)]


def logits_of(head: Any, hidden: Tensor, ids: slice) -> Tensor:
    """Logits (..., I) of hidden states (..., H) for a slice of ids."""
    if isinstance(head, TrainableTokensWrapper):
        return functional.linear(hidden, _trained_rows(head.token_adapter, ids))
    if isinstance(head, nn.Linear) and type(head).forward is nn.Linear.forward:
        bias = None if head.bias is None else head.bias[ids]
        return functional.linear(hidden, head.weight[ids], bias)
    return head(hidden)[..., ids]


def _trained_rows(tokens: Any, ids: slice) -> Tensor:
    """Rows of a head whose added rows are trained; peft itself would copy the whole matrix."""
    rows = tokens.base_layer.weight[ids]
    first, behind, _ = ids.indices(len(tokens.base_layer.weight))
    for name in tokens.active_adapters:
        trained = torch.tensor(tokens.token_indices[name], device=rows.device)
        inside = (trained >= first) & (trained < behind)
        source = tokens.trainable_tokens_delta[name][inside].to(rows)
        rows = rows.index_copy(0, trained[inside] - first, source)
    return rows


class _NarrowHead(nn.Module):
    """Stands in the place of a head and computes what a function says."""

    def __init__(self, head: Any, logits: Callable[[Tensor], Tensor]) -> None:
        super().__init__()
        self._head, self._logits = [head], logits  # in a list, its weights keep their names

    @property
    def weight(self) -> Tensor:
        """The whole matrix, whose type some models look at."""
        return self._head[0].weight

    def forward(self, hidden: Tensor) -> Tensor:
        """The wanted logits of hidden states (B, N, H)."""
        return self._logits(hidden)


@contextmanager
def _replaced_head(model: Any, logits: Callable[[Tensor], Tensor]) -> Iterator[None]:
    head = model.get_output_embeddings()
    model.set_output_embeddings(_NarrowHead(head, logits))
    try:
        yield
    finally:
        model.set_output_embeddings(head)

"""A small Llama, one token of many rows at a time, with as few operations as can be.

In a model of a few million parameters the operations of a step take longer to call than to compute.
So what a layer multiplies with one input is one matrix here, keys and values have their places from
the beginning, and a prompt that rows share is read once. transformers reads the prompts; its steps
are what ``LlamaDecoder`` is tested against.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

import torch
from torch import Tensor, nn
from torch.nn import functional
from transformers import LlamaForCausalLM

from .narrow_head import logits_of

#: Most parameters of a model that is decoded here: a larger one computes for most of its time, and
#: its matrices are not worth a second copy.
SMALL: Final = 20_000_000


@dataclass(frozen=True)
class _Layer:
    """Weights of a layer: of what has one input in one matrix."""

    before: Tensor
    query_key_value: Tensor
    output: Tensor
    between: Tensor
    gate_up: Tensor
    down: Tensor

    @classmethod
    def of(cls, layer: Any) -> _Layer:
        own, mlp = layer.self_attn, layer.mlp
        return cls(
            layer.input_layernorm.weight,
            torch.cat([own.q_proj.weight, own.k_proj.weight, own.v_proj.weight]),
            own.o_proj.weight,
            layer.post_attention_layernorm.weight,
            torch.cat([mlp.gate_proj.weight, mlp.up_proj.weight]),
            mlp.down_proj.weight,
        )


class LlamaDecoder:
    """A model with the keys and values of a batch of rows.

    ``begin`` reads the prompts; each ``step`` adds a token to every row. Both give the hidden
    states of the rows' last tokens, which ``logits`` turns into logits.
    """

    def __init__(self, model: Any) -> None:
        """Args: a model that ``can_decode``."""
        config = model.config
        self._model, self._eps, self._width = model, config.rms_norm_eps, config.hidden_size
        self._heads, self._groups = config.num_attention_heads, config.num_key_value_heads
        self._layers = [_Layer.of(layer) for layer in model.model.layers]
        self._keys: list[Tensor] = []
        self._values: list[Tensor] = []
        self._seen: Tensor | None = None  # (B, 1, 1, N) where a row has no padding
        self._cos = self._sin = torch.empty(0)
        self._first = self._at = 0

    @staticmethod
    def can_decode(model: Any) -> bool:
        """Whether a model is a small Llama in single precision on a processor, as it is plainly."""
        if type(model) is not LlamaForCausalLM or model.device.type != "cpu":
            return False
        config: Any = model.config
        parts = list(model.modules())
        return bool(
            model.dtype == torch.float32
            and sum(weights.numel() for weights in model.parameters()) <= SMALL
            and config.hidden_act == "silu"
            and config.rope_parameters["rope_type"] == "default"
            and all(type(part) is nn.Linear for part in parts if isinstance(part, nn.Linear))
            and not any(type(part).__module__.startswith("peft.") for part in parts)
            and not (config.attention_bias or config.mlp_bias)
        )

    def begin(self, prompts: Sequence[Sequence[int]], longest: int, pad: int) -> Tensor:
        """Read the prompts; returns hidden states (B, W).

        Args:
            prompts: token ids of each row.
            longest: most tokens that follow.
            pad: id before the shorter prompts.
        """
        place = {prompt: k for k, prompt in enumerate(dict.fromkeys(map(tuple, prompts)))}
        width = max(map(len, place))
        ids = torch.tensor([[pad] * (width - len(p)) + list(p) for p in place])
        seen = torch.tensor([[0] * (width - len(p)) + [1] * len(p) for p in place])
        positions = (seen.cumsum(-1) - 1).clamp(min=0)
        read = self._model.model(ids, attention_mask=seen, position_ids=positions, use_cache=True)
        rows = torch.tensor([place[tuple(prompt)] for prompt in prompts])
        room = (0, 0, 0, longest)
        layers = read.past_key_values.layers
        self._keys = [functional.pad(layer.keys[rows], room) for layer in layers]
        self._values = [functional.pad(layer.values[rows], room) for layer in layers]
        self._seen = None
        if not seen.all():
            self._seen = functional.pad(seen[rows].bool(), (0, longest), value=True)[:, None, None]
        following = positions[rows, -1:] + 1 + torch.arange(longest)
        cos, sin = self._model.model.rotary_emb(read.last_hidden_state, following)
        self._cos, self._sin = cos[:, :, None], sin[:, :, None]
        self._first = self._at = width
        return read.last_hidden_state[rows, -1]

    def keep(self, rows: int) -> None:
        """Go on with the first rows alone."""
        self._keys = [keys[:rows].contiguous() for keys in self._keys]
        self._values = [values[:rows].contiguous() for values in self._values]
        self._seen = None if self._seen is None else self._seen[:rows]
        self._cos, self._sin = self._cos[:rows], self._sin[:rows]

    def step(self, tokens: Tensor) -> Tensor:
        """Hidden states (B, W) after one more token (B,) of each row."""
        x = functional.embedding(tokens, self._model.get_input_embeddings().weight)
        turned = self._at - self._first
        cos, sin = self._cos[:, turned], self._sin[:, turned]
        self._at += 1
        seen = None if self._seen is None else self._seen[..., : self._at]
        for layer, keys, values in zip(self._layers, self._keys, self._values, strict=True):
            x = x + self._attention(
                layer, self._norm(x, layer.before), keys, values, cos, sin, seen
            )
            gate, up = functional.linear(self._norm(x, layer.between), layer.gate_up).chunk(2, -1)
            x = x + functional.linear(functional.silu(gate) * up, layer.down)
        return self._norm(x, self._model.model.norm.weight)

    def logits(self, hidden: Tensor, ids: slice) -> Tensor:
        """Logits (B, I) of hidden states (B, W) for a slice of ids."""
        return logits_of(self._model.get_output_embeddings(), hidden, ids)

    def _attention(
        self,
        layer: _Layer,
        x: Tensor,
        keys: Tensor,
        values: Tensor,
        cos: Tensor,
        sin: Tensor,
        seen: Tensor | None,
    ) -> Tensor:
        """What the new tokens (B, W) read of the rows; their keys and values are added."""
        heads = self._heads + 2 * self._groups
        made = functional.linear(x, layer.query_key_value).view(len(x), heads, -1)
        turned, value = made[:, : -self._groups], made[:, -self._groups :]
        first, second = turned.chunk(2, -1)
        turned = turned * cos + torch.cat((-second, first), -1) * sin
        keys[:, :, self._at - 1] = turned[:, self._heads :]
        values[:, :, self._at - 1] = value
        out = functional.scaled_dot_product_attention(
            turned[:, : self._heads, None],
            keys[:, :, : self._at],
            values[:, :, : self._at],
            attn_mask=seen,
            enable_gqa=self._heads != self._groups,
        )
        return functional.linear(out.reshape(len(x), -1), layer.output)

    def _norm(self, x: Tensor, weight: Tensor) -> Tensor:
        return functional.rms_norm(x, (self._width,), weight, self._eps)

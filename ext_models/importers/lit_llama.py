"""Language models in lit-llama's format: a base and a LoRA on its queries and values.

They become a Llama of transformers with an adapter of peft. Three things differ:

- names: ``transformer.h.0.mlp.c_fc1`` is ``model.layers.0.mlp.gate_proj``;
- lit-llama keeps queries, keys and values in one matrix, ``attn.c_attn``;
- its rotary embedding rotates the channel pairs (0, 1), (2, 3) ... of a head;
  transformers rotates channel i with channel i + half. The rows of queries and keys
  are reordered here, also those of the LoRA's output.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import torch
from torch import Tensor

from .reading import CheckpointError, Tensors, read_checkpoint, tensors_in

#: Channels of an attention head in every LLaMA that was published.
HEAD_WIDTH: Final = 128
#: Heads of models narrower than one head, which tests use.
SMALL_HEADS: Final = 4
#: Of lit-llama; the published checkpoints of transformers have 1e-6.
NORM_EPSILON: Final = 1e-5
CONTEXT: Final = 2048
#: The reference's LoRA: the file holds its rank, but neither of these.
ALPHA: Final = 16
DROPOUT: Final = 0.05
#: Keys in the reference's files that it never uses.
UNUSED: Final = ("llama_proj.", "motion_proj.")
#: lit-llama's names of the other matrices of a layer, and those of transformers.
_PLAIN: Final = {
    "rms_1.scale": "input_layernorm",
    "attn.c_proj.weight": "self_attn.o_proj",
    "rms_2.scale": "post_attention_layernorm",
    "mlp.c_fc1.weight": "mlp.gate_proj",
    "mlp.c_fc2.weight": "mlp.up_proj",
    "mlp.c_proj.weight": "mlp.down_proj",
}


@dataclass(frozen=True)
class Sizes:
    """Sizes of a base model: vocabulary, width, layers, width of the MLP, heads."""

    vocabulary: int
    width: int
    layers: int
    mlp: int
    heads: int


def load_base(path: Path | str, heads: int | None = None) -> Any:
    """A lit-llama base as ``LlamaForCausalLM``, in the precision of the file.

    Args:
        path: ``lit-llama.pth``, or a folder with a Llama as transformers saves it.
        heads: attention heads, which the file does not hold. By default heads of 128
            channels, as every published LLaMA has them, or 4 heads in a narrower model.

    Raises:
        CheckpointError: with one sentence.
    """
    from transformers import LlamaConfig, LlamaForCausalLM
    from transformers.models.llama.modeling_llama import LlamaRotaryEmbedding

    if Path(path).is_dir():
        return _from_folder(Path(path))
    tensors = tensors_in(path, read_checkpoint(path))
    sizes = _sizes(tensors, heads)
    state = dict(_base_state(tensors, sizes))
    config = LlamaConfig(
        vocab_size=sizes.vocabulary,
        hidden_size=sizes.width,
        intermediate_size=sizes.mlp,
        num_hidden_layers=sizes.layers,
        num_attention_heads=sizes.heads,
        max_position_embeddings=CONTEXT,
        rms_norm_eps=NORM_EPSILON,
        tie_word_embeddings=False,
        dtype=state["lm_head.weight"].dtype,
    )
    # Created on the meta device and given the file's tensors: 13 billion fit into memory once.
    with torch.device("meta"):
        model = LlamaForCausalLM(config)
    model.load_state_dict(state, assign=True)
    model.model.rotary_emb = LlamaRotaryEmbedding(config)
    return model.eval()


def _from_folder(path: Path) -> Any:
    from transformers import LlamaForCausalLM

    try:
        model = LlamaForCausalLM.from_pretrained(
            str(path), local_files_only=True, use_safetensors=True
        )
    except Exception as error:
        reason = (str(error).splitlines() or [type(error).__name__])[0][:160]
        raise CheckpointError(
            f"{path} holds no Llama that transformers can read from safetensors ({reason})."
        ) from None
    return model.eval()


@dataclass(frozen=True)
class Lora:
    """A LoRA for peft: its rank, and its tensors by peft's names."""

    rank: int
    state: dict[str, Tensor]


def read_lora(path: Path | str, config: Any) -> Lora:
    """A lit-llama LoRA for a base with that LlamaConfig; raises CheckpointError."""
    tensors = tensors_in(path, read_checkpoint(path))
    width, layers = config.hidden_size, config.num_hidden_layers
    stacked, _ = tensors.take(_lora_key(0, "A"), (None, width)).shape
    found = tensors.count("transformer.h.{}.")
    if found != layers:
        raise CheckpointError(
            f"{path} adapts {found} layers and the base model has {layers}: it belongs to a base "
            "of another size."
        )
    rank = stacked // 2
    return Lora(rank, dict(_lora_state(tensors, layers, rank, width, config.num_attention_heads)))


def add_lora(base: Any, lora: Lora, alpha: float = ALPHA) -> Any:
    """The base with the LoRA as an adapter of peft, at the scale alpha / rank."""
    from peft import LoraConfig, get_peft_model, set_peft_model_state_dict

    model = get_peft_model(
        base,
        LoraConfig(
            r=lora.rank,
            lora_alpha=alpha,  # type: ignore[arg-type]
            lora_dropout=DROPOUT,
            target_modules=["q_proj", "v_proj"],
            task_type="CAUSAL_LM",
        ),
    )
    set_peft_model_state_dict(model, lora.state)
    return model.eval()


def half_split(rows: Tensor, heads: int) -> Tensor:
    """Rows (heads * H, ...) in transformers' order: of each head first the even channels."""
    pairs = rows.reshape(heads, -1, 2, *rows.shape[1:])
    return pairs.transpose(1, 2).reshape(rows.shape)


def _sizes(tensors: Tensors, heads: int | None) -> Sizes:
    vocabulary, width = tensors.take("lm_head.weight", (None, None)).shape
    mlp = tensors.take("transformer.h.0.mlp.c_fc1.weight", (None, width)).shape[0]
    if heads is None:
        heads = width // HEAD_WIDTH if width % HEAD_WIDTH == 0 else SMALL_HEADS
    if heads < 1 or width % (2 * heads):
        raise CheckpointError(
            f"{tensors.path}: a width of {width} cannot be divided into {heads} attention heads: "
            "pass the number of heads of the model."
        )
    return Sizes(vocabulary, width, tensors.count("transformer.h.{}."), mlp, heads)


def _base_state(tensors: Tensors, s: Sizes) -> Iterator[tuple[str, Tensor]]:
    """Names and tensors for transformers."""
    shapes = {
        "transformer.wte.weight": ("model.embed_tokens.weight", (s.vocabulary, s.width)),
        "lm_head.weight": ("lm_head.weight", (s.vocabulary, s.width)),
        "transformer.ln_f.scale": ("model.norm.weight", (s.width,)),
    }
    of_layer = {
        "rms_1.scale": (s.width,),
        "attn.c_proj.weight": (s.width, s.width),
        "rms_2.scale": (s.width,),
        "mlp.c_fc1.weight": (s.mlp, s.width),
        "mlp.c_fc2.weight": (s.mlp, s.width),
        "mlp.c_proj.weight": (s.width, s.mlp),
    }
    known = set(shapes)
    for key, (name, shape) in shapes.items():
        yield name, tensors.take(key, shape)
    for i in range(s.layers):
        source, target = f"transformer.h.{i}", f"model.layers.{i}"
        for key, shape in of_layer.items():
            known.add(f"{source}.{key}")
            yield f"{target}.{_PLAIN[key]}.weight", tensors.take(f"{source}.{key}", shape)
        fused = f"{source}.attn.c_attn.weight"
        known.add(fused)
        q, k, v = tensors.take(fused, (3 * s.width, s.width)).chunk(3)
        yield f"{target}.self_attn.q_proj.weight", half_split(q, s.heads)
        yield f"{target}.self_attn.k_proj.weight", half_split(k, s.heads)
        yield f"{target}.self_attn.v_proj.weight", v.clone()
    tensors.refuse_others(known, UNUSED)


def _lora_key(layer: int, matrix: str) -> str:
    return f"transformer.h.{layer}.attn.c_attn.lora_{matrix}"


def _lora_state(
    tensors: Tensors, layers: int, rank: int, width: int, heads: int
) -> Iterator[tuple[str, Tensor]]:
    """Names and tensors for peft."""
    known = {_lora_key(i, m) for i in range(layers) for m in "AB"}
    for i in range(layers):
        into = tensors.take(_lora_key(i, "A"), (2 * rank, width)).chunk(2)
        out = tensors.take(_lora_key(i, "B"), (2 * width, rank)).chunk(2)
        target = f"base_model.model.model.layers.{i}.self_attn"
        yield f"{target}.q_proj.lora_A.weight", into[0]
        yield f"{target}.q_proj.lora_B.weight", half_split(out[0], heads)
        yield f"{target}.v_proj.lora_A.weight", into[1]
        yield f"{target}.v_proj.lora_B.weight", out[1]
    tensors.refuse_others(known, UNUSED)

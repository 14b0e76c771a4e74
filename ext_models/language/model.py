"""The base language model and its LoRA adapter.

Any causal model of transformers can be the base: a Hugging Face id, a local folder, or
``./base`` inside a pack. Only the adapter and the rows of the added tokens are trained.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from peft import LoraConfig, PeftModel, get_peft_model
from transformers import AutoModelForCausalLM, AutoTokenizer, LlamaConfig, LlamaForCausalLM

from ext_models.packs import PackError, PackManifest, require

from .vocabulary import MotionVocabulary, add_tokens

BASE = "base"
ADAPTER = "adapter"


@dataclass(frozen=True)
class BaseConfig:
    """Sizes of a base model made from scratch (a Llama with tied embeddings)."""

    hidden: int = 192
    layers: int = 4
    heads: int = 4
    mlp: int = 512
    text_tokens: int = 768
    context: int = 512


@dataclass(frozen=True)
class AdapterConfig:
    """LoRA settings: rank, scale and dropout; ``targets`` as peft names them."""

    rank: int = 64
    alpha: int = 128
    dropout: float = 0.05
    targets: str = "all-linear"


def new_base(config: BaseConfig, tokenizer: Any) -> Any:
    """A Llama with random weights for the tokenizer's whole vocabulary."""
    return LlamaForCausalLM(
        LlamaConfig(
            vocab_size=len(tokenizer),
            hidden_size=config.hidden,
            intermediate_size=config.mlp,
            num_hidden_layers=config.layers,
            num_attention_heads=config.heads,
            max_position_embeddings=config.context,
            tie_word_embeddings=True,
            pad_token_id=tokenizer.pad_token_id,
            bos_token_id=tokenizer.bos_token_id,
            eos_token_id=tokenizer.eos_token_id,
        )
    )


def load_base(base: str, folder: Path | None, vocabulary: MotionVocabulary) -> tuple[Any, Any]:
    """Model and text tokenizer, with the motion tokens added where they are missing.

    Args:
        base: Hugging Face id, local folder, or a path inside ``folder`` that starts with ``./``.
        folder: the pack's folder.
        vocabulary: the tokens to add.

    Raises:
        PackError: naming the base and what is wrong with it.
    """
    model, tokenizer = load_plain_base(base, folder)
    if add_tokens(tokenizer, vocabulary):
        model.resize_token_embeddings(len(tokenizer), mean_resizing=False)
    return model, tokenizer


def load_plain_base(base: str, folder: Path | None) -> tuple[Any, Any]:
    """Model and text tokenizer as they are; see ``load_base``."""
    place = str(require(folder / base)) if folder and base.startswith("./") else base
    try:
        tokenizer = AutoTokenizer.from_pretrained(place)
        model = AutoModelForCausalLM.from_pretrained(place, dtype=torch.float32)
    except Exception as error:
        raise PackError(
            f"the base model {place} cannot be loaded ({str(error).splitlines()[0][:160]}): "
            "give a Hugging Face id that this machine can reach, or a complete local folder."
        ) from None
    return model, tokenizer


def add_adapter(model: Any, config: AdapterConfig, added_ids: list[int]) -> PeftModel:
    """LoRA on the base; of the embeddings only the rows of the added tokens are trained."""
    rows = {_name_of(model, model.get_input_embeddings()): added_ids}
    if not model.config.tie_word_embeddings:
        # An untied output head has rows of its own, which would stay as they were made.
        rows[_name_of(model, model.get_output_embeddings())] = added_ids
    return get_peft_model(
        model,
        LoraConfig(
            r=config.rank,
            lora_alpha=config.alpha,
            lora_dropout=config.dropout,
            target_modules=config.targets,
            trainable_token_indices=rows,
            task_type="CAUSAL_LM",
        ),
    )


def _name_of(model: Any, module: Any) -> str:
    return next(name for name, m in model.named_modules() if m is module).rpartition(".")[2]


def trainable_share(model: Any) -> float:
    """Trained parameters over all parameters."""
    trained, every = model.get_nb_trainable_parameters()
    return trained / every


def save_base(model: Any, tokenizer: Any, folder: Path) -> None:
    """Write a base model, in half precision, and its text tokenizer."""
    folder.mkdir(parents=True, exist_ok=True)
    model.half().save_pretrained(str(folder))
    model.float()
    tokenizer.save_pretrained(folder)


def save_adapter(model: PeftModel, folder: Path) -> None:
    """Write the adapter; it names its base relative to the pack, never a path of this machine."""
    # The base's own embeddings stay in the base; the trained rows are the adapter's.
    model.save_pretrained(str(folder), save_embedding_layers=False)
    path = folder / "adapter_config.json"
    body = json.loads(path.read_text(encoding="utf-8"))
    body["base_model_name_or_path"] = f"../{BASE}"
    path.write_text(json.dumps(body, indent=1, sort_keys=True) + "\n", encoding="utf-8")
    (folder / "README.md").unlink(missing_ok=True)


def load_model(
    folder: Path, manifest: PackManifest, vocabulary: MotionVocabulary, device: str
) -> tuple[Any, Any]:
    """Base, adapter merged, and text tokenizer of a pack in the style ``tokens``."""
    model, tokenizer = load_base(manifest.base_model, folder, vocabulary)
    return _merged(model, folder / manifest.adapter).to(device).eval(), tokenizer


def load_text_model(folder: Path, manifest: PackManifest, device: str) -> tuple[Any, Any]:
    """Base, adapter merged, and text tokenizer of a pack that adds no tokens."""
    model, tokenizer = load_plain_base(manifest.base_model, folder)
    return _merged(model, folder / manifest.adapter).to(device).eval(), tokenizer


def _merged(model: Any, adapter: Path) -> Any:
    require(adapter / "adapter_config.json")
    weights = require(adapter / "adapter_model.safetensors")
    try:
        return PeftModel.from_pretrained(model, str(adapter)).merge_and_unload()
    except Exception as error:
        raise PackError(
            f"{weights} does not fit its base model ({str(error).splitlines()[0][:160]}): "
            "install the pack again."
        ) from None

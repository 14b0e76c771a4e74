"""Base models: any causal language model of transformers, or a small one made from scratch.

A base is a Hugging Face id, a local folder, or ``./base`` inside a pack. Its vocabulary
gets rows for the motion tokens; nothing else of it changes. A base that cannot be used raises a
``PackError`` with one sentence.
"""

from __future__ import annotations

import importlib.util
import os
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, Literal

import torch
from transformers import (
    AutoConfig,
    AutoModelForCausalLM,
    AutoTokenizer,
    LlamaConfig,
    LlamaForCausalLM,
)

from ext_models.language.vocabulary import MotionVocabulary, add_tokens
from ext_models.packs import MANIFEST, PackError, require

from . import memory

BASE: Final = "base"
#: Any of these holds a text tokenizer.
TOKENIZERS: Final = ("tokenizer.json", "tokenizer.model", "vocab.json", "vocab.txt", "spiece.model")
#: Parts of the errors of transformers when the hub cannot be reached, in lower case.
_HUB_ERRORS: Final = ("connect", "offline", "cached", "resolve", "timed out", "network", "proxy")


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
class Loading:
    """How a base is loaded.

    Attributes:
        dtype: ``float32``, ``bfloat16``, or ``auto``: float32 where it fits.
        bits: 4 or 8 to load the layers quantised (needs bitsandbytes); 0: not quantised.
        device: where it will run.
        learning: whether it will be trained, which needs more memory.
        whole: whether all weights will be trained, which needs the most memory.
    """

    dtype: Literal["auto", "float32", "bfloat16"] = "auto"
    bits: int = 0
    device: str = "cpu"
    learning: bool = False
    whole: bool = False

    def __post_init__(self) -> None:
        if self.bits not in (0, 4, 8):
            raise PackError(f"a base is loaded in 4 or 8 bits, not in {self.bits}: bits = 4.")
        if self.bits and self.whole:
            raise PackError(
                f"a base in {self.bits} bits cannot learn with every weight: write "
                'method = "lora", or bits = 0.'
            )
        if self.dtype not in ("auto", "float32", "bfloat16"):
            raise PackError(
                f"a base is loaded as auto, float32 or bfloat16, not as '{self.dtype}'."
            )


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


def load_base(
    base: str, folder: Path | None, vocabulary: MotionVocabulary, loading: Loading | None = None
) -> tuple[Any, Any]:
    """Model and text tokenizer, with the motion tokens added where they are missing.

    Args:
        base: Hugging Face id, local folder, or a path inside ``folder`` that starts with ``./``.
        folder: the pack's folder.
        vocabulary: the tokens to add.
        loading: how; by default on the CPU, not quantised.

    Raises:
        PackError: naming the base and what is wrong with it.
    """
    model, tokenizer = load_plain_base(base, folder, loading)
    add_tokens(tokenizer, vocabulary)
    add_rows(model, len(tokenizer))
    return model, tokenizer


def load_plain_base(
    base: str, folder: Path | None, loading: Loading | None = None
) -> tuple[Any, Any]:
    """Model and text tokenizer without motion tokens; see ``load_base``."""
    how = loading or Loading()
    place = str(require(folder / base)) if folder and base.startswith("./") else base
    place = os.path.expanduser(place)  # noqa: PTH111 - an id is no path
    _check_folder(place, folder)
    try:
        tokenizer = AutoTokenizer.from_pretrained(place)
        config = AutoConfig.from_pretrained(place)
    except Exception as error:
        raise PackError(_load_error(place, folder, error)) from None
    if not len(tokenizer):
        raise PackError(_no_tokenizer(place))
    options = _options(place, config, how)
    try:
        model = AutoModelForCausalLM.from_pretrained(place, **options)
    except Exception as error:
        raise PackError(_load_error(place, folder, error)) from None
    return model, tokenizer


def _options(place: str, config: Any, how: Loading) -> dict[str, Any]:
    """Arguments of ``from_pretrained``; raises PackError when there is too little memory."""
    parameters = memory.parameters_of(config)
    if how.bits:
        memory.check(place, parameters, f"{how.bits} bits", how.device, learning=how.learning)
        return {
            "dtype": torch.bfloat16,
            "quantization_config": _quantisation(how.bits),
            "device_map": {"": how.device},
        }
    form = how.dtype
    if form == "auto":
        form = memory.fitting(parameters, how.device, learning=how.learning)
    memory.check(place, parameters, form, how.device, learning=how.learning, whole=how.whole)
    return {"dtype": getattr(torch, form)}


def _quantisation(bits: int) -> Any:
    if importlib.util.find_spec("bitsandbytes") is None:
        raise PackError(
            f"a base in {bits} bits needs bitsandbytes, which {sys.executable} does not have: "
            "install it there (pip install bitsandbytes), or write bits = 0."
        )
    from transformers import BitsAndBytesConfig

    if bits == 8:
        return BitsAndBytesConfig(load_in_8bit=True)
    return BitsAndBytesConfig(
        load_in_4bit=True,
        bnb_4bit_quant_type="nf4",
        bnb_4bit_compute_dtype=torch.bfloat16,
        bnb_4bit_use_double_quant=True,
    )


def add_rows(model: Any, tokens: int) -> None:
    """Resize embedding and output head to the number of tokens; unused rows stay.

    New rows begin near the mean of the old ones, so that no new token dominates.
    """
    rows = model.get_input_embeddings().weight.shape[0]
    if tokens <= rows:
        return
    model.resize_token_embeddings(tokens, mean_resizing=False)
    begun: list[Any] = []
    for layer in (model.get_input_embeddings(), model.get_output_embeddings()):
        if any(layer.weight is other for other in begun):
            continue
        begun.append(layer.weight)
        with torch.no_grad():
            old = layer.weight[:rows].float()
            noise = 0.5 * old.std() * torch.randn(tokens - rows, old.shape[1]).to(old.device)
            layer.weight[rows:] = (old.mean(0) + noise).to(layer.weight.dtype)


def tied(model: Any) -> bool:
    """Whether the output head is the embedding."""
    return model.get_output_embeddings().weight is model.get_input_embeddings().weight


def context_of(model: Any) -> int | None:
    """Tokens that a base can read at once; None when its configuration does not say."""
    config = model.config.get_text_config()
    for name in ("max_position_embeddings", "n_positions"):
        if isinstance(length := getattr(config, name, None), int):
            return length
    return None


def save_base(model: Any, tokenizer: Any, folder: Path) -> None:
    """Write a base model, in half precision, and its text tokenizer."""
    folder.mkdir(parents=True, exist_ok=True)
    model.half().save_pretrained(str(folder))
    model.float()
    tokenizer.save_pretrained(folder)


# --- errors --------------------------------------------------------------------


def _check_folder(place: str, pack: Path | None) -> None:
    """Refuse a folder that is not there or lacks a part, before anything is loaded."""
    path = Path(place)
    if not path.is_dir():
        if path.is_absolute() or place.startswith(".") or place.count("/") != 1:
            if place.count("/") == 0 and not place.startswith("."):
                return  # an old id of one word, such as gpt2
            raise PackError(
                f"there is no folder {place} for the base model{_named_in(pack)}: give a Hugging "
                "Face id, or the folder of a model."
            )
        return
    if not (path / "config.json").is_file():
        raise PackError(
            f"{path / 'config.json'} is missing: the folder does not hold a language model."
        )
    if not any((path / name).is_file() for name in TOKENIZERS):
        raise PackError(_no_tokenizer(place))


def _no_tokenizer(place: str) -> str:
    return (
        f"the base model {place} has no text tokenizer: put the tokenizer.json of that model "
        "into its folder, or take another base."
    )


def _named_in(pack: Path | None) -> str:
    return f", which {pack / MANIFEST} names" if pack else ""


def _load_error(place: str, pack: Path | None, error: Exception) -> str:
    """One sentence for what transformers raised."""
    reason = " ".join(str(error).split())
    if not Path(place).is_dir() and any(word in reason.lower() for word in _HUB_ERRORS):
        change = f"base_model in {pack / MANIFEST}" if pack else "base"
        return (
            f"the base model {place}{_named_in(pack)} is not on this machine, and Hugging Face "
            "cannot be reached: connect to the network once, or copy the model here and write its "
            f"folder as {change}."
        )
    return (
        f"the base model {place} cannot be loaded ({reason[:160]}): "
        "give a Hugging Face id that this machine can reach, or a complete local folder."
    )

"""Base models: any causal language model of transformers, or a small one made from scratch.

A base is a fetched one by its id, a local folder, or ``./base`` inside a pack. It may be cut to
its first layers. Its vocabulary gets rows for the motion tokens; nothing else of it changes. A
base that cannot be used raises a ``PackError`` with one sentence. No network is reached.
"""

from __future__ import annotations

import contextlib
import importlib.util
import logging
import shutil
import sys
from collections.abc import Iterator
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
from transformers.utils import logging as transformers_logging

from ext_models.language.vocabulary import MotionVocabulary, add_tokens
from ext_models.packs import PackError

from . import memory
from .locating import Location, locate

logger = logging.getLogger(__name__)

BASE: Final = "base"
#: The files of a base that a pack may hold.
_OF_PACK: Final = (".json", ".safetensors", ".txt")
#: More than any language model has.
_MOST: Final = {
    "num_hidden_layers": 1000,
    "hidden_size": 10**5,
    "intermediate_size": 10**6,
    "num_attention_heads": 10**4,
    "vocab_size": 10**7,
}
#: Any of these holds a text tokenizer.
TOKENIZERS: Final = ("tokenizer.json", "tokenizer.model", "vocab.json", "vocab.txt", "spiece.model")


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
        revision: its commit on the hub, or the beginning; empty for any.
        layers: how many of its layers are kept, the first ones; 0 keeps all.
        dtype: ``float32``, ``bfloat16``, or ``auto``: float32 where it fits.
        bits: 4 or 8 to load the layers quantised (needs bitsandbytes); 0: not quantised.
        device: where it will run.
        learning: whether it will be trained, which needs more memory.
        whole: whether all weights will be trained, which needs the most memory.
        batch_tokens: tokens of a batch of the training, at most.
    """

    revision: str = ""
    layers: int = 0
    dtype: Literal["auto", "float32", "bfloat16"] = "auto"
    bits: int = 0
    device: str = "cpu"
    learning: bool = False
    whole: bool = False
    batch_tokens: int = 0

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
        base: as ``locate`` takes it.
        folder: the pack's folder.
        vocabulary: the tokens to add.
        loading: how; by default on the CPU, not quantised.

    Raises:
        PackError: naming the base and what is wrong with it.
    """
    model, tokenizer = load_plain_base(base, folder, loading)
    add_motion_tokens(model, tokenizer, vocabulary)
    return model, tokenizer


def add_motion_tokens(model: Any, tokenizer: Any, vocabulary: MotionVocabulary) -> None:
    """Add the motion tokens where they are missing, with a row for each."""
    add_tokens(tokenizer, vocabulary)
    add_rows(model, len(tokenizer))


def load_plain_base(
    base: str, folder: Path | None, loading: Loading | None = None
) -> tuple[Any, Any]:
    """Model and text tokenizer without motion tokens; see ``load_base``."""
    how = loading or Loading()
    return load_located(locate(base, folder, how.revision), how)


def load_located(location: Location, how: Loading) -> tuple[Any, Any]:
    """Model and text tokenizer of a base on this machine; raises PackError."""
    config = config_of(location)
    if how.layers:
        _cut(config, how.layers, location)
    try:
        tokenizer = AutoTokenizer.from_pretrained(location.folder, local_files_only=True)
    except Exception as error:
        raise PackError(_load_error(location, error)) from None
    if not len(tokenizer):
        raise PackError(_no_tokenizer(location))
    options = _options(location, config, how)
    try:
        with _quiet():
            loaded: Any = AutoModelForCausalLM.from_pretrained(
                location.folder,
                config=config,
                local_files_only=True,
                output_loading_info=True,
                **options,
            )
            model, info = loaded
    except Exception as error:
        raise PackError(_load_error(location, error)) from None
    if lacking := sorted(info["missing_keys"]):
        raise PackError(
            f"the base model {location.name} lacks {len(lacking)} of its weights ({lacking[0]}): "
            "fetch it again, or take a complete folder."
        )
    return model, tokenizer


def config_of(location: Location) -> Any:
    """The configuration of a base; raises PackError for what is no language model.

    Nothing of its weights is read.
    """
    folder = location.folder
    if not (folder / "config.json").is_file():
        raise PackError(
            f"{folder / 'config.json'} is missing: the folder does not hold a language model."
        )
    if not any((folder / name).is_file() for name in TOKENIZERS):
        raise PackError(_no_tokenizer(location))
    try:
        config = AutoConfig.from_pretrained(folder, local_files_only=True)
    except Exception as error:
        raise PackError(_load_error(location, error)) from None
    if type(config) not in AutoModelForCausalLM._model_mapping:
        raise PackError(
            f"the base model {location.name} is a {config.model_type}, and that is no causal "
            "language model: take one that writes text."
        )
    _check_sizes(config, location)
    return config


def _check_sizes(config: Any, location: Location) -> None:
    """Refuse a configuration whose model could not even be described in memory."""
    text = config.get_text_config()
    for name, most in _MOST.items():
        found = getattr(text, name, None)
        if isinstance(found, int) and not 0 < found <= most:
            raise PackError(
                f"the base model {location.name} has {name} {found} in config.json, where 1 to "
                f"{most} are possible: fetch it again."
            )


def _cut(config: Any, layers: int, location: Location) -> None:
    """Have a configuration describe the first layers alone."""
    text = config.get_text_config()
    every = text.num_hidden_layers
    if not 1 <= layers <= every:
        raise PackError(
            f"the base model {location.name} has {every} layers and the recipe keeps {layers}: "
            f"write layers = 1 to {every}, or leave it out."
        )
    text.num_hidden_layers = layers
    if kinds := getattr(text, "layer_types", None):
        text.layer_types = kinds[:layers]


@contextlib.contextmanager
def _quiet() -> Iterator[None]:
    """Without the list of weights that a cut base does not use."""
    before = transformers_logging.get_verbosity()
    transformers_logging.set_verbosity_error()
    try:
        yield
    finally:
        transformers_logging.set_verbosity(before)


def _options(location: Location, config: Any, how: Loading) -> dict[str, Any]:
    """Arguments of ``from_pretrained``; raises PackError when there is too little memory."""
    try:
        parameters = memory.parameters_of(config)
    except Exception as error:
        raise PackError(_load_error(location, error)) from None
    form: str = f"{how.bits} bits" if how.bits else how.dtype
    if form == "auto":
        form = memory.fitting(parameters, how.device, learning=how.learning)
    memory.check(
        location.name, parameters, form, how.device, learning=how.learning, whole=how.whole
    )
    if location.id:
        required = memory.needed(parameters, form, learning=how.learning, whole=how.whole)
        batch = memory.of_batch(config, how.batch_tokens)
        logger.info("%s", memory.told(location.id, parameters, required, batch, how.device))
    if how.bits:
        return {
            "dtype": torch.bfloat16,
            "quantization_config": _quantisation(how.bits),
            "device_map": {"": how.device},
        }
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


def draw_weights(model: Any, seed: int) -> None:
    """Draw all weights of a base anew, as its architecture begins a training."""
    torch.manual_seed(seed)
    for parameter in model.parameters():
        parameter._is_hf_initialized = False
    for module in model.modules():
        module._is_hf_initialized = False
    model.init_weights()


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


def copy_base(location: Location, folder: Path) -> None:
    """Copy a base into a pack, which has to bring what nobody can fetch by name.

    Raises:
        PackError: when its weights are no safetensors, or the disk is full.
    """
    wanted = [p for p in sorted(location.folder.iterdir()) if p.suffix in _OF_PACK and p.is_file()]
    if not any(path.suffix == ".safetensors" for path in wanted):
        raise PackError(f"{location.folder} holds no safetensors, which a pack has to carry.")
    size = sum(path.stat().st_size for path in wanted)
    logger.info("the pack gets a copy of %s, %.0f MB", location.folder, size / 1e6)
    try:
        folder.mkdir(parents=True, exist_ok=True)
        for path in wanted:
            shutil.copyfile(path, folder / path.name)
    except OSError as error:
        raise PackError(
            f"{folder} cannot be written ({error.strerror}): free some space."
        ) from None


# --- errors --------------------------------------------------------------------


def _no_tokenizer(location: Location) -> str:
    return (
        f"the base model {location.name} has no text tokenizer: put the tokenizer.json of that "
        "model into its folder, or take another base."
    )


def _load_error(location: Location, error: Exception) -> str:
    """One sentence for what transformers raised."""
    reason = " ".join(str(error).split())
    return (
        f"the base model {location.name} cannot be loaded ({reason[:160]}): take another base, or "
        "a complete folder of this one."
    )

"""A GGUF file turned into a folder of transformers, once; torch and gguf are needed.

llama.cpp's format keeps a language model in one file of few bits. It is unpacked to bfloat16, so
that the base trains and loads like any other.
"""

from __future__ import annotations

import importlib.util
import sys
from pathlib import Path
from typing import Any, Final

from ext_models.packs import PackError

from .catalogue import TextTokens

#: What only the reader of a GGUF file writes into configurations of model and text tokenizer.
_TRACES: Final = (
    *("quantization_config", "_name_or_path", "_model_name_or_path", "gguf_file", "unk_token_id"),
    *("is_local", "local_files_only"),
)
#: A GGUF file keeps this number in single precision.
_EPSILON: Final = "rms_norm_eps"


def convert(file: Path, out: Path, tokens: TextTokens) -> None:
    """Write the model of a GGUF file as safetensors, configuration and text tokenizer.

    Args:
        file: the GGUF file.
        out: an empty folder.
        tokens: the special tokens, which GGUF files often name wrongly.

    Raises:
        PackError: when the file cannot be read, or gguf is not installed.
    """
    if importlib.util.find_spec("gguf") is None:
        raise PackError(
            f"a GGUF file needs the package gguf, which {sys.executable} does not have: install "
            "it there (pip install gguf), or fetch the base with --from hub."
        )
    import torch
    from transformers import AutoModelForCausalLM, AutoTokenizer

    where: dict[str, Any] = {"gguf_file": file.name, "local_files_only": True}
    try:
        text = AutoTokenizer.from_pretrained(file.parent, **where)
        model = AutoModelForCausalLM.from_pretrained(file.parent, dtype=torch.bfloat16, **where)
    except Exception as error:
        reason = " ".join(str(error).split())[:160]
        raise PackError(f"{file.name} cannot be converted ({reason}): take --from hub.") from None
    _mend_tokens(text, tokens)
    text.model_max_length = model.config.max_position_embeddings
    # The model remembers that it was a GGUF file, and would not be saved.
    fresh = AutoModelForCausalLM.from_config(_clean_config(model.config, text), dtype=model.dtype)
    fresh.load_state_dict(model.state_dict())
    fresh.save_pretrained(str(out))
    text.save_pretrained(out)


def _mend_tokens(text: Any, tokens: TextTokens) -> None:
    """Special tokens as the model was trained with, and digits one by one."""
    from tokenizers import pre_tokenizers

    text.bos_token, text.eos_token, text.pad_token = tokens.bos, tokens.eos, tokens.pad
    text.clean_up_tokenization_spaces = False
    for trace in _TRACES:
        text.init_kwargs.pop(trace, None)
    if tokens.single_digits:
        text.backend_tokenizer.pre_tokenizer = pre_tokenizers.Sequence(
            [
                pre_tokenizers.Digits(individual_digits=True),
                pre_tokenizers.ByteLevel(add_prefix_space=False),
            ]
        )


def _clean_config(config: Any, text: Any) -> Any:
    """The configuration as if the model had never been a GGUF file."""
    values = {k: v for k, v in config.to_dict().items() if k not in _TRACES}
    if _EPSILON in values:
        values[_EPSILON] = float(f"{values[_EPSILON]:.5g}")
    ends = {f"{name}_token_id": getattr(text, f"{name}_token_id") for name in ("bos", "eos", "pad")}
    return type(config)(**{**values, **ends})

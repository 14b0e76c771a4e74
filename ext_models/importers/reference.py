"""Readers of the reference system's files: VQ-VAE, language model, evaluator.

    codec = load_vqvae("pretrained_vqvae/t2m.pth")
    codes = codec.encode(normalised_features)              # (B, T // 4)
    model = load_language_model("lit-llama.pth", "pretrained_lora/pretrained.pth")
    evaluator = load_evaluator("t2m/text_mot_match/model/finest.tar")

A file that cannot be used raises a ``CheckpointError`` with one sentence. No code in a file is
run; see ``reading``.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

from . import lit_llama
from .guo_networks import load_evaluator
from .reading import CheckpointError
from .reference_vqvae import load_vqvae
from .word_vectors import load_word_vectors

__all__ = [
    "CheckpointError",
    "load_evaluator",
    "load_language_model",
    "load_vqvae",
    "load_word_vectors",
]


def load_language_model(
    base: Path | str,
    lora: Path | str | None = None,
    *,
    heads: int | None = None,
    alpha: float = lit_llama.ALPHA,
) -> Any:
    """A transformers Llama with the LoRA as an adapter of peft, or the base alone.

    Args:
        base: lit-llama's ``lit-llama.pth``.
        lora: the reference's ``pretrained.pth``; its rank is read off the file.
        heads: attention heads of an unusual base; see ``lit_llama.load_base``.
        alpha: the scale of the LoRA is alpha / rank.
    """
    model = lit_llama.load_base(base, heads)
    if lora is None:
        return model
    return lit_llama.add_lora(model, lit_llama.read_lora(lora, model.config), alpha)

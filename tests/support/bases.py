"""Small base models in the layout of their families."""

import torch
from transformers import (
    AutoModelForCausalLM,
    GemmaConfig,
    GPT2Config,
    LlamaConfig,
    Qwen2Config,
    Qwen3Config,
)

from ext_models.language import vocabulary as voc
from tests.support import tiny_pack

VOCABULARY = tiny_pack.VOCABULARY


SIZES = {
    "hidden_size": 16,
    "intermediate_size": 16,
    "num_hidden_layers": 1,
    "num_attention_heads": 2,
    "num_key_value_heads": 2,
    "head_dim": 8,
    "vocab_size": 320,  # more rows than the tokenizer has tokens, as Qwen has
}


CONFIGS = {
    "llama, untied": LlamaConfig(**SIZES, tie_word_embeddings=False),
    "llama, tied": LlamaConfig(**SIZES, tie_word_embeddings=True),
    "qwen2": Qwen2Config(**SIZES, tie_word_embeddings=True),
    "qwen3, untied": Qwen3Config(**SIZES, tie_word_embeddings=False),
    "gemma": GemmaConfig(**SIZES),
    "gpt2": GPT2Config(n_embd=16, n_layer=1, n_head=2, vocab_size=320),
}


def write_base(folder, config, **changes):
    """A base with random weights and a real text tokenizer, as a download looks."""
    torch.manual_seed(0)
    text = voc.train_text_tokenizer(tiny_pack.CAPTIONS, 300)
    model = AutoModelForCausalLM.from_config(config)
    for name, value in changes.items():
        setattr(model.config, name, value)
    model.save_pretrained(folder)
    text.save_pretrained(folder)
    return folder

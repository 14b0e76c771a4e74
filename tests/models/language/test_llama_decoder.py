"""The decoder of small Llamas: what transformers computes, token by token."""

from dataclasses import replace

import numpy as np
import pytest
import torch
from transformers import LlamaConfig, LlamaForCausalLM, MistralConfig, MistralForCausalLM

from ext_models.generation import decoding
from ext_models.generation.neighbours import Neighbour
from ext_models.generation.request import GenerationCancelledError
from ext_models.language.base_models import adapters
from ext_models.language.llama_decoder import SMALL, LlamaDecoder
from ext_models.language.vocabulary import TokenIds
from motiongpt_blender.wire import Sampling
from tests.support import tiny_pack

SIZES = {
    "vocab_size": 90,
    "hidden_size": 24,
    "intermediate_size": 40,
    "num_hidden_layers": 3,
    "num_attention_heads": 6,
    "num_key_value_heads": 2,
    "head_dim": 8,
    "max_position_embeddings": 64,
    "rope_parameters": {"rope_type": "default", "rope_theta": 500.0},
    "rms_norm_eps": 1e-3,
}
PROMPTS = [[7, 8, 9, 10, 11], [3, 4], [7, 8, 9, 10, 11], [50, 51, 52]]
PAD = 0


def llama(**more):
    torch.manual_seed(4)
    model = LlamaForCausalLM(LlamaConfig(**{**SIZES, **more})).eval()
    for name, weights in model.named_parameters():
        if "norm" in name:  # ones, as they begin, would hide one that is left out
            torch.nn.init.uniform_(weights, 0.5, 2.0)
        else:
            torch.nn.init.normal_(weights, std=0.25)
    return model


@pytest.mark.parametrize("tied", [True, False])
@torch.no_grad()
def test_each_step_is_that_of_transformers(tied):
    """Rows of several lengths, two of them alike, and fewer rows later on."""
    model, ids = llama(tie_word_embeddings=tied), slice(20, 71)
    decoder, rows = LlamaDecoder(model), [list(prompt) for prompt in PROMPTS]
    assert LlamaDecoder.can_decode(model)
    hidden = decoder.begin(PROMPTS, 9, PAD)
    for step in range(9):
        found = decoder.logits(hidden, ids)
        for row, logits in zip(rows, found, strict=True):
            wanted = model(torch.tensor([row])).logits[0, -1, ids]
            assert wanted.std() > 0.5
            assert torch.allclose(logits, wanted, atol=2e-5), (step, row)
        tokens = torch.tensor([(31 * step + 17 * k) % 90 for k in range(len(rows))])
        hidden = decoder.step(tokens)
        rows = [[*row, int(token)] for row, token in zip(rows, tokens, strict=True)]
        if step == 4:
            decoder.keep(2)
            hidden, rows = hidden[:2], rows[:2]


def test_a_prompt_that_rows_share_is_read_once(monkeypatch):
    model, read = llama(), []
    inner = model.model.forward
    monkeypatch.setattr(
        model.model, "forward", lambda ids, **more: read.append(ids.shape) or inner(ids, **more)
    )
    assert LlamaDecoder(model).begin(PROMPTS * 8, 5, PAD).shape == (32, 24)
    assert read == [(3, 5)]


def other_models():
    yield "half precision", llama().bfloat16()
    yield "a bias", llama(attention_bias=True)
    yield (
        "a scaled rotation",
        llama(rope_parameters={"rope_type": "linear", "rope_theta": 1e4, "factor": 2.0}),
    )
    yield "another activation", llama(hidden_act="gelu")
    yield "too large", llama(vocab_size=SMALL // SIZES["hidden_size"])
    yield "another architecture", MistralForCausalLM(MistralConfig(**SIZES))
    yield (
        "an adapter",
        adapters.add_adapter(llama(), adapters.AdapterConfig(rank=2), []).base_model.model,
    )


@pytest.mark.parametrize(("name", "model"), other_models())
def test_other_models_are_left_to_transformers(name, model):
    assert not LlamaDecoder.can_decode(model)


@pytest.fixture(scope="module")
def writer():
    torch.manual_seed(5)
    vocabulary = replace(tiny_pack.VOCABULARY, summary=(2, 5))
    text = tiny_pack.text_tokenizer(vocabulary)
    base = adapters.new_base(adapters.BaseConfig(hidden=16, layers=2, heads=2, mlp=16), text)
    return base.eval(), TokenIds.of(text, vocabulary)


def asked(ids):
    """Rows of several lengths; one has a neighbour."""
    near = Neighbour((1, 2), np.full((5, ids.vocabulary.levels), 3))
    return [
        decoding.TokenPrompt(
            [*range(5, 5 + words), ids.length(steps), ids.start],
            [ids.length(steps), ids.start],
            steps,
            30 + words,
            neighbour=neighbour,
        )
        for words, steps, neighbour in ((1, 3, None), (9, 7, near), (4, 5, None), (9, 7, None))
    ]


@pytest.mark.parametrize("cfg_scale", [1.0, 3.0])
@pytest.mark.parametrize("sampling", [Sampling(temperature=2.0, top_p=1.0), Sampling()])
def test_a_seed_gives_the_motion_that_transformers_writes(writer, sampling, cfg_scale):
    base, ids = writer
    options = {"cfg_scale": cfg_scale, "neighbour_share": 0.3}
    plain = decoding.generate_codes(base, ids, asked(ids), sampling, plain=True, **options)
    shares = []
    found = decoding.generate_codes(
        base, ids, asked(ids), sampling, progress=shares.append, **options
    )
    assert found == plain
    assert len({str(answer) for answer in found}) == 4
    assert shares == sorted(shares) and shares[-1] == 1.0
    assert len(shares) == ids.vocabulary.tokens_of(7)


def test_it_stops_when_cancelled(writer):
    base, ids = writer
    shares = []
    with pytest.raises(GenerationCancelledError):
        decoding.generate_codes(
            base, ids, asked(ids), Sampling(),
            progress=shares.append, cancelled=lambda: len(shares) == 3,
        )  # fmt: skip
    assert len(shares) == 3

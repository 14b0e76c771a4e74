"""Any base: Llama, Qwen, GPT-2 and Gemma learn motion tokens; what is wrong with one is said."""

import json
import os
import subprocess
import sys

import pytest
import torch
from transformers import (
    LlamaConfig,
)

from ext_models.errors import PipelineError
from ext_models.generation import decoding, generators
from ext_models.language import vocabulary as voc
from ext_models.language.base_models import adapters as m
from ext_models.language.base_models import bases, memory
from ext_models.language.corpus import batch_of
from ext_models.language.loss import IGNORED, TokenWeights
from ext_models.packs import PackError
from motiongpt_blender.wire import Sampling
from tests.support import tiny_pack
from tests.support.bases import CONFIGS, SIZES, VOCABULARY, write_base


def sentence(error):
    """The message, held to one sentence without line breaks or a stranger's traceback."""
    output = str(error.value if hasattr(error, "value") else error)
    assert "\n" not in output
    assert "Traceback" not in output
    return output


@pytest.mark.parametrize("name", CONFIGS)
def test_only_the_new_rows_learn_and_the_merged_model_is_the_same(name, tmp_path):
    base = write_base(tmp_path / "base", CONFIGS[name])
    model, text = m.load_base(str(base), None, VOCABULARY)
    assert model.get_input_embeddings().weight.shape[0] >= len(text)
    ids = voc.TokenIds.of(text, VOCABULARY)
    rows = [ids.ids[t] for t in VOCABULARY.added]
    before = [
        layer.weight.detach().clone()
        for layer in (model.get_input_embeddings(), model.get_output_embeddings())
    ]
    others = [k for k in range(len(before[0])) if k not in set(rows)]
    adapted = m.add_adapter(model, m.AdapterConfig(rank=2, dropout=0.0), rows)
    assert 0 < m.trainable_share(adapted) < 1
    trained = [p for p in adapted.parameters() if p.requires_grad]
    optimizer = torch.optim.AdamW(trained, 1e-2)
    tokens = torch.tensor([[5, 6, *rows[:30]]])
    for _ in range(3):
        adapted(input_ids=tokens, labels=tokens).loss.backward()
        optimizer.step()
        optimizer.zero_grad()
    with torch.no_grad():
        for weights in trained:
            weights.copy_(weights.half())  # as an adapter is stored
    logits = adapted.eval()(input_ids=tokens).logits
    m.save_adapter(adapted, tmp_path / "adapter", str(base))
    named = json.loads((tmp_path / "adapter" / "adapter_config.json").read_text())
    assert named["base_model_name_or_path"] == str(base)
    torch.manual_seed(99)  # the rows of the reloaded base begin elsewhere
    again, _ = m.load_base(str(base), None, VOCABULARY)
    merged = m.PeftModel.from_pretrained(again, str(tmp_path / "adapter")).merge_and_unload()
    assert torch.allclose(merged.eval()(input_ids=tokens).logits, logits, atol=1e-4)
    for old, layer in zip(
        before, (merged.get_input_embeddings(), merged.get_output_embeddings()), strict=True
    ):
        moved = (layer.weight - old).abs().amax(1) > 1e-6
        assert moved[rows[:30]].all()
        assert not moved[others].any()


@pytest.mark.parametrize("name", CONFIGS)
@pytest.mark.parametrize("cfg_scale", [1.0, 2.0])
def test_answers_of_any_base_do_not_hang_on_padding_or_cache(name, cfg_scale, tmp_path):
    """Side by side or alone, with a growing cache, a static one or none: the same codes."""
    model, text = m.load_base(str(write_base(tmp_path / "base", CONFIGS[name])), None, VOCABULARY)
    model, ids = model.eval(), voc.TokenIds.of(text, VOCABULARY)
    rows = [
        decoding.TokenPrompt([*range(5, 5 + n), ids.start], [ids.start], steps, seed=n)
        for n, steps in ((2, 5), (11, 3), (6, 5))
    ]

    def written(rows, **more):
        return decoding.generate_codes(
            model, ids, rows, Sampling(temperature=2.0), cfg_scale=cfg_scale, **more
        )

    together = written(rows)
    assert [len(answer.codes) for answer in together] == [5, 3, 5]
    assert [written([row])[0] for row in rows] == together
    assert written(rows, cache_implementation="static") == together
    assert written(rows, use_cache=False) == together


@pytest.mark.parametrize("name", CONFIGS)
def test_padding_counts_nothing_in_the_loss(name, tmp_path):
    """A padded batch has the loss of its rows, each by itself, weighted by what they answer."""
    model, text = m.load_base(str(write_base(tmp_path / "base", CONFIGS[name])), None, VOCABULARY)
    ids = voc.TokenIds.of(text, VOCABULARY)
    pairs = [
        ([7, 8, ids.start], ids.of_codes([[1, 2], [3, 4]])),
        ([*range(5, 20), ids.start], ids.of_codes([[5, 6]])),
    ]
    for levels in ((), (1.0, 0.25)):
        weights = TokenWeights(ids, levels, torch.device("cpu"))
        whole, *alone = (
            weights.loss(model.eval(), batch_of(some, ids.pad)).item()
            for some in (pairs, pairs[:1], pairs[1:])
        )
        assert whole == pytest.approx((2 * alone[0] + alone[1]) / 3, rel=1e-4)
    labels = batch_of(pairs, ids.pad)["labels"]
    assert [int((row == IGNORED).sum()) for row in labels] == [14, 16]


def test_layers_for_the_lora_by_name(tmp_path):
    base, _ = m.load_plain_base(str(write_base(tmp_path / "base", CONFIGS["llama, tied"])), None)
    adapted = m.add_adapter(base, m.AdapterConfig(rank=2, targets=["q_proj", "v_proj"]), [])
    names = {n for n, p in adapted.named_parameters() if p.requires_grad}
    assert names and all("q_proj" in n or "v_proj" in n for n in names)
    base, _ = m.load_plain_base(str(tmp_path / "base"), None)
    with pytest.raises(PackError) as raised:
        m.add_adapter(base, m.AdapterConfig(targets=["c_attn"]), [])
    assert "it has" in sentence(raised)
    assert "q_proj" in sentence(raised)


def test_new_rows_begin_near_the_old_ones(tmp_path):
    model, text = m.load_base(
        str(write_base(tmp_path / "base", CONFIGS["llama, untied"])), None, VOCABULARY
    )
    weight = model.get_output_embeddings().weight.detach()
    old, new = weight[:300], weight[len(text) - 20 : len(text)]
    assert new.norm(dim=1).max() < 2 * old.norm(dim=1).max()


# -- what can be wrong ---------------------------------------------------------------


def test_weights_that_are_drawn_anew_have_the_shape_and_nothing_else(tmp_path):
    write_base(tmp_path, CONFIGS["llama, tied"])
    model, _ = bases.load_plain_base(str(tmp_path), None)
    before = {name: weight.clone() for name, weight in model.named_parameters()}
    with torch.no_grad():
        for weight in model.parameters():
            weight.mul_(30)
    bases.draw_weights(model, 3)
    assert bases.tied(model)
    for name, weight in model.named_parameters():
        if name.endswith("norm.weight"):
            assert (weight == 1).all()
        else:
            assert 0.01 < weight.std() < 0.04, name
            assert not torch.equal(weight, before[name])
    again = {name: weight.clone() for name, weight in model.named_parameters()}
    bases.draw_weights(model, 3)
    assert all(torch.equal(again[name], weight) for name, weight in model.named_parameters())


def test_a_base_without_a_text_tokenizer(tmp_path):
    folder = write_base(tmp_path / "base", CONFIGS["llama, tied"])
    for path in folder.glob("tokenizer*"):
        path.unlink()
    with pytest.raises(PackError) as raised:
        m.load_plain_base(str(folder), None)
    assert "has no text tokenizer" in sentence(raised)
    assert str(folder) in sentence(raised)


def test_a_folder_that_is_no_model_and_one_that_is_not_there(tmp_path):
    with pytest.raises(PackError) as raised:
        m.load_plain_base(str(tmp_path), None)
    assert "config.json is missing" in sentence(raised)
    with pytest.raises(PackError) as raised:
        m.load_plain_base(str(tmp_path / "gone"), None)
    assert "there is no folder" in sentence(raised)


def test_too_little_memory_says_what_is_needed_and_what_would_fit(tmp_path, monkeypatch):
    config = LlamaConfig()  # the sizes of a LLaMA 7B
    parameters = memory.parameters_of(config)
    assert 6.5e9 < parameters < 7e9
    monkeypatch.setattr(memory, "free", lambda device: 16e9)
    with pytest.raises(PackError) as raised:
        memory.check("a-base", parameters, "float32", "cpu", learning=False)
    output = sentence(raised)
    assert "6.74 billion parameters" in output
    assert "29.6 GB in float32" in output
    assert "16.0 GB are free" in output
    assert "bfloat16 (about 14.8 GB)" in output
    assert memory.fitting(parameters, "cpu", learning=False) == "bfloat16"
    monkeypatch.setattr(memory, "free", lambda device: 2e9)
    config.save_pretrained(tmp_path)
    voc.train_text_tokenizer(tiny_pack.CAPTIONS, 300).save_pretrained(tmp_path)
    with pytest.raises(PackError) as raised:
        m.load_plain_base(str(tmp_path), None)
    assert "take one of at most 3.03 billion" in sentence(raised)


def test_what_is_told_before_a_base_is_loaded(monkeypatch):
    """The estimate for SmolLM2 at ten layers; 1.7 to 2.3 GB were measured in training."""
    monkeypatch.setattr(memory, "free", lambda device: 16e9)
    config = LlamaConfig(hidden_size=576, intermediate_size=1536, num_hidden_layers=10)
    required = memory.needed(63_700_000, "float32", learning=True)
    batch = memory.of_batch(config, 16 * 110)
    told = memory.told("a-base", 63_700_000, required, batch, "cpu")
    assert "64 million parameters take about 0.4 GB" in told
    assert "with the program and a batch 1.7 GB on cpu; 16.0 GB are free" in told
    assert "with the program 0.9 GB" in memory.told("a-base", 63_700_000, required, 0, "cpu")


def test_training_every_weight_needs_gradients_and_means(monkeypatch):
    monkeypatch.setattr(memory, "free", lambda device: 16e9)
    with pytest.raises(PackError) as raised:
        memory.check("a-base", 1_000_000_000, "float32", "cpu", learning=True, whole=True)
    output = sentence(raised)
    assert "17.6 GB to train every weight" in output
    assert 'fit with method = "lora" in float32 (about 5.6 GB)' in output
    memory.check("a-base", 1_000_000_000, "float32", "cpu", learning=True)
    with pytest.raises(PackError) as raised:
        bases.Loading(bits=4, whole=True)
    assert "cannot learn with every weight" in sentence(raised)


@pytest.mark.parametrize("bits", [4, 8])
def test_a_quantised_base_learns(bits, tmp_path):
    """LoRA on frozen layers of few bits; the new rows are whole numbers as ever."""
    pytest.importorskip("bitsandbytes", reason="bitsandbytes is optional and not installed here")
    config = LlamaConfig(**SIZES | {"hidden_size": 64, "intermediate_size": 128, "head_dim": 32})
    how = bases.Loading(bits=bits, device="cpu", learning=True)
    base, text = bases.load_base(
        str(write_base(tmp_path / "b", config, tie_word_embeddings=False)), None, VOCABULARY, how
    )
    layer = base.model.layers[0].self_attn.q_proj
    assert f"{bits}bit" in type(layer).__name__
    ids = voc.TokenIds.of(text, VOCABULARY)
    rows = [ids.ids[t] for t in VOCABULARY.added]
    adapted = m.add_adapter(base, m.AdapterConfig(rank=4, dropout=0.0), rows)
    before = layer.weight.detach().clone()
    optimizer = torch.optim.AdamW([p for p in adapted.parameters() if p.requires_grad], 1e-2)
    tokens = torch.tensor([[5, 6, *rows[:30]]])
    losses = []
    for _ in range(15):
        loss = adapted(input_ids=tokens, labels=tokens).loss
        loss.backward()
        optimizer.step()
        optimizer.zero_grad()
        losses.append(float(loss))
    assert losses[-1] < 0.9 * losses[0]
    assert torch.equal(layer.weight, before)


def test_quantised_loading_without_bitsandbytes(tmp_path, monkeypatch):
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    with pytest.raises(PackError) as raised:
        bases._quantisation(4)
    assert "needs bitsandbytes" in sentence(raised)
    assert sys.executable in sentence(raised)
    with pytest.raises(PackError, match="4 or 8 bits, not in 3"):
        bases.Loading(bits=3)


def test_a_prompt_that_does_not_fit(tmp_path):
    base = write_base(tmp_path / "b", LlamaConfig(**SIZES, max_position_embeddings=64))
    model, text = m.load_base(str(base), None, VOCABULARY)
    generator = generators.TokenGenerator(model.eval(), text, voc.TokenIds.of(text, VOCABULARY))
    callbacks = (lambda share: None), (lambda: False)
    with pytest.raises(PipelineError) as raised:
        generator.generate(
            [generators.CodeRequest("walks forward " * 60, 8, (), Sampling(candidates=1))],
            *callbacks,
        )
    assert "say it in fewer words" in sentence(raised)
    with pytest.raises(PipelineError) as raised:
        generator.generate(
            [generators.CodeRequest("a person walks " * 18, 10, (), Sampling(candidates=1))],
            *callbacks,
        )
    assert "language model reads 64" in sentence(raised)
    assert generator.generate(
        [generators.CodeRequest("a person walks", 4, (), Sampling(candidates=1))], *callbacks
    )


def test_bitsandbytes_and_processes_are_not_needed_to_ask_for_help():
    done = subprocess.run(
        [sys.executable, "-X", "importtime", "-m", "ext_models", "train-language", "--help"],
        capture_output=True, text=True, timeout=300, check=False,
        env={**os.environ, "WORLD_SIZE": "2", "RANK": "0"},
    )  # fmt: skip
    assert done.returncode == 0
    assert "torch" not in done.stderr

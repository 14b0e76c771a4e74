"""A training in stages: what learns when, what is kept on disk, and what a killed process loses."""

import os
import signal
from dataclasses import replace

import numpy as np
import pytest
import torch
from safetensors.torch import load_file

from ext_models import packs
from ext_models.commands import train_language
from ext_models.datasets.layouts import Example
from ext_models.language import code_cache, corpus, pack_training
from ext_models.language import vocabulary as voc
from ext_models.language.base_models import adapters as m
from ext_models.language.base_models import loaded_base
from ext_models.packs import PackError
from ext_models.recipes.schema import Recipe
from ext_models.text_motion.recipe import RerankerRecipe
from ext_models.tokenizer import vqvae
from ext_models.training import precision
from ext_models.training.trainer import Trainer
from tests.support import tiny_pack
from tests.support.motion_folders import walker

CLIPS = [
    Example(f"clip{k}", walker(24, k), (tiny_pack.CAPTIONS[k],), split)
    for k, split in enumerate(["train", "train", "val"])
]
STAGES = [
    {"learns": "rows", "share": 0.5, "learning_rate": 0.1},
    {"learns": "adapter", "share": 0.5},
]
SCRATCH = {
    "hidden": 16, "layers": 1, "heads": 2, "mlp": 16, "text_tokens": 300, "pretrain": False,
}  # fmt: skip
TRAINING = {
    "steps": 8, "minutes": 1e6, "batch": 2, "validate_every": 4, "save_every": 1, "keep": "last",
    "learning_rate": 1e-2, "warm_up": 1,
}  # fmt: skip


def recipe(**adapter):
    """A recipe whose adapter has stages; ``adapter`` changes its table."""
    table = {"rank": 2, "dropout": 0.0, "stages": STAGES, "training": TRAINING, **adapter}
    return Recipe.of(
        {
            "pack": {"name": "t", "title": "T", "licence": "none", "credits": ["c"], "seed": 5},
            "language": {"levels": 2, "max_frames": 24, "base": SCRATCH, "adapter": table},
        },
        "test",
    )


@pytest.fixture(autouse=True)
def one_thread(monkeypatch):
    """A process that was split off must not wait for threads that it does not have; no plots."""
    monkeypatch.setattr(loaded_base, "plot_logs", lambda *_: None)
    count = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(count)


@pytest.fixture
def places(tmp_path):
    """Makes a pack's folder with a tokenizer, and the folder of its training."""

    def made(name):
        torch.manual_seed(0)
        motion = vqvae.VQVAE(tiny_pack.TOKENIZER).eval()
        for book in motion.quantizer.books:
            book.codebook.normal_()
        vqvae.save_tokenizer(motion, tmp_path / name / "pack")
        (tmp_path / name / "run").mkdir()
        return tmp_path / name / "pack", tmp_path / name / "run"

    return made


def train(places, **adapter):
    pack, run = places
    table = recipe(**adapter)
    return pack_training.train_pack(table.pack, table.language, CLIPS, pack, run, device="cpu")


def weights_of(places):
    return load_file(places[0] / m.ADAPTER / "adapter_model.safetensors")


# -- stages --------------------------------------------------------------------------


def test_rows_learn_alone_and_then_with_the_lora(places, monkeypatch):
    seen = []
    step = Trainer._step

    def watched(self, done):
        before = {n: p.detach().clone() for n, p in self.model.named_parameters()}
        rate = self.schedule.learning_rate(0.0)
        loss = step(self, done)
        moved = {n for n, p in self.model.named_parameters() if not torch.equal(p, before[n])}
        seen.append((self.log.name, any("lora_" in n for n in moved), len(moved), rate))
        return loss

    monkeypatch.setattr(Trainer, "_step", watched)
    trained = train(places("a"))
    assert [log.name for log in trained.logs] == ["adapter-1-rows", "adapter-2-adapter"]
    names, loras, counts, rates = zip(*seen, strict=True)
    assert names == ("adapter-1-rows",) * 4 + ("adapter-2-adapter",) * 4
    assert loras == (False,) * 4 + (True,) * 4
    assert counts[:4] == (1,) * 4  # tied rows are one matrix
    assert min(counts[4:]) > 1
    assert rates == (0.1,) * 4 + (0.01,) * 4


def test_a_longer_budget_goes_on_in_the_last_stage(places, monkeypatch):
    places = places("a")
    train(places)
    steps = []
    step = Trainer._step
    monkeypatch.setattr(Trainer, "_step", lambda s, d: (steps.append(s.log.name), step(s, d))[1])
    train(places, training={**TRAINING, "steps": 12})
    assert steps == ["adapter-2-adapter"] * 2


@pytest.mark.parametrize(
    ("adapter", "message"),
    [
        ({"stages": STAGES[:1]}, "add up to 0.5, not to 1"),
        ({"stages": [{"learns": "head", "share": 1.0}]}, 'write "rows" or "adapter"'),
        ({"stages": [{"learns": "rows", "share": 1.5}]}, "a stage's share is 1.5"),
        ({"method": "full"}, 'needs an adapter: write method = "lora"'),
    ],
)
def test_stages_that_cannot_be(adapter, message):
    with pytest.raises(PackError, match=message) as raised:
        recipe(**adapter)
    assert "language.adapter" in str(raised.value)


# -- killed and resumed --------------------------------------------------------------


@pytest.mark.skipif(not hasattr(os, "fork"), reason="this system cannot split a process")
@pytest.mark.parametrize(("stage", "at"), [("adapter-1-rows", 2), ("adapter-2-adapter", 3)])
def test_a_killed_process_loses_nothing(stage, at, places, monkeypatch):
    """Killed after a step of either stage, the same command ends at the same weights."""
    whole, cut = places("whole"), places("cut")
    train(whole)
    save = Trainer._save

    def save_and_die(self):
        save(self)
        if (self.log.name, self.schedule.step) == (stage, at):
            os.kill(os.getpid(), signal.SIGKILL)

    child = os.fork()
    if child == 0:
        Trainer._save = save_and_die
        train(cut)
        os._exit(0)
    _, status = os.waitpid(child, 0)
    assert os.WIFSIGNALED(status) and os.WTERMSIG(status) == signal.SIGKILL
    assert (cut[1] / f"{stage}.pt").is_file()
    assert not (cut[0] / packs.MANIFEST).is_file()
    # What was encoded before the kill is not encoded again.
    monkeypatch.setattr(corpus, "_encode", lambda *_: pytest.fail("a clip was encoded again"))
    train(cut)
    weights, expected = weights_of(cut), weights_of(whole)
    assert weights.keys() == expected.keys()
    assert all(torch.equal(weights[name], expected[name]) for name in weights)


# -- codes on disk -------------------------------------------------------------------


def test_codes_on_disk_are_those_that_were_encoded(tmp_path):
    random = np.random.default_rng(0)
    seen = {
        bytes([k]) * 16: None if k == 1 else (
            random.integers(512, size=(k, 2)), random.integers(512, size=(k, 2)),
            random.normal(size=(k, 3)),
        )
        for k in (3, 1, 5)
    }  # fmt: skip
    assert code_cache.read_codes(tmp_path) == {}
    code_cache.write_codes(tmp_path, seen)
    read = code_cache.read_codes(tmp_path)
    assert list(read) == list(seen)
    for key, variant in seen.items():
        if variant is None:
            assert read[key] is None
        else:
            for column, expected in zip(read[key], variant, strict=True):
                assert column.dtype == expected.dtype
                assert np.array_equal(column, expected)
    path = tmp_path / code_cache.CODES
    path.write_bytes(path.read_bytes()[:100])
    with pytest.raises(PackError, match="delete it, and the clips are encoded anew"):
        code_cache.read_codes(tmp_path)


# -- half precision, bfloat16, minutes -----------------------------------------------


def test_an_adapter_of_half_the_size_loads_exactly(tmp_path):
    text = tiny_pack.text_tokenizer()
    ids = voc.TokenIds.of(text, tiny_pack.VOCABULARY)
    rows = list(ids.ids.values())
    config = m.BaseConfig(hidden=16, layers=1, heads=2, mlp=16)
    torch.manual_seed(0)
    base = m.new_base(config, text)
    state = {name: weights.clone() for name, weights in base.state_dict().items()}
    adapted = m.add_adapter(base, m.AdapterConfig(rank=2), rows)
    with torch.no_grad():
        for weights in adapted.parameters():
            if weights.requires_grad:
                weights.add_(0.1 * torch.randn_like(weights))
    m.save_adapter(adapted, tmp_path / "adapter")
    written = load_file(tmp_path / "adapter" / "adapter_model.safetensors")
    assert {weights.dtype for weights in written.values()} == {torch.float16}
    trained = {n: p for n, p in adapted.named_parameters() if p.requires_grad}
    assert len(written) == len(trained)
    again = m.new_base(config, text)
    again.load_state_dict(state)
    loaded = m.PeftModel.from_pretrained(again, str(tmp_path / "adapter"), is_trainable=True)
    for name, weights in loaded.named_parameters():
        if weights.requires_grad:
            assert torch.equal(weights, trained[name].half().float()), name


@pytest.mark.parametrize(
    ("instructions", "wanted"),
    [({"avx512_bf16": True, "avx2": True}, True), ({"avx512_bf16": False, "avx2": True}, False)],
)
def test_large_models_compute_in_bfloat16_where_the_cpu_does(instructions, wanted, monkeypatch):
    monkeypatch.setattr(torch.cpu, "get_capabilities", lambda: instructions)
    with torch.device("meta"):
        large, small = torch.nn.Linear(10_000, 5_000), torch.nn.Linear(10, 10)
    cpu = torch.device("cpu")
    assert precision.wants_bfloat16("auto", large, cpu) is wanted
    assert not precision.wants_bfloat16("auto", small, cpu)
    assert precision.wants_bfloat16("bfloat16", small, cpu)


def test_minutes_are_shared_out():
    """Of the recipe's 30 and 10 minutes, and of what the language model has left."""
    language = recipe(training={**TRAINING, "minutes": 30.0}).language
    assert language.within(6.0).adapter.training.minutes == 6.0
    assert [s.settings(language.adapter.training).minutes for s in language.adapter.stages] == [
        15.0,
        15.0,
    ]
    base = replace(language.base, pretrain=True)
    base = replace(base, training=replace(base.training, minutes=10.0))
    both = replace(language, base=base).within(20.0)
    assert (both.base.training.minutes, both.adapter.training.minutes) == (5.0, 15.0)
    reranker = Recipe.of({"reranker": {"training": {"minutes": 10.0}}}, "test").reranker
    assert train_language._share_of_language(language, reranker) == 0.75
    assert train_language._share_of_language(language, None) == 1.0

    def minutes(own, left):
        return train_language._within(reranker, own, left).training.minutes

    assert isinstance(reranker, RerankerRecipe)
    assert (minutes(10.0, 12.0), minutes(10.0, 8.0), minutes(10.0, 1.0)) == (10.0, 8.0, 5.0)

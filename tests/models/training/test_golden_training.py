"""Short trainings of every kind give the losses that were recorded before one trainer served all.

The file holds the loss of every backward pass, the sum of the trained weights' sizes at the end,
and what the validations said. A change of the trainer that moves a number fails here. The entry
``language`` was recorded anew when the closing token came to compete with the added tokens only.
"""

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

from ext_models.datasets.clip_vectors import vectors_of
from ext_models.datasets.humanml3d import Statistics
from ext_models.datasets.layouts import Example
from ext_models.language import pack_training
from ext_models.language.paper import training as paper_training
from ext_models.recipes.schema import Recipe
from ext_models.text_motion import training as text_motion
from ext_models.text_motion.model import read_card
from ext_models.text_motion.network import TextMotionConfig
from ext_models.tokenizer import reference_training, training, vqvae
from ext_models.tokenizer.vqvae import TokenizerConfig
from ext_models.training.log import TOKEN_ACCURACY
from tests.support import tiny_pack
from tests.support.motion_folders import walker

GOLDEN = json.loads(Path(__file__).with_name("golden_training.json").read_text(encoding="utf-8"))

CAPTIONS = ("a person walks forward.", "someone jumps up and turns left.", "he waves.")
CLIPS = [
    Example(f"clip{k}", walker(40 + 4 * (k % 3), k), (CAPTIONS[k % 3],), split, label=f"l{k}")
    for k, split in enumerate(["train"] * 4 + ["val", "test"])
]
SMALL = TokenizerConfig(form="patches", width=16, code_width=32, codes=12, levels=3)
SETTINGS = training.TokenizerTraining(steps=40, minutes=1e9, batch=8, window=16, learning_rate=1e-3)
WORDS = ("walks", "jumps", "waves", "turns", "kicks", "sits")


@pytest.fixture(autouse=True)
def one_thread():
    """Sums of several threads are rounded in another order."""
    count = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(count)


@pytest.fixture
def losses(monkeypatch):
    """The loss of every backward pass."""
    seen = []
    backward = torch.Tensor.backward

    def recorded(self, *arguments, **keywords):
        seen.append(float(self.detach()))
        return backward(self, *arguments, **keywords)

    monkeypatch.setattr(torch.Tensor, "backward", recorded)
    return seen


def close(values, golden):
    assert len(values) == len(golden)
    assert np.allclose(values, golden, rtol=1e-3, atol=1e-5)


def size(model):
    trained = [p for p in model.parameters() if p.requires_grad]
    return sum(float(p.detach().double().abs().sum()) for p in trained)


def test_tokenizer_and_its_decoder(losses, tmp_path):
    model = training.train_tokenizer(SMALL, SETTINGS, CLIPS, tmp_path / "a", seed=1)
    close(losses, GOLDEN["tokenizer"]["losses"])
    assert size(model) == pytest.approx(GOLDEN["tokenizer"]["weights"], rel=1e-4)
    losses.clear()
    lapped, shorter = replace(SMALL, lap=2), replace(SETTINGS, steps=20)
    training.train_tokenizer(lapped, shorter, CLIPS, tmp_path / "b", seed=2, codes_of=model)
    close(losses, GOLDEN["decoder"]["losses"])


def test_reference_tokenizer(losses, tmp_path):
    config = TokenizerConfig(
        form="convolutions", width=16, code_width=16, codes=16, levels=1, dilations=(3, 1)
    )
    settings = reference_training.ReferenceTraining(
        steps=30, batch=8, window=16, warm_up=5, learning_rate=1e-3
    )
    x = np.concatenate([vectors_of(e) for e in CLIPS])
    statistics = Statistics(x.mean(0), x.std(0) + 1e-2)
    model = reference_training.train_reference(
        config, settings, CLIPS, statistics, tmp_path, seed=1
    )
    close(losses, GOLDEN["reference_tokenizer"]["losses"])
    assert size(model) == pytest.approx(GOLDEN["reference_tokenizer"]["weights"], rel=1e-4)


def pack(folder, levels):
    """A pack's folder with a tokenizer of random codes."""
    torch.manual_seed(0)
    model = vqvae.VQVAE(replace(tiny_pack.TOKENIZER, levels=levels)).eval()
    for book in model.quantizer.books:
        book.codebook.normal_()
    vqvae.save_tokenizer(model, folder)
    return folder


PACK = {"name": "t", "title": "T", "licence": "none", "credits": ["c"], "seed": 5}
SCRATCH = {"hidden": 16, "layers": 1, "heads": 2, "mlp": 16, "text_tokens": 300}
ADAPTER = {
    "steps": 24, "minutes": 1e6, "batch": 3, "accumulate": 2, "validate_every": 4, "save_every": 8,
    "warm_up": 6, "learning_rate": 1e-2,
}  # fmt: skip
TOKENS = {
    "levels": 2, "max_frames": 40, "speeds": [1.0], "offsets": [0], "summary": [2, 3],
    "skills": ["places", "continue"],
    "base": {**SCRATCH, "training": {
        "steps": 12, "minutes": 1e6, "batch": 3, "validate_every": 4, "save_every": 4,
        "levels": [1.0, 0.3], "summary": 3.0, "keep": "best", "warm_up": 4, "learning_rate": 3e-3,
    }},
    "adapter": {"rank": 2, "training": ADAPTER},
    "tasks": {
        "text": 0.3, "initial": 0.1, "last": 0.1, "between": 0.1, "continuation": 0.1,
        "caption_dropout": 0.1, "word_dropout": 0.1, "code_noise": 0.3, "summary_share": 0.3,
        "late_summary_share": 0.6, "place_share": 0.5,
    },
}  # fmt: skip
PAPER = {
    "prompt_style": "paper", "max_frames": 40,
    "base": {**SCRATCH, "context": 1024, "pretrain": False},
    "adapter": {"rank": 2, "training": {**ADAPTER, "steps": 12}},
    "tasks": {"text": 1.0, "initial": 0.5, "last": 1.0, "keys": 2.0},
}  # fmt: skip


@pytest.mark.parametrize(
    ("name", "language", "module", "levels"),
    [("language", TOKENS, pack_training, 2), ("paper", PAPER, paper_training, 1)],
)
def test_language_models(name, language, module, levels, losses, tmp_path, monkeypatch):
    sizes, complete = [], module.complete

    def measured(job, base, model, *rest):
        sizes.append(size(model))
        return complete(job, base, model, *rest)

    monkeypatch.setattr(module, "complete", measured)
    recipe = Recipe.of({"pack": PACK, "language": language}, "test")
    (run := tmp_path / "run").mkdir()
    trained = pack_training.train_pack(
        recipe.pack, recipe.language, CLIPS, pack(tmp_path / "pack", levels), run, device="cpu"
    )
    golden = GOLDEN[name]
    close(losses, golden["losses"])
    assert sizes == [pytest.approx(golden["weights"], rel=1e-4)]
    for k, log in enumerate(trained.logs):
        for points, expected in (
            (log.train, golden["train"]),
            (log.held_out, golden["held_out"]),
            (log.metrics[TOKEN_ACCURACY], golden["accuracy"]),
        ):
            close([value for _, value in points], expected[k])
        assert [step for step, _ in log.held_out] == [4 * (n + 1) for n in range(len(log.held_out))]


def test_evaluator(losses, tmp_path, monkeypatch):
    """From weights that no initialization and no order of layers decides."""
    create = text_motion._new_network

    def filled(*arguments):
        network = create(*arguments)
        with torch.no_grad():
            for name, weights in network.named_parameters():
                if name.endswith("bias"):
                    weights.zero_()
                if weights.dim() > 1:
                    wave = (torch.arange(weights.numel()) * 0.7).sin()
                    weights.copy_(0.2 * wave.view_as(weights))
        torch.manual_seed(0)
        return network

    monkeypatch.setattr(text_motion, "_new_network", filled)
    config = TextMotionConfig(
        embedding_dim=8, width=16, motion_layers=1, text_layers=1, heads=2, dropout=0.0, buckets=64
    )
    settings = text_motion.TextMotionTraining(
        steps=30, minutes=1e9, batch=6, learning_rate=2e-3, join_share=0.3, word_dropout=0.2,
        noise=0.05, margin=0.1, validate_every=10, patience=5,
    )  # fmt: skip
    message = [(f"a person {w}.", f"someone {w} slowly.") for w in WORDS]
    clips = [
        Example(f"e{k}", walker(40 + 4 * (k % 3), k), message[k % 6], split, label=WORDS[k % 6])
        for k, split in enumerate(["train"] * 12 + ["val"] * 6)
    ]
    text_motion.train_text_motion(config, settings, clips, tmp_path, seed=3)
    close(losses, GOLDEN["evaluator"]["losses"])
    notes = read_card(tmp_path / text_motion.BEST)["notes"]
    assert notes == pytest.approx(GOLDEN["evaluator"]["best"])

"""Training of the tokenizer, its report and the comparison of several: on made-up walks."""

import json
from dataclasses import replace

import numpy as np
import pytest
import torch

from ext_models.__main__ import main
from ext_models.datasets.layouts import Example
from ext_models.lab import compare_tokenizers
from ext_models.motion.features import to_joints
from ext_models.motion.floor_metrics import TOES, support_foot_speeds
from ext_models.packs import PackError
from ext_models.tokenizer import report, training
from ext_models.tokenizer.vqvae import TokenizerConfig
from tests.support.motion_folders import walker

SMALL = TokenizerConfig(form="patches", width=16, code_width=32, codes=12, levels=3)
SETTINGS = training.TokenizerTraining(steps=6, minutes=1e9, batch=8, window=16)


@pytest.fixture(scope="module")
def examples():
    return [
        Example(f"w{k}", walker(60, k), ("a person walks.",), split, "walk")
        for k, split in enumerate(("train", "train", "train", "train", "val", "test"))
    ]


def weights(model):
    return torch.cat([p.detach().flatten() for p in model.parameters()])


def test_the_same_seed_gives_the_same_tokenizer(examples, tmp_path):
    one, two, other = (
        training.train_tokenizer(SMALL, SETTINGS, examples, tmp_path / str(k), seed=s)
        for k, s in enumerate((1, 1, 2))
    )
    assert torch.equal(weights(one), weights(two))
    assert not torch.equal(weights(one), weights(other))


def test_no_clips_to_learn_from(examples, tmp_path):
    with pytest.raises(PackError, match="no clip in its split 'train'"):
        training.train_tokenizer(SMALL, SETTINGS, examples[-2:], tmp_path, seed=1)


def test_toes_are_measured_in_the_world(examples):
    """Their steps on the floor are those of the decoded joints, whatever way the body turns."""
    rng = np.random.default_rng(0)
    x = report.clip_features(examples[0])
    x[:, 0] = 0.2 * rng.normal(size=len(x))  # turns by twenty degrees a frame
    toes = to_joints(x)[:, list(TOES)][..., [0, 2]]
    steps = training.toe_steps(torch.from_numpy(x)[None])[0].numpy()
    assert np.allclose(
        np.linalg.norm(steps, axis=-1), np.linalg.norm(np.diff(toes, axis=0), axis=-1), atol=1e-5
    )


def test_a_root_that_leaves_the_standing_foot_costs_more(examples):
    """The same error of the root's speed: bad under a standing foot, cheap where it swings."""
    x = torch.from_numpy(report.clip_features(examples[0]))[None]
    real = training.toe_steps(x).norm(dim=-1).amin(-1)[0]
    stands = int((real > training.STANDING_STEP).float().argmin())
    torch.manual_seed(0)
    model = training.VQVAE(SMALL)

    def cost(frame):
        moved = x.clone()
        moved[0, frame, 1] += 0.02
        # Nothing but the toes differs: the network gives back what the test wants.
        model.forward = lambda _: (moved, None, torch.zeros(()))
        settings = replace(SETTINGS, toes=1.0)
        with_toes, without = (
            training.reconstruction_loss(model, x, torch.ones(1, x.shape[1], 1), s)
            for s in (settings, replace(settings, toes=0.0))
        )
        return float(with_toes - without)

    assert cost(stands) > 2 * cost(int(real.argmax()))


def test_dropout_favours_the_favoured_levels():
    """Half of the batches with fewer levels use those that the language model writes."""
    torch.manual_seed(0)
    model = training.VQVAE(replace(SMALL, levels=4)).train()
    quantizer = model.quantizer
    quantizer.codebook_updates, quantizer.quantize_dropout = False, 1.0
    for book in quantizer.books:
        book.codebook.normal_()

    def used_levels():
        z = torch.randn(1, SMALL.code_width, 1)
        made, codes, _ = quantizer(z)
        errors = [(quantizer.look_up(codes[..., :k]) - made).abs().max() for k in range(1, 5)]
        return 1 + int(torch.stack(errors).argmin())

    shares = {}
    for written in (0, 3):
        quantizer.favoured_levels = written
        shares[written] = sum(used_levels() == 3 for _ in range(400)) / 400
    assert 0.15 < shares[0] < 0.35
    assert 0.5 < shares[3] < 0.75


def test_levels_that_the_tokenizer_lacks_are_not_favoured(examples, tmp_path):
    with pytest.raises(PackError, match="favoured_levels is 4, and its tokenizer has 3 levels"):
        training.train_tokenizer(
            SMALL, replace(SETTINGS, favoured_levels=4), examples, tmp_path, seed=1
        )


def test_a_stopped_training_goes_on(examples, tmp_path):
    training.train_tokenizer(SMALL, replace(SETTINGS, steps=3), examples, tmp_path, seed=1)
    training.train_tokenizer(SMALL, SETTINGS, examples, tmp_path, seed=1)
    state = torch.load(tmp_path / "tokenizer.pt", weights_only=True)
    assert state["schedule"]["step"] == 6


def test_a_new_decoder_keeps_the_codes(examples, tmp_path):
    """The language model that writes these codes is not in for a surprise."""
    first = training.train_tokenizer(SMALL, SETTINGS, examples, tmp_path / "a", seed=1)
    lapped = replace(SMALL, lap=2)
    longer = replace(SETTINGS, steps=40)
    again = training.train_tokenizer(
        lapped, longer, examples, tmp_path / "b", seed=2, codes_of=first
    )
    x = torch.from_numpy(report.clip_features(examples[-1]))[None]
    codes = first.encode(x)
    assert torch.equal(again.encode(x), codes)
    assert not torch.equal(again.decode(codes), first.decode(codes))
    test = examples[-1:]
    assert report.report(again, test).in_place < 1.1 * report.report(first, test).in_place
    with pytest.raises(PackError, match="other sizes"):
        wide = replace(SMALL, code_width=16)
        training.train_tokenizer(wide, SETTINGS, examples, tmp_path / "c", seed=1, codes_of=first)


def test_a_decoder_of_the_same_sizes_goes_on(examples, tmp_path):
    """It is trained further for the codes of the beam search, and not begun anew."""
    first = training.train_tokenizer(SMALL, SETTINGS, examples, tmp_path / "a", seed=1)
    gentle = replace(SETTINGS, steps=1, learning_rate=1e-6)
    again = training.train_tokenizer(
        SMALL, gentle, examples, tmp_path / "b", seed=2, codes_of=first
    )
    assert torch.allclose(weights(first.decoder), weights(again.decoder), atol=1e-5)
    assert not torch.equal(weights(first.decoder), weights(again.decoder))


def test_the_report_measures_what_it_says(examples, tmp_path):
    """Against the same numbers computed the long way; and a prefix of the levels is coarser."""
    model = training.train_tokenizer(SMALL, SETTINGS, examples, tmp_path, seed=1)
    test = examples[-1:]
    measured = report.report(model, test, 3, report.codes_used(model, examples))
    x = report.clip_features(test[0])
    truth = to_joints(x)[: len(x) // 4 * 4]
    back = to_joints(model.decode(model.encode(torch.from_numpy(x)[None]))[0].numpy())
    error = np.linalg.norm(back - truth, axis=-1).mean() * 1000
    assert measured.in_place == pytest.approx(error, rel=1e-4)
    assert measured.root_relative < measured.in_place
    assert measured.bits == pytest.approx(3 * np.log2(12) * 5)
    slides = np.mean(support_foot_speeds(back)), np.mean(support_foot_speeds(truth))
    assert measured.support_foot == pytest.approx(tuple(100 * s for s in slides), rel=1e-3)
    assert len(measured.codes_used) == 3
    assert all(0 < share <= 1 for share in measured.codes_used)
    assert min(measured.codes_used) >= min(report.report(model, test).codes_used)
    assert report.report(model, test, 1).root_relative > measured.root_relative
    assert len(measured.row("x").split("|")) == len(report.HEAD[0].split("|"))


def test_strips_are_drawn(examples, tmp_path):
    pytest.importorskip("matplotlib", reason="pictures need matplotlib")
    model = training.train_tokenizer(SMALL, SETTINGS, examples, tmp_path, seed=1)
    report.strips(model, examples[-2:], 3, tmp_path / "strips.png")
    assert (tmp_path / "strips.png").stat().st_size > 10_000


# -- the comparison ------------------------------------------------------------------

RECIPE = """
[comparison]
data = ["clean"]
seed = 3
[comparison.training]
steps = 3
batch = 4
window = 16
[[comparison.tokenizers]]
name = "residual"
form = "patches"
width = 16
code_width = 16
codes = 240
levels = 2
[[comparison.tokenizers]]
name = "scalars"
form = "patches"
quantizer = "scalar"
width = 16
code_width = 16
codes = 240
levels = 2
training = { learning_rate = 1e-4 }
"""


@pytest.fixture
def compare(monkeypatch, tmp_path, examples):
    monkeypatch.setattr(compare_tokenizers, "read_examples", lambda *_, **__: examples)
    recipe, out = tmp_path / "r.toml", tmp_path / "out"
    recipe.write_text(RECIPE)
    call = ["compare-tokenizers", str(recipe), "--data", str(tmp_path), "--out", str(out)]

    def run(*more):
        status = main([*call, "--device", "cpu", *more])
        table = out / compare_tokenizers.TABLE
        return status, table.read_text() if table.is_file() else ""

    return run


def test_one_row_a_tokenizer_and_number_of_levels(compare):
    status, table = compare()
    assert status == 0
    names = [line.split("|")[1].strip() for line in table.splitlines() if line.startswith("| ")]
    assert names == ["tokenizer", "residual, first 1", "residual", "scalars"]
    assert "1 test clips" in table


def test_finished_rows_are_kept_until_something_changes(compare, monkeypatch):
    _, first = compare()
    trained = []
    real = training.train_tokenizer
    monkeypatch.setattr(
        compare_tokenizers, "train_tokenizer", lambda *a, **k: trained.append(a) or real(*a, **k)
    )
    assert compare()[1] == first
    assert not trained
    compare("--steps", "4")
    assert [settings.steps for _, settings, *_ in trained] == [4, 4]


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("[pack]\nname = 'x'", "no [comparison] table"),
        ("[comparison]\ndata = ['clean']", "[comparison] has no 'tokenizers'"),
        (
            "[comparison]\ndata = ['clean']\n[[comparison.tokenizers]]\nwidth = 3",
            "[comparison.tokenizers[1]] has no 'name'",
        ),
        (RECIPE.replace("code_width", "kode_width"), "kode_width"),
        (RECIPE, "training needs --data DIR"),
    ],
)
def test_bad_recipes_end_in_one_sentence(monkeypatch, capsys, tmp_path, text, says):
    monkeypatch.delenv("MOTIONGPT_DATA", raising=False)
    recipe = tmp_path / "r.toml"
    recipe.write_text(text)
    out = tmp_path / "out"
    assert main(["compare-tokenizers", str(recipe), "--out", str(out), "--device", "cpu"]) == 1
    error = capsys.readouterr().err
    assert says in error
    assert "Traceback" not in error
    assert not out.exists()


def test_rows_survive_as_json(compare, tmp_path):
    compare()
    body = json.loads((tmp_path / "out" / "clean" / "1" / compare_tokenizers.ROWS).read_text())
    assert body["asked"]["name"] == "residual"
    assert len(body["rows"]) == 2

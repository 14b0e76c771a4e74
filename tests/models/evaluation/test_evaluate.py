"""The commands ``evaluate`` and ``evaluate-folds``: from files to files, refused in a sentence."""

import json
import re
import tomllib
from functools import partial

import numpy as np
import pytest
import torch

from ext_models import packs
from ext_models.__main__ import main
from ext_models.commands.lab import evaluate_folds
from ext_models.commands.options import sampling_of
from ext_models.errors import PipelineError
from ext_models.evaluation import baselines as sy
from ext_models.evaluation.tables import Table
from ext_models.generation.pipeline import MotionPipeline
from ext_models.lab import folds
from ext_models.recipes.schema import Recipe
from ext_models.text_motion import model as ev
from ext_models.text_motion.network import TextMotionNetwork
from ext_models.text_motion.text_vocabulary import TextVocabulary
from tests.support import tiny_pack
from tests.support.labelled_clips import (
    LABELS,
    PROMPTS,
    captions,
    make_examples,
    write_folder,
    write_list,
)
from tests.support.recipes import RECIPE


@pytest.fixture(scope="module")
def examples():
    return make_examples()


@pytest.fixture(scope="module")
def pack(tmp_path_factory):
    return tiny_pack.write(tmp_path_factory.mktemp("packs") / "tiny")


@pytest.fixture(scope="module")
def folder(tmp_path_factory, examples):
    return write_folder(tmp_path_factory.mktemp("data"), examples)


@pytest.fixture(scope="module")
def evaluator(tmp_path_factory):
    torch.manual_seed(0)
    config = ev.TextMotionConfig(
        embedding_dim=8, width=16, motion_layers=1, text_layers=1, heads=2, buckets=64
    )
    words = TextVocabulary.of([c for label in LABELS for c in captions(label)], config.buckets, 48)
    place = tmp_path_factory.mktemp("evaluator")
    network = TextMotionNetwork(config, words.rows)
    network.std.fill_(1.0)
    ev.save(ev.TextMotionModel.of(network, words, "0123456789abcdef"), place)
    return place


#: The tables that need no evaluator.
TABLES = ["quality", "checks", "tokenizer", "poses", "places", "labels"]
#: Everyday prompts, fewer than those that are shipped.
EVERYDAY = [
    {"text": f"walk {way}", "action": "walk", "checks": [f"moves {way}"]}
    for way in ("forward", "backward", "sideways", "along")
]


def evaluate(pack, folder, out, *more):
    return main(
        ["evaluate", "--pack", str(pack), "--data", str(folder), "--out", str(out), "--device",
         "cpu", "--samples", "2", "--draws", "3", *map(str, more)]
    )  # fmt: skip


def test_the_command(pack, folder, evaluator, tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    out = tmp_path / "out"
    sizes = ("--clips", 8, "--pool", 5, "--candidates", 2, "--pose-clips", 3)
    given = ("--evaluator", evaluator, *sizes)
    prompts = write_list(tmp_path / "p.json", *PROMPTS)
    assert evaluate(pack, folder, out, *given, "--prompts", prompts) == 0
    output = capsys.readouterr().out
    assert "1 of 6 prompts name labels" in output
    report = json.loads((out / "report.json").read_text())
    assert list(report["tables"]) == ["text_motion", "prompts", *TABLES]
    assert [row["name"] for row in report["tables"]["tokenizer"]["rows"]] == ["mine"]
    assert report["tables"]["poses"]["title"].startswith("3 clips")
    assert report["facts"]["evaluator"].startswith("01234567-")
    assert len(report["targets"]) == 1 + 3 + 4 + 2 * 6 + 2
    assert (out / "report.md").read_text().strip() in output
    # The same again: nothing is made anew, and the same numbers come out.
    monkeypatch.setattr(MotionPipeline, "generate_batch", None)
    assert evaluate(pack, folder, out, *given, "--prompts", prompts) == 0
    assert json.loads((out / "report.json").read_text())["tables"] == report["tables"]


def test_test_clips_alone_are_enough(pack, examples, evaluator, tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    folder = write_folder(tmp_path / "data", [e for e in examples if e.split == "test"])
    given = ("--evaluator", evaluator, "--clips", 6, "--pool", 5, "--candidates", 1)
    prompts = write_list(tmp_path / "p.json", *PROMPTS)
    assert evaluate(pack, folder, tmp_path / "out", *given, "--prompts", prompts) == 0
    assert "Without captioned training clips neither nearest caption" in capsys.readouterr().out
    report = json.loads((tmp_path / "out" / "report.json").read_text())
    rows = [row["name"] for row in report["tables"]["text_motion"]["rows"]]
    assert rows == ["real motion", "its tokenizer", "text to motion"]
    assert "to training clip" not in report["tables"]["text_motion"]["rows"][0]["values"]
    assert len(report["targets"]) == 1 + 4 + 2 * 6 + 2


def test_without_an_evaluator_poses_are_measured(pack, folder, tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    (pack / packs.TRAINING).write_text('{"pretrained": false}')
    given = ("--clips", 4, "--candidates", 2, "--card", "--sheets", 4)
    prompts = write_list(tmp_path / "p.json", *EVERYDAY)
    assert evaluate(pack, folder, tmp_path / "out", *given, "--prompts", prompts) == 0
    assert "No evaluator was given" in capsys.readouterr().out
    report = json.loads((tmp_path / "out" / "report.json").read_text())
    assert list(report["tables"]) == TABLES
    rows = [row["name"] for row in report["tables"]["checks"]["rows"]]
    assert rows[-1] == "mine: text to motion"  # and no ten training clips walk
    assert [p.name for p in sorted((tmp_path / "out" / "sheets").iterdir())] == ["sheet_01.png"]
    card = (pack / "MODEL_CARD.md").read_text()
    assert "\n| mine | " in card  # the tokenizer's row
    assert "support foot, cm/s" in card
    assert f"{LABELS[0]} (" not in card
    assert "initial, another clip's poses" in card
    assert re.search(r"[\d.]+% of all were fine-tuned on instructions", card)
    assert "It was not pretrained." in card


def test_a_folder_that_the_pack_has_not_seen(pack, examples, tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    folder = write_folder(tmp_path / "unseen", [e for e in examples if e.split == "train"])
    prompts = write_list(tmp_path / "p.json", *EVERYDAY)
    asked = ["evaluate", "--pack", str(pack), "--held-out", str(folder), "--out", "out", "--device",
             "cpu", "--samples", "1", "--candidates", "1", "--clips", "6",
             "--prompts", str(prompts)]  # fmt: skip
    assert main([*asked, "--pose-clips", "2"]) == 0
    report = json.loads((tmp_path / "out" / "report.json").read_text())
    assert report["facts"]["data"] == "mine, all clips held out"
    rows = [row["name"] for row in report["tables"]["quality"]["rows"]]
    assert rows == ["real motion", "its tokenizer", "text to motion"]
    missing = "neither nearest caption and random clip nor the distance to the nearest training"
    assert [missing in note for note in report["notes"]].count(True) == 1
    capsys.readouterr()
    assert main([*asked, "--card"]) != 0
    assert "--held-out does not have" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("more", "words"),
    [
        (("--clips", 2), "--clips 2: 4 at least"),
        (("--pool", 1), "--pool 1: 4 at least"),
        (("--samples", 0), "--samples 0: 1 at least"),
        (("--temperature", -1), "--temperature is -1.0: choose 0 to 10"),
        (("--evaluator", "nowhere"), "is missing: nowhere should hold an evaluator"),
        (("--sets", "none"), "has no none.npz"),
        (("--prompts", "none.toml"), "there is no such list of prompts"),
        (("--split", "val"), "fewer than 4 labels"),
    ],
)
def test_bad_input_is_one_sentence(pack, folder, tmp_path, monkeypatch, capsys, more, words):
    monkeypatch.chdir(tmp_path)
    assert evaluate(pack, folder, tmp_path / "out", *more) == 1
    output = capsys.readouterr().err.strip().splitlines()[-1]
    assert words in output
    assert output.startswith("motiongpt: ")


# -- folds ---------------------------------------------------------------------------


def test_every_clip_is_held_out_once_with_its_take(examples):
    take = {e.id: e.id[:-1] for e in examples}
    dealt = folds.assign_folds(examples, take, 4, seed=1)
    held = [[e.id for e in part if e.split == "test"] for part in dealt]
    assert sorted(i for ids in held for i in ids) == sorted(e.id for e in examples)
    assert [len(ids) for ids in held] == [8, 8, 8, 8]
    for part in dealt:
        splits = {}
        for e in part:
            splits.setdefault(take[e.id], set()).add(e.split)
        assert all(len(s) == 1 for s in splits.values())
        assert any(e.split == "val" for e in part)
    with pytest.raises(PipelineError, match="8 takes cannot be split into 9"):
        folds.assign_folds(examples, take, 9, seed=1)


def test_a_share_of_the_minutes():
    recipe = Recipe.of(tomllib.loads(RECIPE), "test")
    short = recipe.with_share_of_minutes(0.5)
    for part in (lambda r: r.tokenizer, lambda r: r.language.base, lambda r: r.language.adapter):
        assert part(short).training.minutes == part(recipe).training.minutes / 2
        assert part(short).training.steps == part(recipe).training.steps


def test_folds(examples, evaluator, tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(evaluate_folds, "sampling_of", partial(sampling_of, candidates=1))
    folder = write_folder(tmp_path / "data", [e for e in examples if e.id[-1] in "02"])
    recipe = tmp_path / "tiny.toml"
    recipe.write_text(RECIPE, encoding="utf-8")
    asked = ["evaluate-folds", str(recipe), "--data", str(folder), "--out", str(tmp_path / "out"),
             "--folds", "2", "--steps", "1", "--samples", "1", "--pool", "4", "--device", "cpu",
             "--pose-clips", "3", "--evaluator", str(evaluator)]  # fmt: skip
    assert main([*asked, "--fold", "3"]) != 0
    assert "--fold 3: 1 to 2." in capsys.readouterr().err
    assert main([*asked, "--fold", "2"]) == 0
    assert not (tmp_path / "out" / "folds.md").exists()
    assert "fold 1 of 2" not in capsys.readouterr().out
    assert main(asked) == 0
    output = capsys.readouterr().out
    assert "text_motion, 2 folds" in output
    table = Table.load(tmp_path / "out" / "text_motion.json")
    assert [row.name for row in table.rows][:3] == [sy.REAL, sy.RECONSTRUCTION, sy.TEXT]
    one = Table.load(tmp_path / "out" / "poses.json").rows[0]
    both = [
        json.loads((tmp_path / "out" / f"fold{k}" / "report.json").read_text())["tables"]["poses"]
        for k in (1, 2)
    ]
    means = [b["rows"][0]["values"]["Recon with"][0] for b in both]
    assert one.values["Recon with"][0] == pytest.approx(np.mean(means))
    # The same again: nothing is trained or made anew.
    monkeypatch.setattr(MotionPipeline, "generate_batch", None)
    monkeypatch.setattr(folds, "train_pack", None)
    assert main(asked) == 0
    assert Table.load(tmp_path / "out" / "text_motion.json") == table
    # With another seed other clips are held out, which this pack has learnt from.
    other = tmp_path / "other.toml"
    other.write_text(RECIPE.replace("rank = 2", "rank = 3"), encoding="utf-8")
    for call in (
        [*asked, "--seed", "1"],
        [*asked, "--steps", "2"],
        [asked[0], str(other), *asked[2:]],
    ):
        capsys.readouterr()
        assert main(call) != 0
        assert "fold1 holds a fold of other clips, recipe or budget" in capsys.readouterr().err

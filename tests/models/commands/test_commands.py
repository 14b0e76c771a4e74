"""Every command line's command is where it is said to be."""

from __future__ import annotations

import argparse
import json
from dataclasses import asdict, fields, replace

import pytest
import torch

import ext_models.__main__ as command_line
from ext_models import packs
from ext_models.commands import train_tokenizer
from ext_models.commands.options import sampling_of
from ext_models.errors import PipelineError
from ext_models.generation.pipeline import MotionPipeline
from ext_models.training import run_identity
from motiongpt_blender.wire import LIMITS, Sampling
from tests.support import tiny_pack
from tests.support.labelled_clips import make_examples, write_folder
from tests.support.recipes import RECIPE


def test_only_the_chosen_command_is_imported():
    """The others' options cost a second of imports each."""
    parser = command_line.parser_for(["packs"])
    assert callable(parser.parse_args(["packs"]).run)
    assert parser.parse_args(["--verbose", "packs"]).verbose
    assert parser.parse_args(["packs", "--verbose"]).verbose
    assert not hasattr(parser.parse_args(["serve"]), "run")


def test_options_are_the_fields_of_the_sampling():
    """Commands know neither a default nor a limit of their own."""

    def parse(words):
        return command_line.parser_for(words).parse_args(words)

    base = ["generate", "--prompt", "x", "--out", "y.npz"]
    assert sampling_of(parse(base)) == Sampling()
    given = Sampling(7, 0.5, 0.9, 40, 2, 3, 1.5)
    options = [f"--{name.replace('_', '-')}={value}" for name, value in asdict(given).items()]
    assert sampling_of(parse([*base, *options])) == given
    assert sampling_of(parse(["evaluate", "--seed", "4"])) == Sampling(seed=4)
    captioning = sampling_of(parse(["caption", "clip.npz"]), candidates=1)
    assert captioning == Sampling(temperature=0.0, candidates=1)


@pytest.mark.parametrize("option", fields(Sampling), ids=lambda option: option.name)
def test_both_ends_of_every_option_are_accepted_and_no_more(option):
    limits, name = LIMITS[option.name], "--" + option.name.replace("_", "-")
    single = replace(Sampling(), variations=1, candidates=1)
    for value in (limits.low, limits.high):
        kind = type(option.default)
        assert replace(single, **{option.name: kind(value)}).out_of_range() is None
    for value in (limits.low - 1, limits.high + 1):
        arguments = argparse.Namespace(**{option.name: value})
        with pytest.raises(PipelineError) as caught:
            sampling_of(arguments)
        assert str(caught.value) == f"{name} is {value}: choose {limits.low} to {limits.high}."


def test_a_training_of_something_else_does_not_go_on(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    pack, recipe = tiny_pack.write(tmp_path / "pack"), tmp_path / "tiny.toml"
    clips = [replace(e, split="val") if e.id[-1] == "2" else e for e in make_examples()]
    data = {n: write_folder(tmp_path / f"data{n}", clips[:n]) for n in (7, 8)}

    def train(steps, text=RECIPE, clips=8):
        recipe.write_text(text, encoding="utf-8")
        call = ["train-language", recipe, "--data", data[clips], "--out", pack, "--device", "cpu"]
        capsys.readouterr()
        return command_line.main([*map(str, call), "--steps", str(steps)])

    def refused(*what):
        before = (pack / packs.MANIFEST).read_bytes()
        assert train(*what) != 0
        output = capsys.readouterr().err.splitlines()[-1]
        assert output.endswith("delete it, or name the pack otherwise.")
        assert "holds the training of another recipe, data or tokenizer" in output
        return before == (pack / packs.MANIFEST).read_bytes()

    assert train(1) == 0
    assert train(2, RECIPE.replace('title = "Tiny"', 'title = "More"')) == 0
    run = tmp_path / "runs" / "tiny"
    assert torch.load(run / "adapter.pt", weights_only=True)["schedule"]["step"] == 2
    assert refused(2, RECIPE.replace("rank = 2", "rank = 2\nalpha = 3"))
    assert refused(2, RECIPE, 7)
    weights = (pack / packs.TOKENIZER_WEIGHTS).read_bytes()
    (pack / packs.TOKENIZER_WEIGHTS).write_bytes(weights[:-4] + b"abcd")
    assert refused(2)
    (pack / packs.TOKENIZER_WEIGHTS).write_bytes(weights)
    # A folder from before this was noted, and one where nothing has begun.
    noted = json.loads((run / run_identity.IDENTITY).read_text())
    (run / run_identity.IDENTITY).unlink()
    assert train(3) == 0
    assert json.loads((run / run_identity.IDENTITY).read_text()) == noted
    for stage in ("base", "adapter"):
        (run / f"{stage}.pt").unlink()
    assert train(1, RECIPE.replace("rank = 2", "rank = 3")) == 0


def test_one_command_trains_a_pack(tmp_path, monkeypatch, capsys):
    """Tokenizer, then language model; the same command again has nothing left to do."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(train_tokenizer, "PICTURED", 1)
    recipe, pack = tmp_path / "tiny.toml", tmp_path / "pack"
    recipe.write_text(RECIPE, encoding="utf-8")
    clips = [replace(e, split="val") if e.id[-1] == "2" else e for e in make_examples()]
    data = write_folder(tmp_path / "data", clips[:8])
    call = ["train-pack", recipe, "--data", data, "--out", pack, "--device", "cpu", "--steps", "1"]
    assert command_line.main(list(map(str, call))) == 0
    MotionPipeline.from_pack(pack, "cpu")
    weights = (pack / packs.TOKENIZER_WEIGHTS).read_bytes()
    assert command_line.main(list(map(str, call))) == 0
    assert (pack / packs.TOKENIZER_WEIGHTS).read_bytes() == weights


def test_a_planner_is_trained_into_its_pack(tmp_path, monkeypatch, capsys):
    """It learns summaries alone, in the pack's shape, and leaves what the pack has as it is."""
    monkeypatch.chdir(tmp_path)
    pack = tiny_pack.write(tmp_path / "pack", summary=(2, 3))
    before = {p.name: p.read_bytes() for p in pack.iterdir() if p.is_file()}
    clips = [replace(e, split="val") if e.id[-1] == "2" else e for e in make_examples()]
    data, recipe = write_folder(tmp_path / "data", clips[:8]), tmp_path / "planner.toml"
    shape = RECIPE.replace("max_frames = 44", "max_frames = 40\nsummary = [2, 3]")
    alone = "[language.tasks]\ntext = 1.0\nsummary_share = 1.0\n"

    def train(text):
        recipe.write_text(text, encoding="utf-8")
        call = ["train-planner", recipe, "--data", data, "--out", pack, "--device", "cpu"]
        return command_line.main([*map(str, call), "--steps", "2"])

    assert train(shape) != 0
    assert "summary_share = 1" in capsys.readouterr().err
    assert train(shape.replace("[2, 3]", "[2, 4]") + alone) != 0
    assert "the pack's summary is [2, 3]" in capsys.readouterr().err
    assert not (pack / "planner").exists()
    assert train(shape + alone) == 0
    assert {p.name: p.read_bytes() for p in pack.iterdir() if p.is_file()} == before
    kept = {p.name for p in (pack / "planner").iterdir()}
    assert kept == {"base", "adapter", "pack.json", "training.json"}
    assert MotionPipeline.from_pack(pack, "cpu").generator.planner is not None


def test_a_planner_makes_a_new_pack_of_the_one_that_writes(tmp_path, monkeypatch, capsys):
    """The copy has the recipe's name; its credits name the planner's base too."""
    monkeypatch.chdir(tmp_path)
    writer = tiny_pack.write(tmp_path / "writer", summary=(2, 3))
    before = {p.name: p.read_bytes() for p in writer.iterdir() if p.is_file()}
    clips = [replace(e, split="val") if e.id[-1] == "2" else e for e in make_examples()]
    data, recipe = write_folder(tmp_path / "data", clips[:8]), tmp_path / "planner.toml"
    shape = RECIPE.replace("max_frames = 44", "max_frames = 40\nsummary = [2, 3]")
    shape = shape.replace('name = "tiny"', 'name = "planned"').replace('"Tiny"', '"Planned"')
    shape = shape.replace("credits = []", 'credits = ["the maker of the base"]')
    alone = "[language.tasks]\ntext = 1.0\nsummary_share = 1.0\n"
    recipe.write_text(shape + alone, encoding="utf-8")
    out = tmp_path / "planned"
    call = ["train-planner", recipe, "--data", data, "--writer", writer, "--out", out]
    call = [*map(str, call), "--device", "cpu", "--steps", "2"]
    assert command_line.main(call) == 0
    manifest = packs.read_manifest(out)
    assert (manifest.name, manifest.title) == ("planned", "Planned")
    assert manifest.credits == ("nobody", "the maker of the base")
    assert MotionPipeline.from_pack(out, "cpu").generator.planner is not None
    assert {p.name: p.read_bytes() for p in writer.iterdir() if p.is_file()} == before
    assert not (writer / "planner").exists()
    assert command_line.main(call) == 0
    other = tiny_pack.write(tmp_path / "other", summary=(2, 3))
    call[call.index(str(out))] = str(other)
    assert command_line.main(call) != 0
    assert "holds the pack 'tiny': name another folder" in capsys.readouterr().err


def test_a_tokenizer_of_something_else_does_not_go_on(tmp_path, monkeypatch, capsys):
    """Neither another recipe's nor that of other clips; a longer budget may."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(train_tokenizer, "PICTURED", 1)
    pack, recipe = tmp_path / "pack", tmp_path / "tiny.toml"
    clips = [replace(e, split="val") if e.id[-1] == "2" else e for e in make_examples()]
    data = {n: write_folder(tmp_path / f"data{n}", clips[:n]) for n in (7, 8)}

    def train(steps, text=RECIPE, clips=8, *more):
        recipe.write_text(text, encoding="utf-8")
        call = ["train-tokenizer", recipe, "--data", data[clips], "--out", pack, "--device", "cpu"]
        capsys.readouterr()
        return command_line.main([*map(str, call), "--steps", str(steps), *more])

    def refused(*what):
        before = (pack / packs.TOKENIZER_WEIGHTS).read_bytes()
        assert train(*what) != 0
        assert "holds the training of another " in capsys.readouterr().err
        return before == (pack / packs.TOKENIZER_WEIGHTS).read_bytes()

    assert train(1) == 0
    assert train(2) == 0
    run = tmp_path / "runs" / "tiny"
    assert torch.load(run / "tokenizer.pt", weights_only=True)["schedule"]["step"] == 2
    assert refused(3, RECIPE.replace("batch = 4\nwindow", "batch = 5\nwindow"))
    assert refused(3, RECIPE, 7)
    # A new decoder notes its own identity, and its codes are the same after it was saved.
    assert train(1, RECIPE, 8, "--keep-codes") == 0
    assert train(2, RECIPE, 8, "--keep-codes") == 0
    assert torch.load(run / "decoder.pt", weights_only=True)["schedule"]["step"] == 2

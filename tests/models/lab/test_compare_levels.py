"""The comparison of ways to the finer levels: what a filler learns, and the command."""

from dataclasses import replace

import numpy as np
import pytest
import torch

from ext_models.__main__ import main
from ext_models.evaluation.eval_set import build_eval_set
from ext_models.evaluation.settings import EvalSettings
from ext_models.generation.pipeline import MotionPipeline
from ext_models.lab import compare_levels
from ext_models.lab.finer_levels import (
    FillerConfig,
    FillerTraining,
    LevelFiller,
    batch_of,
    train_filler,
)
from ext_models.language.corpus import Encoded
from ext_models.tokenizer.quantizers import ResidualQuantizer
from motiongpt_blender.wire import Sampling
from tests.support import tiny_pack
from tests.support.labelled_clips import make_examples, write_folder

KINDS, LEVELS = 10, 4


def clips(count, seed):
    """Level 3 follows from level 1, and level 4 from level 3."""
    rng = np.random.default_rng(seed)
    found = []
    for _ in range(count):
        first, second = rng.integers(KINDS, size=(2, int(rng.integers(5, 12))))
        third = (3 * first + 1) % KINDS
        codes = np.column_stack([first, second, third, 9 - third])
        found.append(Encoded((), codes, codes, np.zeros((len(codes), 3))))
    return found


@pytest.fixture
def quantizer():
    torch.manual_seed(0)
    made = ResidualQuantizer(LEVELS, KINDS, 16)
    for book in made.books:
        book.codebook.normal_()
    return made


@pytest.mark.parametrize("span", [1, 2])
def test_a_filler_learns_how_levels_depend_on_each_other(quantizer, tmp_path, span):
    config = FillerConfig(2, LEVELS, span, 12, width=32, layers=1, dropout=0.0)
    settings = FillerTraining(steps=60, minutes=1e9, learning_rate=1e-2, validate_every=30)
    held_out = clips(20, 1)
    filler = train_filler(config, quantizer, clips(100, 0), held_out[:10], settings, tmp_path)
    codes = [torch.from_numpy(clip.codes)[None] for clip in held_out[10:]]
    filled = [filler.fill(c[..., :2]) for c in codes]
    right = torch.cat([(a == b)[0] for a, b in zip(filled, codes, strict=True)]).float().mean(0)
    assert right[:2].tolist() == [1.0, 1.0]
    assert right[2:].min() > 0.9


@pytest.fixture
def untrained(quantizer):
    """A filler whose logits depend on its input."""
    filler = LevelFiller(FillerConfig(2, LEVELS, 1, 12, width=16, layers=1), quantizer).eval()
    torch.nn.init.normal_(filler.head.weight)
    return filler


def test_a_step_is_filled_with_regard_to_the_steps_after_it(untrained):
    codes = torch.zeros(1, 6, 2, dtype=torch.long)
    other = codes.clone()
    other[0, -1] = 1
    assert not torch.allclose(untrained(codes)[0, 0], untrained(other)[0, 0], atol=1e-3)


def test_shorter_clips_of_a_batch_are_not_changed_by_longer_ones(untrained):
    short, long = sorted(clips(2, 5), key=lambda clip: len(clip.codes))
    together, alone = batch_of([short, long]), batch_of([short])
    logits = untrained(together[..., :2].clamp(min=0), together[..., 0] < 0)
    assert len(short.codes) < len(long.codes)
    assert torch.allclose(
        logits[0, : len(short.codes)], untrained(alone[..., :2])[0], rtol=1e-4, atol=1e-4
    )


@pytest.fixture
def four_levels(monkeypatch):
    """A tiny pack of four levels."""
    manifest = replace(tiny_pack.manifest(), levels=LEVELS)
    monkeypatch.setattr(tiny_pack, "TOKENIZER", replace(tiny_pack.TOKENIZER, levels=LEVELS))
    monkeypatch.setattr(tiny_pack, "VOCABULARY", replace(tiny_pack.VOCABULARY, levels=LEVELS))
    monkeypatch.setattr(tiny_pack, "manifest", lambda: manifest)


def call(tmp_path, pack):
    folder = write_folder(tmp_path / "data", make_examples())
    return ["compare-levels", "--pack", str(pack), "--data", str(folder), "--clips", "5",
            "--prompts", "2", "--steps", "2", "--out", str(tmp_path / "out")]  # fmt: skip


@pytest.mark.usefixtures("four_levels")
def test_the_command_prints_a_row_a_way(tmp_path, capsys):
    pack = tiny_pack.write(tmp_path / "pack")
    assert main(call(tmp_path, pack)) == 0, capsys.readouterr().err
    printed = capsys.readouterr().out
    rows = [[c.strip() for c in x.split("|")[1:-1]] for x in printed.splitlines() if x[:2] == "| "]
    fills = [compare_levels.BY_LEVEL, compare_levels.AT_ONCE]
    written = [*fills, compare_levels.WRITTEN]
    ways = [compare_levels.LEFT_OUT, *written]
    true = [compare_levels.LIKELIEST, compare_levels.TRUE, compare_levels.REAL]
    assert [row[0] for row in rows] == [
        "5 test clips", *ways, *true, "2 prompts of 'everyday'", *ways, "finer levels of 4 s",
        *written,
    ]  # fmt: skip
    right = {row[0]: row[-2:] for row in rows[1:7]}
    assert right[compare_levels.TRUE] == ["100", "100"]
    assert right[compare_levels.LEFT_OUT] == ["-", "-"]
    assert all(0 <= float(share) <= 100 for name in written for share in right[name])


@pytest.mark.usefixtures("four_levels")
def test_the_model_writes_the_finer_levels_of_a_clip_and_nothing_else(tmp_path):
    pack = tiny_pack.write(tmp_path / "pack", summary=(2, 4))
    pipeline = MotionPipeline.from_pack(pack, "cpu")
    eval_set = build_eval_set(pipeline, make_examples(), EvalSettings(), None, clips=5)
    clips = compare_levels.encode(eval_set, [], pack, tmp_path)[-1]
    found = compare_levels.written(eval_set, clips, Sampling())
    true = [torch.from_numpy(clip.codes)[None] for clip in clips]
    assert [codes.shape for codes in found] == [codes.shape for codes in true]
    same = torch.cat([(a == b)[0] for a, b in zip(found, true, strict=True)]).float().mean(0)
    assert same[:2].tolist() == [1.0, 1.0]
    assert same[2:].max() < 0.5


def test_a_pack_of_two_levels_has_nothing_to_fill(tmp_path, capsys):
    assert main(call(tmp_path, tiny_pack.write(tmp_path / "pack"))) == 1
    assert "the pack 'tiny' writes 2 levels" in capsys.readouterr().err

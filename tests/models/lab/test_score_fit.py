"""The fit of the candidate score: synthetic pairs of known weights, and the command."""

from dataclasses import asdict, replace

import numpy as np
import pytest

from ext_models.__main__ import main
from ext_models.errors import PipelineError
from ext_models.generation.candidate_score import FEATURES
from ext_models.lab.score_fit import (
    Requested,
    ScoreData,
    chosen_table,
    fit_score,
    fit_weights,
)
from tests.support import tiny_pack
from tests.support.labelled_clips import make_examples, write_folder


def differences(rng, count=400, **means):
    """Differences of better and worse motions (N, F): these means, and noise of 1."""
    rows = rng.normal(size=(count, len(FEATURES)))
    for name, mean in means.items():
        rows[:, FEATURES.index(name)] += mean
    return rows


def test_what_tells_better_from_worse_weighs_and_the_more_the_better_it_tells():
    rng = np.random.default_rng(0)
    groups = [differences(rng, slide=-2.0, acceleration=-0.5), differences(rng, fit=1.0)]
    weights = fit_weights(groups)
    assert weights.slide < 2 * weights.acceleration < 0
    assert weights.fit > 0.2
    for name in ("checks", "pose_distance", "rush"):
        assert abs(getattr(weights, name)) < 0.2


def test_a_weight_follows_the_unit_of_its_feature():
    rng = np.random.default_rng(1)
    rows = differences(rng, slide=-1.0, fit=1.0)
    centimetres = rows * np.where(np.array(FEATURES) == "slide", 100.0, 1.0)
    one, other = fit_weights([rows]), fit_weights([centimetres])
    assert other.slide == pytest.approx(one.slide / 100, rel=1e-3)
    assert other.fit == pytest.approx(one.fit, rel=1e-3)


def test_no_weight_turns_against_its_sense_and_what_never_differs_weighs_nothing():
    rows = differences(np.random.default_rng(2), slide=1.0, fit=-1.0, rush=-1.0)
    rows[:, FEATURES.index("checks")] = 0.0
    weights = fit_weights([rows])
    assert (weights.slide, weights.fit, weights.checks) == (0, 0, 0)
    assert weights.rush < 0
    with pytest.raises(PipelineError, match="No feature differs"):
        fit_weights([0 * rows])


def test_a_penalty_shares_the_weight_between_features_that_tell_the_same():
    rows = differences(np.random.default_rng(5), slide=-2.0)
    rows[:, FEATURES.index("rush")] = 0.9 * rows[:, FEATURES.index("slide")]
    alone, shared = fit_weights([rows], 0.01), fit_weights([rows], 1.0)
    assert abs(shared.slide) < abs(alone.slide)
    assert shared.rush / shared.slide == pytest.approx(1 / 0.9, rel=0.05)


def test_each_group_counts_alike():
    rng = np.random.default_rng(3)
    small, large = differences(rng, 100, rush=-1.0), differences(rng, 5000, slide=-1.0)
    weights = fit_weights([small, large])
    assert weights.rush == pytest.approx(weights.slide, rel=0.4)


def test_the_report_says_what_the_score_chooses():
    rng = np.random.default_rng(4)
    column = {name: k for k, name in enumerate(FEATURES)}
    requested = []
    for _ in range(12):
        candidates = rng.uniform(0.2, 1.0, size=(8, len(FEATURES)))
        requested.append(Requested(np.zeros(len(FEATURES)), candidates))
    data = ScoreData(tuple(requested), tuple(requested), differences(rng, 12, fit=2.0))
    weights, held_out = fit_score(data)
    rows = {row.name: row.values for row in chosen_table(data, weights).rows}
    assert rows["text: real"]["slide"][0] == 0
    assert rows["text: score"]["slide"][0] < rows["text: a random one"]["slide"][0]
    best = [one.candidates[one.candidates[:, column["fit"]].argmax()] for one in requested]
    assert rows["text: fit alone"]["fit"][0] == pytest.approx(np.mean(best, axis=0)[column["fit"]])
    assert held_out.values["real before generated, text"] > 0.9


def test_the_command_prints_the_weights(tmp_path, capsys):
    pack = tiny_pack.write(tmp_path / "pack")
    examples = [replace(e, split="val") for e in make_examples() if e.split == "test"]
    folder = write_folder(tmp_path / "data", examples)
    asked = ["fit-score", "--pack", str(pack), "--data", str(folder), "--clips", "4",
             "--candidates", "2", "--device", "cpu", "--out", str(tmp_path / "out")]  # fmt: skip
    assert main(asked) == 0
    printed = capsys.readouterr().out
    lines = [line for line in printed.splitlines() if ": float = " in line]
    assert [line.split(":")[0] for line in lines] == list(asdict(fit_weights([np.eye(6)])))
    assert "with poses: poses alone" in printed
    # The candidates lie on disk: the same again makes none anew and finds the same weights.
    assert main(asked) == 0
    assert [x for x in capsys.readouterr().out.splitlines() if ": float = " in x] == lines

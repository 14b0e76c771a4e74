"""Wordings of one meaning: their distance beside that of seeds."""

from types import SimpleNamespace

import numpy as np
import pytest

from ext_models.evaluation.prompts.prompt_lists import Prompt, PromptList
from ext_models.evaluation.prompts.wording_table import (
    RATIO,
    SEEDS,
    WORDINGS,
    distances,
    wording_table,
)

PROMPTS = (
    Prompt("walk", action="walk", meaning="walk"),
    Prompt("jump", action="jump"),
    Prompt("strides", action="walk", meaning="walk"),
    Prompt("sit", action="sit", meaning="sit"),
    Prompt("sits", action="sit", meaning="sit"),
    Prompt("bow", action="bow", meaning="bow"),
)
#: Where the takes of each prompt lie, from the two seeds.
PLACES = {
    "walk": (0, 1),
    "strides": (10, 11),
    "sit": (0, 4),
    "sits": (0, 4),
    "bow": (9, 9),
    "jump": (99, 5),
}


class Maker:
    """Makes clips that hold one number, by prompt and sample."""

    def make(self, requests, name):
        return [PLACES[request.prompt][k // len(PROMPTS)] for k, request in enumerate(requests)]


class Numbers:
    """Embeds such clips as a point on a line."""

    name = "numbers"

    def embed_motion(self, clips):
        return np.array([[float(number)] for number in clips], dtype=np.float32)


def eval_set(samples):
    manifest = SimpleNamespace(max_frames=196, fps=20.0)
    return SimpleNamespace(
        settings=SimpleNamespace(samples=samples),
        pipeline=SimpleNamespace(manifest=manifest),
        sampling=lambda *names: None,
    )


def test_wordings_count_by_pairs_of_takes_and_seeds_within_a_wording():
    points = np.array([[[0.0, 0], [3, 4]], [[0, 0], [0, 0]], [[3, 4], [3, 4]]])
    wordings, seeds = distances(points)
    assert wordings == pytest.approx(np.mean([2.5, 2.5, 5]))
    assert seeds == pytest.approx(5 / 3)


def test_a_row_for_each_meaning_and_their_mean():
    table = wording_table(eval_set(2), Numbers(), Maker(), [PromptList("mine", PROMPTS)])
    rows = {row.name: row.values for row in table.rows}
    assert list(rows) == ["mine: walk", "mine: sit", "mine"]
    assert rows["mine: walk"] == {WORDINGS: 10, SEEDS: 1, RATIO: 10}
    assert rows["mine: sit"] == {WORDINGS: 2, SEEDS: 4, RATIO: 0.5}
    assert [rows["mine"][c][0] for c in (WORDINGS, SEEDS, RATIO)] == [6, 2.5, 5.25]
    assert table.evaluator == "numbers"


def test_no_table_without_meanings_or_a_second_seed():
    plain = PromptList("plain", PROMPTS[1:2])
    assert wording_table(eval_set(2), Numbers(), Maker(), [plain]) is None
    assert wording_table(eval_set(1), Numbers(), Maker(), [PromptList("mine", PROMPTS)]) is None

"""The check table: what is counted, over which prompts, and the targets."""

from types import SimpleNamespace

import numpy as np
import pytest

from ext_models.datasets.examples import Example
from ext_models.datasets.mirroring import mirror_joints
from ext_models.evaluation import check_table as c
from ext_models.evaluation.baselines import RANDOM, REAL, TEXT, Method
from ext_models.evaluation.prompts.prompt_lists import Prompt, PromptList
from ext_models.evaluation.tables import Row, Table
from ext_models.evaluation.targets import targets
from ext_models.prompt_checks.grammar import read_checks
from tests.support.clips import clip

TURN = clip("turn").astype(np.float32)  # to the right
LEFT = mirror_joints(TURN)
WALK = clip("walk").astype(np.float32)


def test_prompts_count_alike_and_samples_as_their_mean():
    checks = [read_checks(p) for p in ("turns left", "someone dreams", "walks forward, turns left")]
    assert [len(own) for own in checks] == [1, 0, 2]
    method = Method(TEXT, ([LEFT, WALK, WALK], [TURN, WALK, LEFT]))
    score = c.check_score("x", checks, method)
    assert score.met == pytest.approx([0.5, 0.75])  # of the second one, half and all
    row = score.row().values
    assert (row["prompts"], row["checks"]) == (2, 3)
    assert row[c.MET][0] == pytest.approx(0.625)


def test_later_parts_count_apart():
    checks = [read_checks(p) for p in ("walks forward, then turns right", "turns right")]
    assert c.check_score("x", checks[1:], Method(TEXT, ([TURN],))).row().values.keys() == {
        "prompts", "checks", c.MET
    }  # fmt: skip
    for second, met in ((WALK, 0), (TURN, 1)):
        both = np.concatenate([WALK, second])
        row = c.check_score("x", checks, Method(TEXT, ([both, TURN], [both, WALK]))).row().values
        assert row[c.LATER][0] == met
        assert row[c.MET][0] == pytest.approx(((1 + met) / 2 + 0.5) / 2)


def test_training_clips_of_a_kind_are_counted_by_their_words():
    def example(name, *captions):
        return Example(name, WALK, captions, "train")

    train = [
        example("a", "a man walks.", "he is walking."),
        example("b", "Walking on."),
        example("c", "a catwalk show."),
    ]
    assert c.clips_of(Prompt("walk!", action="walk"), train) == 2
    assert c.clips_of(Prompt("jump", action="jump"), train) == 0


class Maker:
    """Makes the right turn of each prompt that asks for one, and a walk for all others."""

    def make(self, requests, name):
        return [TURN if "right" in request.prompt else WALK for request in requests]


@pytest.fixture
def eval_set():
    train = tuple(Example(f"t{k}", WALK, ("someone turns.",), "train") for k in range(10))
    return SimpleNamespace(
        captions=["a person turns right", "a person dreams"],
        train=train,
        held_out=(),
        settings=SimpleNamespace(samples=1),
        pipeline=SimpleNamespace(manifest=SimpleNamespace(max_frames=196, fps=20.0)),
        sampling=lambda *names: None,
    )


def test_captions_beside_real_motion_and_everyday_prompts_by_their_kind(eval_set):
    methods = [
        Method(REAL, ([TURN, WALK],)),
        Method(TEXT, ([LEFT, WALK],)),
        Method(RANDOM, ([WALK, WALK],)),
    ]
    prompts = (
        Prompt("turn right", action="turn", checks=("turns right",)),
        Prompt("turn left", action="turn", checks=("turns left",)),
        Prompt("jump", action="jump", checks=("jumps",)),
        Prompt("dream", action="dream"),
    )
    everyday = PromptList("everyday", prompts)
    plain = PromptList("plain", (Prompt("a", labels=("x",)),))
    table = c.check_table(eval_set, Maker(), methods, [plain, everyday])
    rows = {row.name: row.values for row in table.rows}
    assert {name: row[c.MET][0] for name, row in rows.items()} == pytest.approx(
        {
            "test captions: real motion": 1,
            "test captions: text to motion": 0,
            "everyday: text to motion": 1 / 3,
            f"everyday, {c.KNOWN}: text to motion": 1 / 2,
        }
    )
    assert [row["prompts"] for row in rows.values()] == [1, 1, 3, 2]


def test_each_language_has_a_row(eval_set):
    prompts = tuple(
        Prompt(
            text, checks=("turns right",), action="turn", language=language, english="turn right"
        )
        for text, language in (("dreh dich nach rechts", "de"), ("tourne (right)", "fr"))
    )
    table = c.check_table(eval_set, Maker(), [], [PromptList("languages", prompts)])
    met = {row.name.removesuffix(f": {TEXT}"): row.values[c.MET][0] for row in table.rows}
    assert met == {
        "languages": 0.5,
        f"languages, {c.KNOWN}": 0.5,
        "languages, de": 0,
        "languages, fr": 1,
    }


def test_where_nothing_can_be_checked_there_is_no_table(eval_set):
    eval_set.captions = ["a person dreams"]
    assert c.check_table(eval_set, Maker(), [Method(TEXT, ([WALK],))], []) is None


@pytest.mark.parametrize(("every", "known", "met"), [(0.61, 0.76, (1, 1)), (0.59, 0.74, (0, 0))])
def test_targets_of_everyday_prompts(every, known, met):
    rows = (
        Row(f"everyday: {TEXT}", {c.MET: (every, 0.1)}),
        Row(f"everyday, {c.KNOWN}: {TEXT}", {c.MET: (known, 0.1)}),
        Row(f"{c.CAPTIONS}: {TEXT}", {c.MET: (0.1, 0.1)}),
    )
    found = targets({"checks": Table("t", rows), "poses": Table("p")})
    assert [target.met for target in found] == list(map(bool, met))


@pytest.mark.parametrize(("later", "met"), [(0.81, True), (0.79, False)])
def test_the_target_of_what_follows_a_then(later, met):
    row = Row(f"then: {TEXT}", {c.MET: (0.5, 0.1), c.LATER: (later, 0.1)})
    (target,) = targets({"checks": Table("t", (row,)), "poses": Table("p")})
    assert (target.met, target.value) == (met, later)

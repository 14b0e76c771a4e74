"""The table that says how far checks can be trusted."""

import re

from ext_models.__main__ import main
from ext_models.datasets.examples import Example
from ext_models.lab.check_precision import kind_of, precision_table
from ext_models.prompt_checks.grammar import read_checks
from tests.support.clips import clip
from tests.support.labelled_clips import make_examples, write_folder


def example(name, caption, joints):
    return Example(name, joints, (caption,), "train", name)


def test_clips_are_asked_by_their_own_captions_and_by_those_of_others():
    walk = clip("walk")
    examples = [
        example("walk", "a person walks forward.", walk),
        example("liar", "a person walks forward.", walk[:1].repeat(60, axis=0)),
        example("idle", "a person stands still.", walk[:1].repeat(60, axis=0)),
    ]
    rows = {row.name: row.values for row in precision_table(examples, 10, seed=0).rows}
    assert rows["moves forward"] == {
        "clips": 2.0,
        "met where the caption demands it": 0.5,
        "met by other clips": 0.0,
    }
    assert rows["stands still"]["met where the caption demands it"] == 1.0
    assert 0 < rows["stands still"]["met by other clips"] < 1 or rows["stands still"]["clips"] == 1


def test_what_a_caption_entails_or_is_silent_about_is_no_counterexample():
    walk, still = clip("walk"), clip("walk")[:1].repeat(60, axis=0)
    hand = clip("raise")
    examples = [
        example("raise", "a person raises the left hand.", hand),
        example("wave", "a person waves the left hand.", hand),
        example("slow", "a person walks slowly.", walk[::2].repeat(2, axis=0)),
        example("walk", "a person walks along.", walk),
        example("idle", "a person stands still.", still),
        example("sit", "a person sits down.", clip("sit")),
    ]
    rows = {row.name: row.values for row in precision_table(examples, 10, seed=0).rows}
    assert rows["raises a hand"]["met by other clips"] == 0.0  # the wave is not asked
    assert rows["stands still"]["met by other clips"] == 0.0  # only walks are asked
    assert rows["stays upright"] == {
        "clips": 5.0,
        "met where the caption demands it": 1.0,
        "met by other clips": 0.0,
    }


def test_kinds_leave_side_and_size_out():
    kinds = [kind_of(check) for check in read_checks(
        "turn left by 90 degrees, then turn right, walk to the left, kick twice, raise both hands"
    )]  # fmt: skip
    assert kinds == [
        "turns to a side by N degrees",
        "turns to a side",
        "moves to a side",
        "kicks, N times",
        "raises both hands",
    ]


def test_the_command_prints_the_table(tmp_path, capsys):
    write_folder(tmp_path, make_examples())
    assert main(["check-prompts", "--data", str(tmp_path), "--clips", "5"]) == 0
    out = capsys.readouterr().out
    assert re.search(r"moves forward +\| +5", out), out
    assert main(["check-prompts", "--data", str(tmp_path), "--clips", "0"]) == 1
    assert "--clips 0: at least 1" in capsys.readouterr().err

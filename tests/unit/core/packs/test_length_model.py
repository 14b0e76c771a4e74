"""The length that suits a prompt."""

import json
import math

import pytest

from motiongpt_blender.core.packs.length_model import (
    LENGTHS,
    LengthModel,
    features,
    read_lengths,
)
from motiongpt_blender.core.packs.manifest import PackError

MODEL = LengthModel(math.log(3.0), {"jumps": -0.5, "~circ": 0.6, "~walk": 0.2}, 1.2, 6.0)


def test_features_are_words_and_their_stems():
    assert features("A man kicks, twice!") == {"a", "man", "kicks", "twice", "~kick", "~twic"}
    assert features("") == frozenset()


@pytest.mark.parametrize(
    ("prompt", "seconds"),
    [
        ("", 3.0),
        ("Jumps", 1.8),
        ("walking in circles", 6.0),  # 3.0 x e^0.8 is 6.7: more than the longest
        ("a walk", 3.7),
        ("walk and walk", 3.7),
    ],
)
def test_words_add_up_within_the_bounds(prompt, seconds):
    assert MODEL.seconds(prompt) == seconds


def test_actions_in_a_row_add_up_to_the_longest():
    assert MODEL.seconds("a walk, then jumps") == pytest.approx(3.7 + 1.8, abs=0.06)
    assert MODEL.seconds("walk, then walk, then walk") == 6.0


def test_nothing_is_shorter_than_the_shortest():
    assert LengthModel(math.log(0.1), {}, 1.2, 6.0).seconds("jump") == 1.2


def test_a_saved_model_reads_the_same(tmp_path):
    MODEL.save(tmp_path)
    assert read_lengths(tmp_path) == MODEL


def test_a_pack_without_lengths_has_none(tmp_path):
    assert read_lengths(tmp_path) is None


@pytest.mark.parametrize(
    "change",
    [
        {"weights": None},
        {"weights": {"walk": "long"}},
        {"bias": math.nan},
        {"weights": {"walk": math.inf}},
        {"shortest": 0.0},
        {"longest": 1.0},
    ],
)
def test_a_damaged_file_is_named(tmp_path, change):
    MODEL.save(tmp_path)
    body = json.loads((tmp_path / LENGTHS).read_text("utf-8"))
    (tmp_path / LENGTHS).write_text(json.dumps({**body, **change}), "utf-8")
    with pytest.raises(PackError, match=LENGTHS):
        read_lengths(tmp_path)


def test_a_file_that_is_no_json_is_named(tmp_path):
    (tmp_path / LENGTHS).write_text("[", "utf-8")
    with pytest.raises(PackError, match=LENGTHS):
        read_lengths(tmp_path)

"""Lengths learnt from captions."""

import numpy as np
import pytest

from ext_models.datasets.examples import DataError, Example
from ext_models.language.length_fitting import LEAST_CAPTIONS, fit_lengths, length_errors
from ext_models.packs import shipped_packs
from motiongpt_blender.core.packs.length_model import read_lengths

KINDS = {"a person jumps": 1.5, "a person walks in a circle": 6.0, "a person bows": 3.0}


def clips(kinds, split="train", count=21):
    """``count`` clips of each caption, a tenth shorter, exact and a tenth longer in turn."""
    return [
        Example(
            f"{caption} {k}",
            np.zeros((round(20 * seconds * (0.9, 1.0, 1.1)[k % 3]), 22, 3), np.float32),
            (caption,),
            split,
        )
        for caption, seconds in kinds.items()
        for k in range(count)
    ]


def test_lengths_follow_the_captions():
    model = fit_lengths(clips(KINDS))
    assert model.seconds("jump") < 2.2 < model.seconds("bowing") < 4.0
    assert 4.5 < model.seconds("someone walks in circles") <= 6.6
    assert model.seconds("juggle") == model.seconds("")
    assert 2.0 < model.seconds("") < 4.0


def test_only_training_clips_are_learnt_from():
    held_out = clips({"a person jumps": 9.0}, split="test", count=50)
    assert fit_lengths([*clips(KINDS), *held_out]) == fit_lengths(clips(KINDS))


def test_clips_without_captions_are_refused():
    with pytest.raises(DataError, match="caption"):
        fit_lengths(clips(KINDS, split="test"))


def test_a_word_of_few_captions_does_not_count():
    rare = clips({"somersault": 9.0}, count=LEAST_CAPTIONS - 1)
    assert "somersault" not in fit_lengths([*clips(KINDS), *rare]).weights
    common = clips({"somersault": 9.0}, count=LEAST_CAPTIONS)
    assert "somersault" in fit_lengths([*clips(KINDS), *common]).weights


def test_errors_are_measured_on_held_out_captions():
    examples = [*clips(KINDS), *clips(KINDS, split="test", count=6)]
    errors = length_errors(fit_lengths(examples), examples)
    assert errors is not None
    assert errors.captions == 18
    assert errors.model < 1.35 < errors.constant  # the lengths themselves vary by 1.1
    assert length_errors(fit_lengths(examples), clips(KINDS)) is None


@pytest.mark.parametrize("pack", shipped_packs(), ids=lambda folder: folder.name)
def test_shipped_packs_suggest_lengths(pack):
    model = read_lengths(pack)
    assert model is not None
    assert 1.5 < model.seconds("a person jumps") < 4.0
    assert model.seconds("a man walks in a circle") > 1.3 * model.seconds("a man throws a ball")

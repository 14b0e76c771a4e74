"""The plain form: what people type comes near the captions, which stay as they are."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ext_models.language.instructions import text_ids, unknown_words
from ext_models.language.plain_text import plain_text, plain_words


@pytest.mark.parametrize(
    "typed",
    [
        "walk forward",
        "Walk forward.",
        "WALK  FORWARD!!",
        "\u201cwalk forward\u201d",
        "'walk forward'",
        "walk forward \U0001f6b6\u200d\u2642\ufe0f",
        "**walk forward** :)",
        "\tWalk\nforward...",
        "walk\x00 forward\x1b",
        "\uff37\uff41\uff4c\uff4b forward?",
        "- walk forward -",
        "\U0001d416ALK forward",
    ],
)
def test_one_form_of_what_means_the_same(typed):
    assert plain_text(typed) == "walk forward."


@pytest.mark.parametrize(
    ("typed", "plain"),
    [
        ("slow walk", "slow walk."),
        ("He stops.  He bows.", "he stops, he bows."),
        ("run \u2013 then stop; sit!", "run, then stop, sit."),
        ("jump w/o arms, w/ style & speed", "jump without arms, with style and speed."),
        ("turn 90\u00b0, 2.5 times", "turn 90 degrees, 2.5 times."),
        ("don\u2019t use the left-hand side", "don't use the left-hand side."),
        ("w\u0336alk like a na\u00efve jet\u00e9", "walk like a naïve jeté."),
        ("\u5411\u524d\u8d70\u3002\u505c\uff01", "向前走, 停."),
        ("\u0627\u0645\u0634\u064a", "امشي."),
        ("?!...", "."),
        ("", "."),
    ],
)
def test_words_and_their_order_stay(typed, plain):
    assert plain_text(typed) == plain


@given(st.text(max_size=200))
def test_the_plain_form_stays_as_it_is(text):
    plain = plain_text(text)
    assert plain_text(plain) == plain
    assert plain.endswith(".") and plain.isprintable() and "  " not in plain


def test_captions_have_the_plain_form_already(data):
    captions = json.loads((data / "captions.json").read_text(encoding="utf-8"))
    every = {c for own in captions.values() for c in own}
    assert len(every) > 1000 and {plain_text(c) for c in every} == every


class Letters:
    """A tokenizer with an id for each letter."""

    def __call__(self, text):
        self.input_ids = [ord(c) for c in text]
        return self


def test_the_model_reads_the_plain_form():
    assert text_ids(Letters(), "SIT  down!!") == [ord(c) for c in "sit down."]


def test_unknown_are_words_and_not_signs():
    known = plain_words("a person walks, then someone's friend sits.")
    assert unknown_words(
        "\u201cA PERSON\u201d walks \U0001f642 & yodels; YODELS (sits)!", known
    ) == [
        "and",
        "yodels",
    ]

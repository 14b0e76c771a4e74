"""Typing errors are corrected; other words stay as typed."""

import pytest

from ext_models.evaluation.prompts.prompt_lists import read_prompts, shipped_lists
from ext_models.language.spelling import Correction, corrected, correction_note
from ext_models.language.thesaurus import load_thesaurus
from ext_models.packs import SHIPPED, read_manifest
from ext_models.prompt_checks.words import words

KNOWN = read_manifest(SHIPPED / "styles").words


@pytest.mark.parametrize(
    ("typed", "read"),
    [
        ("wlaks forwrad", "walks forward"),
        ("walks foward", "walks forward"),
        ("he jumpp up", "he jump up"),
        ("Runing, FAST", "running, FAST"),
        ("sits dwon on a chiar", "sits down on a chair"),
        ("kikcs wiht the rihgt foot", "kicks with the right foot"),
        ("RAISE BOTH HADNS", "RAISE BOTH hands"),
    ],
)
def test_slips_of_the_fingers_are_read_as_what_was_meant(typed, read):
    assert corrected(typed, KNOWN, words().every)[0] == read


@pytest.mark.parametrize(
    "prompt",
    [
        "a person walks forward",
        "destroys planks with his foot",
        "salta adelante",
        "läuft wlaks",
        "一个人走路",
        "he tna",
        "123 ...",
    ],
)
def test_other_words_stay(prompt):
    assert corrected(prompt, KNOWN, words().every) == (prompt, ())


def test_words_of_the_checks_are_no_errors():
    """The pack does not know "trots", but the checks do."""
    assert corrected("a horse trots", ("trost",))[1] == (Correction("trots", "trost"),)
    assert corrected("a horse trots", ("trost",), words().every)[1] == ()


def test_real_words_of_the_lists_are_hardly_ever_corrected():
    prompts = [p.text for name in ("unknown", "wordings", "everyday", "then", "compositions")
               for p in read_prompts(shipped_lists()[name]).prompts]  # fmt: skip
    real = words().every | load_thesaurus().words
    wrong = [c for p in prompts for c in corrected(p, KNOWN, real)[1]]
    assert len(wrong) <= 2, wrong


def test_the_note_names_each_word():
    found = corrected("wlaks and wlaks foward", KNOWN)[1]
    assert correction_note(found) == "Read 'wlaks' as 'walks', 'foward' as 'forward'."

"""Prompts: what is taken, what is refused, and with which sentence."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from motiongpt_blender.core.timeline.prompts import MAX_PROMPT, PromptError, clean_prompt


@pytest.mark.parametrize(
    ("text", "clean"),
    [
        ("a person walks", "a person walks"),
        ("  a person\twalks\n forward ", "a person walks forward"),
        ("walk 3 steps, then stop!", "walk 3 steps, then stop!"),
        ("a naïve jeté", "a naïve jeté"),
        ("x" * MAX_PROMPT, "x" * MAX_PROMPT),
    ],
)
def test_taken(text, clean):
    assert clean_prompt(text) == clean


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("", "empty"),
        (" \t\n ", "empty"),
        ("x" * 5000, "5000 characters"),
        ("walk\x00 on", "(code 0x0000) at position 5"),
        ("walk\x1b[31m", "(code 0x001b)"),
        ("walk\u200bon", "(code 0x200b)"),
        ("walk \ud800", "(code 0xd800)"),
        ("человек идёт", "the letter 'ч'"),
        ("一个人走路", "the letter '一'"),
        ("شخص يمشي", "write it in English"),
        ("123 ...", "no words"),
    ],
)
def test_refused_with_one_sentence(text, says):
    with pytest.raises(PromptError) as caught:
        clean_prompt(text)
    sentence = str(caught.value)
    assert says in sentence
    assert sentence.endswith(".") and "\n" not in sentence and len(sentence) < 160
    assert sentence.isprintable()


@given(st.text(max_size=500))
def test_clean_stays_clean(text):
    try:
        clean = clean_prompt(text)
    except PromptError:
        return
    assert clean_prompt(clean) == clean
    assert clean.isprintable() and 0 < len(clean) <= MAX_PROMPT

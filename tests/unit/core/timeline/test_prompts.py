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
        # what is pasted along unseen
        ("walk\u200bon", "walk on"),
        ("\ufeffwalk \u202eon\u202c", "walk on"),
        ("wa\u00adlk\u2060", "walk"),
        ("wave \U0001f469\u200d\U0001f680", "wave \U0001f469\U0001f680"),
        ("\uff37\uff21\uff2c\uff2b", "WALK"),
        (" " * 5000 + "walk", "walk"),
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
        ("\u200b\u202e\ufeff", "empty"),
        ("walk \ud800", "(code 0xd800)"),
        ("человек идёт", "the letter 'ч'"),
        ("一个人走路", "the letter '一'"),
        ("شخص يمشي", "write it in English"),
        ("123 ...", "no words"),
        ("?!?", "no words"),
        ("\U0001f44b", "no words"),
        ("\u05dc\u05dc\u05db\u05ea", "write it in English"),
    ],
)
def test_refused_with_one_sentence(text, says):
    with pytest.raises(PromptError) as caught:
        clean_prompt(text)
    sentence = str(caught.value)
    assert says in sentence
    assert sentence.endswith(".") and "\n" not in sentence and len(sentence) < 160
    assert sentence.isprintable()


@pytest.mark.parametrize(
    "text", ["一个人走路", "오른손을 흔든다", "前に歩く", "человек идёт", "walk"]
)
def test_every_script_is_taken_where_it_is_asked_for(text):
    assert clean_prompt(f" {text} ", any_script=True) == text


@pytest.mark.parametrize("text", ["", "。、", "一\x00", "走" * 401])
def test_every_script_is_refused_for_the_same_reasons(text):
    with pytest.raises(PromptError):
        clean_prompt(text, any_script=True)


@pytest.mark.parametrize(
    ("text", "letter"), [("ένας walks", "έ"), ("אדם הולך", "א"), ("आदमी चलता", "आ")]
)
def test_a_script_that_no_reader_knows_is_refused(text, letter):
    with pytest.raises(PromptError, match=f"letter '{letter}'.*no language that is written so"):
        clean_prompt(text, any_script=True)


@given(st.text(max_size=500), st.booleans())
def test_clean_stays_clean(text, any_script):
    try:
        clean = clean_prompt(text, any_script=any_script)
    except PromptError:
        return
    assert clean_prompt(clean, any_script=any_script) == clean
    assert clean.isprintable() and 0 < len(clean) <= MAX_PROMPT

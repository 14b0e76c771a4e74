"""Wrapped sentences: every line fits, nothing is lost, and CJK text breaks between letters."""

import pytest

from motiongpt_blender.core.text_lines import wrapped

ENGLISH = "The take '{name}' is kept: choose another one, or press Generate again."
CHINESE = "4 个镜次：请在下方选择一个，然后保留它（231.2 秒）。"
JAPANESE = "2 個のテイク: 下から選び、「保持」を押してください（47.3 秒）。"


def width(text):
    """Two for a wide letter, one for others, as in most fonts."""
    return sum(2 if ord(letter) > 0x2E7F else 1 for letter in text)


@pytest.mark.parametrize("text", [ENGLISH, CHINESE, JAPANESE])
@pytest.mark.parametrize("room", [12, 20, 33, 200])
def test_lines_fit_and_nothing_is_lost(text, room):
    lines = wrapped(text, room, width)
    assert max(map(width, lines)) <= room
    assert "".join(lines).replace(" ", "") == text.replace(" ", "")
    assert len(lines) <= 2 + width(text) / (room - 8)


def test_english_breaks_between_words():
    lines = wrapped(ENGLISH, 20, width)
    assert set(" ".join(lines).split()) == set(ENGLISH.split())


def test_a_line_begins_with_no_closing_sign_and_ends_with_no_opening_one():
    for text in (CHINESE, JAPANESE):
        for room in range(8, 40):
            lines = wrapped(text, room, width)
            assert not any(line[0] in "，。、」）：" for line in lines)
            assert not any(line[-1] in "「（" for line in lines[:-1])


def test_a_long_word_is_cut():
    assert wrapped("a/very/long/path/without/spaces", 10, width) == [
        "a/very/lon", "g/path/wit", "hout/space", "s",
    ]  # fmt: skip


def test_nothing_has_no_lines():
    assert wrapped("  ", 10, width) == []

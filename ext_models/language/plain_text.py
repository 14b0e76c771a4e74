"""The plain form of a prompt, in which captions are written.

The model learns from captions: lower case, words, commas, one full stop at the end. People type
"WALK FORWARD!! 🙂" and mean the same; the form takes away what no caption has, and leaves the words
and their order as typed. A caption of the data is in this form already.
"""

from __future__ import annotations

import re
import unicodedata
from typing import Final

_APOSTROPHES: Final = str.maketrans(dict.fromkeys("\u2018\u2019\u02bc\u00b4`", "'"))
#: Signs and short forms that are words.
_SPOKEN: Final = (
    (re.compile(r"\bw/o\b"), "without"),
    (re.compile(r"\bw/(?=\W|$)"), "with"),
    (re.compile(r"[&+]"), " and "),
    (re.compile(r"\u00b0"), " degrees"),
)
#: What ends a sentence or a clause, but no point of a decimal number.
_ENDS: Final = re.compile(r"\.(?!\d)|(?<!\d)\.|[!?;:\u2013\u2014\u3001\u3002]|--")
#: Apostrophes and hyphens that are inside no word: quotes and dashes.
_LOOSE: Final = re.compile(r"(?<!\w)['-]+|['-]+(?!\w)")
#: Accents that belong to no letter of a language, and what chooses the look of an emoji.
_STRAY_MARKS: Final = re.compile(r"[\u0300-\u036f\ufe00-\ufe0f\u20d0-\u20ff]")


def plain_text(text: str) -> str:
    """A prompt or a caption in plain form, in any script; "." where no word is left."""
    text = _in_small_letters(text)
    for pattern, words in _SPOKEN:
        text = pattern.sub(words, text)
    text = _ENDS.sub(",", _STRAY_MARKS.sub("", text))
    text = _LOOSE.sub(" ", "".join(c if _is_written(c) else " " for c in text))
    clauses = (" ".join(clause.split()) for clause in text.split(","))
    return ", ".join(clause for clause in clauses if clause) + "."


def plain_words(text: str) -> list[str]:
    """The words of a prompt in plain form."""
    return [word.strip(",.") for word in plain_text(text).split() if word.strip(",.")]


def _in_small_letters(text: str) -> str:
    """Letters in compatibility form, small, with one kind of apostrophe."""
    letters = unicodedata.normalize("NFKC", text.translate(_APOSTROPHES)).lower()
    # A letter may become two, which have a compatibility form of their own.
    return unicodedata.normalize("NFKC", letters).translate(_APOSTROPHES)


def _is_written(character: str) -> bool:
    """Whether captions may have a character: letters with their marks, digits, a few signs."""
    return character in "',-." or unicodedata.category(character)[0] in "LMN"

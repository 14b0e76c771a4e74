"""A sentence of the model about a motion, without the words in which it got stuck.

The likeliest continuation of a sentence may be its own last words, over and over. What stands
before them is all that the model has to say.
"""

from __future__ import annotations

from typing import Final

#: The most words that are said again and again together.
_LONGEST: Final = 6
#: Words that a sentence cannot end with.
_OPEN: Final = frozenset(
    ("a", "an", "and", "as", "at", "by", "for", "from", "his", "in", "into", "of", "on", "or")
    + ("the", "their", "then", "to", "while", "with")
)


def unstuck(sentence: str) -> str:
    """The sentence up to where its last words are said again: one word thrice, more words twice."""
    words = sentence.split()
    plain = [word.strip(".,;:!?").lower() for word in words]
    kept = next((n for n in range(1, len(words)) if _stuck(plain, n)), None)
    if kept is None:
        return sentence
    while kept > 1 and plain[kept - 1] in _OPEN:
        kept -= 1
    return " ".join(words[:kept]).rstrip(",;:")


def _stuck(plain: list[str], end: int) -> bool:
    """Whether the words before ``end`` are said again at once."""
    if end + 2 <= len(plain) and plain[end - 1] == plain[end] == plain[end + 1]:
        return True
    return any(
        plain[end - n : end] == plain[end : end + n] for n in range(2, min(_LONGEST, end) + 1)
    )

"""Typing errors: "wlaks foward" is read as "walks forward".

A word is corrected only where the pack does not know it and a slip of the fingers makes it a word
that the pack knows: two letters swapped, one doubled, one left out. A wrong letter is no slip
here, since it makes one real word of another ("planks", "plants").
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator
from dataclasses import dataclass
from string import ascii_lowercase
from typing import Final

#: Fewest letters of a word in which letters were swapped or doubled, and in which one is missing:
#: shorter ones are words of their own.
SHORTEST, SHORTEST_MISSING = 4, 6
_WORD: Final = re.compile(r"[a-z]+", re.I)


@dataclass(frozen=True)
class Correction:
    """A word, or a few, as typed and as they are read."""

    typed: str
    read: str


def corrected(
    prompt: str, known: Collection[str], real: Collection[str] = frozenset()
) -> tuple[str, tuple[Correction, ...]]:
    """A prompt without typing errors, and what was corrected.

    Args:
        prompt: as typed.
        known: words of the pack's captions, in small letters.
        real: other words that are no errors.
    """
    words = frozenset(known)
    found: dict[str, str] = {}
    for typed in dict.fromkeys(match[0].lower() for match in _WORD.finditer(prompt)):
        if prompt.isascii() and typed not in words and typed not in real:
            read = next((word for word in _slips(typed) if word in words), None)
            found |= {typed: read} if read else {}
    text = _WORD.sub(lambda match: found.get(match[0].lower(), match[0]), prompt)
    return text, tuple(Correction(typed, read) for typed, read in found.items())


def correction_note(corrections: Collection[Correction]) -> str:
    """One sentence for the user: what is read otherwise than typed."""
    pairs = (f"'{c.typed}' as '{c.read}'" for c in corrections)
    return f"Read {', '.join(pairs)}."


def _slips(word: str) -> Iterator[str]:
    """What a word may have been meant to be, the likeliest slips first."""
    places = range(len(word))
    if len(word) < SHORTEST:
        return
    for k in places[1:]:
        yield word[: k - 1] + word[k] + word[k - 1] + word[k + 1 :]
    for k in places[1:]:
        if word[k - 1] == word[k]:
            yield word[:k] + word[k + 1 :]
    for k in places:
        yield word[: k + 1] + word[k:]
    if len(word) >= SHORTEST_MISSING:
        for k in places[1:]:
            for letter in ascii_lowercase:
                yield word[:k] + letter + word[k:]

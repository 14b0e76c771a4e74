"""Prompts of several actions, cut at their words of order: "walk forward, then wave".

Standard library only: the panel asks at every redraw how long a prompt's actions take.
"""

from __future__ import annotations

import re
from typing import Final

#: What stands between two actions that follow each other, in English.
THEN: Final = re.compile(
    r"(?:\b(?:and\s+)|,\s*)?"
    r"\b(?:then|afterwards?|after that|after which|followed by|next(?! to\b)|finally|lastly)\b",
    re.I,
)
#: The same in the other languages of the sentence readers.
_THEN_ELSEWHERE: Final = re.compile(
    r"\b(?:und\s+)?(?:dann|danach|anschlie\u00dfend)\b"
    r"|\b(?:et\s+)?(?:puis|ensuite)\b"
    r"|\b(?:y\s+)?(?:luego|despu\u00e9s)\b"
    r"|\b(?:e\s+)?(?:poi|dopodich\u00e9|depois)\b"
    r"|然后|然後|接着|それから|その後|그리고 나서|그런 다음|그다음",
    re.I,
)
#: What a first action may begin with.
_FIRST: Final = re.compile(r"^\W*(?:at first|first of all|first(?:ly)?)\b", re.I)
#: Signs around an action that are no part of it.
_AROUND: Final = " \t,;.:!?、。"


def cut_at_then(prompt: str) -> list[str]:
    """The actions of a prompt between its words of order, at least one, in the order of words."""
    text = _FIRST.sub("", prompt)
    pieces = [p for part in THEN.split(text) for p in _THEN_ELSEWHERE.split(part)]
    actions = [piece.strip(_AROUND) for piece in pieces]
    actions = [action for action in actions if any(c.isalpha() for c in action)]
    return actions if len(actions) > 1 else [prompt]

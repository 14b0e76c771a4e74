"""The actions of a prompt that follow each other, each in its own words."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Final

from motiongpt_blender.core.actions import cut_at_then

from .checks import Demand
from .clauses import TOKEN, in_time
from .grammar import read_checks
from .words import words

#: What may stand between two actions, though it need not: ends of clauses, and "and".
_BETWEEN: Final = re.compile(r"\s*(?:[.;!?]+(?=\s|$)|,(?:\s+and\b)?|\band\b)\s*", re.I)

#: What happens in a moment. A model that has read "jumps" does not count to two.
_MOMENTARY: Final = frozenset({Demand.JUMP, Demand.KICK, Demand.PUNCH})
#: How often, in words that can be left out: up to four times.
_OFTEN: Final = re.compile(r"\s*\b(?:twice|thrice|(?:two|three|four|[2-4])\s+times)\b", re.I)
#: Words that are no action of their own, beside directions and sides.
_BARE: Final = frozenset({"up", "down", "again", "another", "one", "once", "more", "back"})


def read_actions(prompt: str) -> tuple[str, ...]:
    """The actions of a prompt in the order of time, at least one.

    What is done several times is as many actions: "jumps twice" is "jumps" and "jumps".
    "Then" always parts two actions, "before" and "after" do between verbs. A comma and "and" do
    where one body cannot do both at once, by ``read_checks``. A stop belongs to what it ends.
    """
    actions = [
        action
        for part in cut_at_then(prompt)
        for half in _halves(part)
        for action in _one_after_another(half)
    ]
    whole = [one for action in _whole_ones(actions) for one in _repeats(action)]
    return tuple(whole) if len(whole) > 1 else (prompt,)


def _halves(text: str) -> list[str]:
    """A text split at "before" and "after", in the order of time, where each half has a verb."""
    found = list(TOKEN.finditer(text))
    tokens = [match[0].lower() for match in found]
    halves = in_time(tokens)
    if not all(any(tokens[k] in words().verbs for k in half) for half in halves):
        return [text]
    return [text[found[h[0]].start() : found[h[-1]].end()].strip(" ,;.!?") for h in halves]


def _one_after_another(text: str) -> list[str]:
    """A text cut before each clause that cannot be done along with those before it."""
    actions: list[str] = []
    begin = 0
    gaps = list(_BETWEEN.finditer(text))
    ends = [gap.start() for gap in gaps[1:]] + [len(text)] * bool(gaps)
    for gap, end in zip(gaps, ends, strict=True):
        before = text[begin : gap.start()]
        if _follows(before, text[gap.end() : end]):
            actions.append(before)
            begin = gap.end()
    return [*actions, text[begin:].strip(" ,;.!?")]


def _follows(before: str, clause: str) -> bool:
    """Whether a clause can only come after what is before it, by their checks."""
    apart = _parts(before), _parts(clause)
    return min(apart) > 0 and _parts(f"{before} and {clause}") > max(apart)


def _parts(text: str) -> int:
    return len({check.part for check in read_checks(text)})


def _whole_ones(actions: Sequence[str]) -> list[str]:
    """The actions, each stop and each bare direction ("up and then down") joined to the last."""
    joined: list[str] = []
    for action in actions:
        stops = {check.demand for check in read_checks(action)} == {Demand.STOP}
        tokens = [token.lower() for token in TOKEN.findall(action)]
        bare = bool(tokens) and all(_is_bare(token) for token in tokens)
        if joined and (stops or bare):
            joined[-1] += f" and {'then ' if bare else ''}{action}"
        else:
            joined.append(action)
    return joined


def _is_bare(token: str) -> bool:
    w = words()
    return token in _BARE or token in w.directions or token in w.sides


def _repeats(action: str) -> list[str]:
    """An action as often as its words say, without these words; once where they say nothing."""
    checks = read_checks(action)
    counts = [c.times for c in checks if c.demand in _MOMENTARY]
    alone = all(c.demand in _MOMENTARY or c.demand is Demand.TRAVEL for c in checks)
    once, found = _OFTEN.subn("", action)
    times = counts[0] if len(counts) == 1 and alone and found == 1 else None
    return [once.strip(" ,;.!?")] * times if times else [action]

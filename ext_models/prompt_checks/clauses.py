"""A sentence cut into parts, which follow each other, and these into clauses of one verb each."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Final

from motiongpt_blender.core.actions import THEN

from .words import Verb, words

#: A word, a number or a sign.
TOKEN: Final = re.compile(r"[a-z]+(?:-[a-z]+)*|\d+|[,;.!?]", re.I)
#: Words that end a clause without being part of one.
_BREAKS: Final = frozenset({",", ";", ".", "!", "?", "and", "while", "but", "until", "as"})
_NEGATIONS: Final = frozenset({"not", "without", "never", "no", "avoid", "avoids", "avoiding"})
_NEARLY: Final = frozenset({"nearly", "almost"})
_ARTICLES: Final = frozenset({"a", "an", "the", "his", "her", "their", "your", "its", "my"})
#: Words that may stand between the others before a verb: "a quick left jab".
_LINKS: Final = _ARTICLES | {"of", "with", "by", "degrees", "degree", "times", "up"}
#: Verbs that as a noun are a thing: "a box", "the head".
_THINGS: Final = frozenset(
    {
        "box",
        "fall",
        "head",
        "hook",
        "face",
        "step",
        "back",
        "hand",
        "rest",
        "point",
        "place",
        "set",
        "hold",
    }
)
_BASE_IS_NO_VERB: Final = frozenset({"back", "box", "head", "face", "place"})
_BEFORE_CIRCLE: Final = _ARTICLES | {"in", "big", "small", "wide", "full", "large", "tight"}
#: Words before what is done to a person: "gets punched".
_PASSIVE: Final = frozenset({"get", "gets", "getting", "got", "is", "was", "being", "been"})


@dataclass
class Clause:
    """One verb and the words that belong to it.

    Attributes:
        verb: the verb.
        form: the verb as the prompt has it.
        noun: whether it stands as a noun of a state: "in a low crouch".
        left: whether it is what the body comes from: "gets up from a crouch".
        denied: whether a negation stands before it.
        joined: whether no comma or "and" parts it from the verb before.
        before: words directly before it: "a quick left" of "a quick left jab".
        after: words up to the next verb.
    """

    verb: Verb
    form: str = ""
    noun: bool = False
    left: bool = False
    denied: bool = False
    joined: bool = False
    before: list[str] = field(default_factory=list)
    after: list[str] = field(default_factory=list)

    @property
    def words(self) -> list[str]:
        """The words around the verb."""
        return [*self.before, *self.after]


def parts_of(prompt: str) -> list[list[Clause]]:
    """The clauses of each part of a prompt, in the order in which they should happen."""
    text = prompt.lower().replace("\u2019", "'").strip()
    text = THEN.sub(" then ", text)
    for pattern, read_as in words().phrases:
        text = pattern.sub(f" {read_as} ", text).strip()
    parts: list[list[str]] = [[]]
    for token in TOKEN.findall(text):
        if token == "then":
            parts.append([])
        else:
            parts[-1].append(token)
    return [clauses(tokens[half.start : half.stop]) for tokens in parts for half in in_time(tokens)]


def clauses(tokens: Sequence[str]) -> list[Clause]:
    """The clauses of a part."""
    found: list[Clause] = []
    loose: list[str] = []  # words since the last verb or break that may belong to the next verb
    denied, joined = False, False
    for at, token in enumerate(tokens):
        verb = words().verbs.get(token)
        if verb and not _is_thing(tokens, at, verb) and not (joined and _repeats(found[-1], verb)):
            nearly = at > 0 and tokens[at - 1] in _NEARLY
            near = tokens[max(0, at - 3) : at]
            noun, left = "in" in near and token == verb.base, "from" in near
            clause = Clause(verb, token, noun, left, denied or nearly, joined)
            before = _modifiers(loose)
            if before and (not joined or _claims(found[-1], before, verb)):
                clause.before = before
                if joined:
                    del found[-1].after[-len(before) :]
            found.append(clause)
            loose, denied, joined = [], False, True
        elif token in _NEGATIONS:
            denied = True
        elif token in _BREAKS:
            loose, joined, denied = [], False, False
            if found and token == "until":  # what follows is not the verb's own
                found[-1].after.append(token)
        elif denied and _says_something(token):
            denied = False
        else:
            loose.append(token)
            if found:
                found[-1].after.append(token)
    return found


def in_time(tokens: Sequence[str]) -> list[range]:
    """A part split at "before" and "after": the tokens of each half, in the order of time."""
    for word, swap in (("before", False), ("after", True)):
        if word not in tokens:
            continue
        at = tokens.index(word)
        first, second = range(at), range(at + 1, len(tokens))
        if not _verbs(tokens[:at]):
            # "after jumping, he waves", "before sitting he turns": the other half follows.
            rest = tokens[at + 1 :]
            verbs = _verbs(rest)
            cut = rest.index(",") if "," in rest else verbs[1] if len(verbs) > 1 else at
            first, second = second[cut:], second[:cut]
        halves = [second, first] if swap else [first, second]
        return [
            range(half.start + part.start, half.start + part.stop)
            for half in halves
            for part in in_time(tokens[half.start : half.stop])
        ]
    return [range(len(tokens))]


def _verbs(tokens: Sequence[str]) -> list[int]:
    return [at for at, token in enumerate(tokens) if token in words().verbs]


def _is_thing(tokens: Sequence[str], at: int, verb: Verb) -> bool:
    """Whether a verb's form is a noun, an adverb or what others do here."""
    if tokens[at].endswith("ed") and at > 0 and tokens[at - 1] in _PASSIVE:
        return True
    if verb.base == "circle":
        return at > 0 and (tokens[at - 1] in _BEFORE_CIRCLE or tokens[at - 1] in words().sides)
    if tokens[at] != verb.base:
        return False
    article = at > 0 and tokens[at - 1] in _ARTICLES
    return verb.base in _BASE_IS_NO_VERB or (article and verb.base in _THINGS)


def _repeats(previous: Clause, verb: Verb) -> bool:
    """Whether a verb is the noun of the one before it: "turns half a turn"."""
    return previous.verb.kind == verb.kind == "turn"


def _claims(previous: Clause, before: Sequence[str], verb: Verb) -> bool:
    """Whether words between two verbs belong to the second.

    They do where the first asks for the second ("takes two steps", "walks 5 steps") or has its
    own already.
    """
    sides = words().sides
    if previous.verb.kind in ("other", "throw") or verb.base == "step":
        return True
    return any(w in sides for w in before) and any(w in sides for w in previous.before)


def _modifiers(loose: Sequence[str]) -> list[str]:
    """The last of some words that can modify a verb behind them."""
    start = len(loose)
    while start and (_says_something(loose[start - 1]) or loose[start - 1] in _LINKS):
        start -= 1
    return list(loose[start:])


def _says_something(token: str) -> bool:
    w = words()
    tables = (w.directions, w.sides, w.limbs, w.fast, w.slow, w.numbers, w.turns)
    return token.isdigit() or any(token in table for table in tables)

"""Captions of joined clips: one subject, two verbs.

    a person walks forward. + someone bows.            -> a person walks forward, then bows.
    a person runs.          + someone waves the hand.  -> a person runs while waving the hand.

Standard library only.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Final

#: The subject of a caption, which a second clause does not repeat.
_SUBJECT: Final = re.compile(
    r"^(?:(?:an?|the)\s+(?:\w+\s+)?(?:person|figure|man|woman|human|character|dancer)"
    r"|someone|somebody|they|he|she)\s+",
    re.IGNORECASE,
)
#: A subject without an attribute; a second clause would lose the attribute.
_PLAIN_SUBJECT: Final = re.compile(
    r"^(?:(?:a|the)\s+(?:person|figure|human|character)|someone|somebody)\s+", re.IGNORECASE
)
#: Endings after which the third person and the plural take "es".
HISSING: Final = ("s", "sh", "ch", "x", "z", "o")
#: Short verbs that double their last letter: jog, stop, squat.
_DOUBLING: Final = re.compile(r"(?:[^aeiou]|qu)*[aeiou][^aeiouwxy]")


def has_plain_subject(caption: str) -> bool:
    """Whether a caption begins with a subject without attributes."""
    return bool(_PLAIN_SUBJECT.match(caption.strip()))


def then_caption(first: str, second: str) -> str:
    """The caption of two motions, one after the other."""
    after = _SUBJECT.sub("", second.strip())
    return f"{first.strip().rstrip('.')}, then {after}"


def verbs_of(captions: Iterable[str]) -> frozenset[str]:
    """The verbs after a plain subject in any caption, in the third person."""
    found: set[str] = set()
    for caption in captions:
        clause = _clause(caption)
        if clause and clause[0].endswith("s") and clause[0] != "is":
            found.add(clause[0])
    return frozenset(found)


def while_caption(first: str, second: str, verbs: frozenset[str]) -> str | None:
    """The caption of two motions at once; None where the second has no plain subject and verb.

    Args:
        first: a caption.
        second: another, whose verbs become participles.
        verbs: the verbs to know, as ``verbs_of`` finds them.
    """
    clause = _clause(second)
    if clause and clause[0] == "is" and len(clause) > 1 and clause[1].endswith("ing"):
        clause = clause[1:]
    elif not clause or clause[0] not in verbs:
        return None
    words: list[str] = []
    for at, word in enumerate(clause):
        leads = at == 0 or clause[at - 1] in ("and", "then") or clause[at - 1].endswith(",")
        bare = word.rstrip(",")
        words.append(participle(bare) + word[len(bare) :] if leads and bare in verbs else word)
    return f"{first.strip().rstrip('.')} while {' '.join(words)}."


def participle(verb: str) -> str:
    """The -ing form of a verb in the third person: waves -> waving, runs -> running."""
    if verb.endswith("ies"):
        return f"{verb[:-3]}ying"
    long = verb.endswith(("sses", "shes", "ches", "xes", "zzes"))
    stem = verb[:-2] if long else verb[:-1]
    if _DOUBLING.fullmatch(stem):
        return f"{stem}{stem[-1]}ing"
    if stem.endswith("e") and not stem.endswith(("ee", "oe", "ye")):
        stem = stem[:-1]
    return f"{stem}ing"


def verb_forms(base: str) -> tuple[str, str, str, str]:
    """The regular forms of a verb: walk, walks, walking, walked."""
    if base.endswith("y") and base[-2:-1] not in tuple("aeiou"):
        return base, f"{base[:-1]}ies", f"{base}ing", f"{base[:-1]}ied"
    third = base + ("es" if base.endswith(HISSING) else "s")
    gerund = participle(third)
    return base, third, gerund, f"{gerund[:-3]}ed"


def _clause(caption: str) -> list[str]:
    text = caption.strip().lower().rstrip(".")
    clause = _PLAIN_SUBJECT.sub("", text)
    return clause.split() if clause != text else []

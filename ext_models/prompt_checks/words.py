"""The words that checks are read from, of ``words.toml``, with all forms of the verbs."""

from __future__ import annotations

import functools
import re
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from ext_models.datasets.sentences import verb_forms

from .checks import Direction, Limb, Side

_FILE: Final = Path(__file__).with_name("words.toml")
_PLURALS: Final = {"foot": "feet"}


@dataclass(frozen=True)
class Verb:
    """A verb in one of its forms: its base form, and the row of ``words.toml`` it stands in."""

    base: str
    kind: str


@dataclass(frozen=True)
class Words:
    """The tables of ``words.toml``, by the word as a prompt has it.

    Attributes:
        phrases: patterns and what they are read as.
        verbs: every form of every verb.
        directions, sides, limbs: what a word says of these.
        plural: limbs in the plural, which are both.
        elsewhere: what else a person can turn: the head, say.
        fast, slow: words of speed.
        numbers: by word.
        turns: degrees by word.
        small: words of a small turn.
        low: words of what is done near the floor.
    """

    phrases: tuple[tuple[re.Pattern[str], str], ...]
    verbs: Mapping[str, Verb]
    directions: Mapping[str, Direction]
    sides: Mapping[str, Side]
    limbs: Mapping[str, Limb]
    plural: frozenset[str]
    elsewhere: frozenset[str]
    fast: frozenset[str]
    slow: frozenset[str]
    numbers: Mapping[str, int]
    turns: Mapping[str, float]
    small: frozenset[str]
    low: frozenset[str]

    @property
    def every(self) -> frozenset[str]:
        """All words that checks are read from."""
        tables = (self.verbs, self.directions, self.sides, self.limbs, self.numbers, self.turns)
        single = (self.elsewhere, self.fast, self.slow, self.small, self.low)
        return frozenset().union(*tables, *single)


@functools.cache
def words() -> Words:
    """The words, read once."""
    tables = tomllib.loads(_FILE.read_text(encoding="utf-8"))
    bases = {base: kind for kind, row in tables["verbs"].items() for base in row}
    verbs = {form: Verb(b, kind) for b, kind in bases.items() for form in verb_forms(b)}
    verbs |= {form: Verb(b, bases[b]) for form, b in tables["irregular"].items()}
    singular = {noun: Limb(limb) for limb, row in tables["limbs"].items() for noun in row}
    plural = {_plural(noun): limb for noun, limb in singular.items()}
    elsewhere = [form for noun in tables["elsewhere"]["nouns"] for form in (noun, _plural(noun))]
    return Words(
        phrases=tuple((re.compile(p), to) for p, to in tables["phrases"].items()),
        verbs=verbs,
        directions=_by_word(tables["directions"], Direction),
        sides=_by_word(tables["sides"], Side),
        limbs=singular | plural,
        plural=frozenset(plural),
        elsewhere=frozenset(elsewhere),
        fast=frozenset(tables["speeds"]["fast"]),
        slow=frozenset(tables["speeds"]["slow"]),
        numbers=tables["numbers"],
        turns={word: float(degrees) for word, degrees in tables["turns"].items()},
        small=frozenset(tables["sizes"]["small"]),
        low=frozenset(tables["low"]["words"]),
    )


def _plural(noun: str) -> str:
    return _PLURALS.get(noun, f"{noun}s")


def _by_word(table: Mapping[str, list[str]], kind: Any) -> dict[str, Any]:
    return {word: kind(value) for value, row in table.items() for word in row}

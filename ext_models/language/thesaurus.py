"""Words that no caption has, read as words that captions have: "lobs a ball" as "throws a ball".

Captions have some 1,200 words; people have many more for the same motions. The file
``thesaurus.toml`` lists them under what is read instead. A word that the pack knows is never
replaced, and nothing is replaced by words that the pack does not know.
"""

from __future__ import annotations

import functools
import itertools
import re
import tomllib
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from ext_models.datasets.sentences import HISSING, verb_forms
from ext_models.prompt_checks.words import words as checked_words

from .spelling import Correction

_FILE: Final = Path(__file__).with_name("thesaurus.toml")
_WORD: Final = re.compile(r"[^\W\d_]+(?:'[^\W\d_]+)*")
#: What may stand between the words of one entry, and what between a phrase and the words beside it.
_GAP: Final = re.compile(r"[ \t-]+")
_BREAK: Final = re.compile(r"\W*[^\w\s-]\W*")
#: Words that part a phrase from what is beside it, as a comma does.
_LINKS: Final = frozenset({"and", "then", "while", "but"})
#: Words before a noun and what describes it: no verb follows them.
_DETERMINERS: Final = frozenset(
    {
        *("a", "an", "the", "this", "that", "these", "those", "my", "your", "his", "her", "its"),
        *("our", "their", "some", "any", "no", "every", "each", "another", "one", "two", "three"),
    }
)
#: Words before a noun or an -ing form.
_PREPOSITIONS: Final = frozenset(
    {"on", "onto", "at", "like", "as", "into", "with", "from", "of", "in", "over", "under"}
)
#: What a reading has that has an object of its own, and the most words of a typed one.
_ARTICLE: Final = re.compile(r" (?:an?|the|both) ")
_LONGEST_OBJECT: Final = 5
#: Nouns of captions after which the verb comes.
_WHO: Final = frozenset(
    {"person", "man", "woman", "human", "figure", "character", "individual", "child", "people"}
)

#: What is read instead of some words: the first of these that the pack knows.
Readings = tuple[str, ...]


@dataclass(frozen=True)
class Thesaurus:
    """Readings by the words that are typed, in small letters with single spaces.

    Attributes:
        phrases: whole clauses, such as "hands up", even of known words.
        verbs: verbs in all their forms.
        nouns: in both numbers.
        modifiers: adjectives and adverbs.
    """

    phrases: Mapping[str, Readings]
    verbs: Mapping[str, Readings]
    nouns: Mapping[str, Readings]
    modifiers: Mapping[str, Readings]

    @functools.cached_property
    def words(self) -> frozenset[str]:
        """Every word of what can be typed; none of them is a typing error."""
        return frozenset(word for entry in self._entries for word in entry.split())

    @functools.cached_property
    def _entries(self) -> tuple[str, ...]:
        return (*self.phrases, *self.verbs, *self.nouns, *self.modifiers)

    @functools.cached_property
    def _most(self) -> int:
        """Words of the longest entry."""
        return max((entry.count(" ") + 1 for entry in self._entries), default=0)

    def read(self, prompt: str, known: Collection[str]) -> tuple[str, tuple[Correction, ...]]:
        """A prompt in words that a pack knows, as far as there are any, and what was replaced.

        Args:
            prompt: as typed.
            known: words of the pack's captions, in small letters.
        """
        found = list(_WORD.finditer(prompt))
        out: list[str] = []
        readings: list[Correction] = []
        place = _Place()
        at = done = 0
        while at < len(found):
            count, read, table = self._at(prompt, found, at, place, known)
            if count:
                if table is self.verbs and _ARTICLE.search(read):
                    count += _object(prompt, found, at + count)
                start, end = found[at].start(), found[at + count - 1].end()
                before = "".join([*out, _with_article(prompt[done:start], read)])
                out = [before, _without_repeat(before, read)]
                readings.append(Correction(prompt[start:end].lower(), read))
                done = end
            # Of several words that are read as others the first says nothing of what follows them.
            word = "" if count else found[at][0].lower()
            place = place.after(word, verb=table is self.verbs, noun=table is self.nouns)
            at += max(1, count)
        return "".join([*out, prompt[done:]]), tuple(dict.fromkeys(readings))

    def _at(
        self,
        prompt: str,
        found: Sequence[re.Match[str]],
        at: int,
        place: _Place,
        known: Collection[str],
    ) -> tuple[int, str, Mapping[str, Readings] | None]:
        """How many of the words ahead are replaced, by what and of which table; 0 for none."""
        for count in range(min(self._most, len(found) - at), 0, -1):
            words = [match[0].lower() for match in found[at : at + count]]
            gaps = (_between(prompt, found, at + k) for k in range(1, count))
            if not all(map(_GAP.fullmatch, gaps)):
                continue
            following = found[at + count][0].lower() if at + count < len(found) else ""
            new = not all(word in known for word in words)
            tables = self._tables(place, words[0], following) if new else []
            if _is_clause(prompt, found, at, count):
                tables = [self.phrases, *tables]
            for table in tables:
                readings = table.get(" ".join(words), ())
                found_readings = (self._known(reading, known) for reading in readings)
                if read := next(filter(None, found_readings), ""):
                    return count, read, table
        return 0, "", None

    def _known(self, reading: str, known: Collection[str]) -> str:
        """A reading, or what it is read as by a pack that does not know it; "" where that fails."""
        if all(word in known for word in reading.split()):
            return reading
        words = [self.nouns.get(w, self.modifiers.get(w, (w,)))[0] for w in reading.split()]
        again = " ".join(words)
        return again if all(word in known for word in again.split()) else ""

    def _tables(self, place: _Place, first: str, following: str) -> list[Mapping[str, Readings]]:
        """Where to look for some words, the likeliest part of speech first."""
        others = [self.nouns, self.modifiers]
        if place.of_noun and not (place.after_preposition and first.endswith("ing")):
            return others
        acts = following in self.verbs or following in checked_words().verbs
        if place.in_noun_phrase or place.after_verb or acts:
            return [*others, self.verbs]
        return [self.verbs, *others]


@dataclass(frozen=True)
class _Place:
    """What the words before one say of its part of speech.

    Attributes:
        phrase: words that may still belong to a noun phrase: 2 right after a determiner.
        after_preposition, after_verb: what the word before was.
    """

    phrase: int = 0
    after_preposition: bool = False
    after_verb: bool = False

    @property
    def of_noun(self) -> bool:
        """Whether no verb can stand here."""
        return self.phrase == 2 or self.after_preposition

    @property
    def in_noun_phrase(self) -> bool:
        """Whether a noun is likelier than a verb."""
        return self.phrase > 0

    def after(self, word: str, *, verb: bool, noun: bool) -> _Place:
        """The place behind a word, which was read as a verb or as a noun, or as neither."""
        if word in _DETERMINERS:
            return _Place(phrase=2)
        if word in _PREPOSITIONS:
            return _Place(after_preposition=True)
        if verb or (not noun and not self.phrase and word in checked_words().verbs):
            return _Place(after_verb=True)
        return _Place(phrase=0 if noun or word in _WHO else max(0, self.phrase - 1))


def _between(prompt: str, found: Sequence[re.Match[str]], at: int) -> str:
    """What stands before the word of a number; the text's begin and end are breaks."""
    before = found[at - 1].end() if at else 0
    after = found[at].start() if at < len(found) else len(prompt)
    return prompt[before:after]


def _object(prompt: str, found: Sequence[re.Match[str]], at: int) -> int:
    """How many of the words from one on are the object of a verb: "over the old fence"."""
    words = [match[0].lower() for match in found[at : at + _LONGEST_OBJECT]]
    begin = 1 if words and words[0] in _PREPOSITIONS else 0
    if words[begin : begin + 1] and words[begin] in _DETERMINERS:
        for count in range(begin + 1, len(words) + 1):
            end = at + count
            if end == len(found) or _BREAK.fullmatch(_between(prompt, found, end)):
                return count
            if found[end][0].lower() in _PREPOSITIONS | _LINKS and count > begin + 1:
                return count
    return 0


def _is_clause(prompt: str, found: Sequence[re.Match[str]], at: int, count: int) -> bool:
    """Whether some words stand for themselves: between commas, ends, or "and" and "then"."""
    end = at + count
    begins = (
        at == 0
        or found[at - 1][0].lower() in _LINKS
        or _BREAK.fullmatch(_between(prompt, found, at))
    )
    ends = (
        end == len(found)
        or found[end][0].lower() in _LINKS
        or _BREAK.fullmatch(_between(prompt, found, end))
    )
    return bool(begins and ends)


@functools.cache
def load_thesaurus() -> Thesaurus:
    """The thesaurus that comes with the project, read once."""
    tables = tomllib.loads(_FILE.read_text(encoding="utf-8"))
    irregular: dict[str, list[str]] = {}
    for form, base in tables["irregular"].items():
        irregular.setdefault(base, []).append(form)
    phrases = {typed: (read,) for read, row in tables["phrases"].items() for typed in row}
    verbs: dict[str, Readings] = {}
    for read, row in tables["verbs"].items():
        readings = _verb_readings(read)
        for typed in row:
            base, _, rest = typed.partition(" ")
            forms = (*verb_forms(base), *irregular.get(base, ()))
            for form, found in itertools.zip_longest(forms, readings, fillvalue=readings[1]):
                verbs.setdefault(f"{form} {rest}".rstrip(), found)
    nouns: dict[str, Readings] = {}
    for read, row in tables["nouns"].items():
        plural = _plural(read, irregular)
        for typed in row:
            nouns.setdefault(typed, (read,))
            nouns.setdefault(_plural(typed, irregular), (plural, read))
    modifiers = {typed: (read,) for read, row in tables["modifiers"].items() for typed in row}
    return Thesaurus(phrases, verbs, nouns, modifiers)


def _verb_readings(read: str) -> list[Readings]:
    """What is read for each of a verb's four forms: the same form, or one that the pack knows."""
    verb, _, after = read.partition(" ")
    forms = [f"{form} {after}".rstrip() for form in verb_forms(verb)]
    return [tuple(dict.fromkeys((form, forms[1], *forms))) for form in forms]


def _plural(noun: str, irregular: Mapping[str, list[str]]) -> str:
    """The plural of a noun phrase: of its last word."""
    if noun in irregular:
        return irregular[noun][0]
    if noun.endswith("y") and noun[-2:-1] not in tuple("aeiou"):
        return f"{noun[:-1]}ies"
    if noun.endswith("man"):
        return f"{noun[:-3]}men"
    return noun + ("es" if noun.endswith(HISSING) else "s")


def _without_repeat(before: str, read: str) -> str:
    """A reading without a first word that stands before it: "an old", "old person"."""
    first, _, rest = read.partition(" ")
    return rest if rest and re.search(rf"\b{re.escape(first)}\s+$", before) else read


def _with_article(text: str, read: str) -> str:
    """Text before some words, whose last "a" or "an" fits them."""
    match = re.search(r"\b(an?)(\s+)$", text, re.I)
    if match is None:
        return text
    right = match[1][0] + ("n" if read[0] in "aeiou" else "")
    return text[: match.start()] + right + match[2]

"""Words that no caption has are read as words that captions have; all others stay as typed."""

import json
import tomllib
from collections import Counter
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ext_models.evaluation.prompts.prompt_lists import read_prompts, shipped_lists
from ext_models.language import thesaurus
from ext_models.language.plain_text import plain_words
from ext_models.language.spelling import Correction
from ext_models.language.thesaurus import Thesaurus, load_thesaurus
from ext_models.packs import SHIPPED, read_manifest

KNOWN = frozenset(
    plain_words(
        "a an the person elderly persons throws throwing throw ball walks walk forward to lifts "
        "both arms up in the air puts hands happily child and with kicks then falls over"
    )
)
SMALL = Thesaurus(
    phrases={"hands up": ("lifts both arms up in the air",)},
    verbs={
        "lobs": ("throws",),
        "lobbing": ("throwing",),
        "ambles": ("strolls", "walks"),
        "keels over": ("falls over",),
        "boots": ("kicks",),
        "flutters": ("flaps the arms",),
        "vaults": ("throws up the ball",),
    },
    modifiers={
        "gleefully": ("happily",),
        "gleeful": ("elderly",),
        "in a jiffy": ("happily",),
    },
    nouns={
        "pensioner": ("elderly person",),
        "pensioners": ("elderly persons", "elderly person"),
        "boots": ("ball",),
        "imps": ("child",),
        "toddler": ("child",),
        "imp": ("child",),
        "urchin": ("elderly child",),
    },
)


@pytest.mark.parametrize(
    ("typed", "read"),
    [
        ("a pensioner lobs a ball", "an elderly person throws a ball"),
        ("An imp walks", "A child walks"),
        ("pensioners, lobbing balls!", "elderly persons, throwing balls!"),
        ("LOBS it", "throws it"),
        ("the toddler keels over", "the child falls over"),
        ("keels, over", "keels, over"),
        ("throws the boots", "throws the ball"),
        ("a toddler boots the ball", "a child kicks the ball"),
        ("a person boots the ball", "a person kicks the ball"),
        ("a gleeful imp lobs boots", "an elderly child throws ball"),
        ("throws the lobs", "throws the lobs"),
        ("boots lobs", "ball throws"),
        ("in a jiffy lobs", "happily throws"),
        ("a gleeful pensioner lobs", "an elderly person throws"),
        ("boots the lobs", "kicks the lobs"),
        ("with boots and lobbing", "with ball and throwing"),
    ],
)
def test_words_are_read_as_known_ones(typed, read):
    assert SMALL.read(typed, KNOWN)[0] == read


@pytest.mark.parametrize(
    ("typed", "read"),
    [
        ("vaults over the old fence", "throws up the ball"),
        ("vaults the fence, then walks", "throws up the ball, then walks"),
        ("vaults the tall fence with both hands", "throws up the ball with both hands"),
        ("vaults happily", "throws up the ball happily"),
        ("vaults over fences", "throws up the ball over fences"),
    ],
)
def test_a_reading_with_an_object_takes_the_place_of_the_typed_one(typed, read):
    assert SMALL.read(typed, KNOWN)[0] == read


def test_a_reading_that_the_pack_does_not_know_is_read_itself():
    """ "monster" is a giant, and a pack without giants knows elderly persons."""
    twice = replace(SMALL, nouns={"monster": ("giant",), "giant": ("elderly person",)})
    assert twice.read("a monster walks", KNOWN)[0] == "an elderly person walks"
    assert twice.read("a monster walks", KNOWN | {"giant"})[0] == "a giant walks"


def test_what_is_read_instead_is_told_once():
    read = SMALL.read("lobs, Lobs and gleefully lobs", KNOWN)[1]
    assert read == (Correction("lobs", "throws"), Correction("gleefully", "happily"))


def test_the_first_reading_that_the_pack_knows_counts():
    assert SMALL.read("ambles", KNOWN)[0] == "walks"
    assert SMALL.read("ambles", KNOWN | {"strolls"})[0] == "strolls"
    assert SMALL.read("flutters", KNOWN) == ("flutters", ())


def test_a_known_word_is_never_replaced():
    assert SMALL.read("lobs", KNOWN | {"lobs"}) == ("lobs", ())


@pytest.mark.parametrize(
    ("typed", "read"),
    [
        ("hands up!", "lifts both arms up in the air!"),
        ("Hands up, then walks", "lifts both arms up in the air, then walks"),
        ("walks and hands up", "walks and lifts both arms up in the air"),
        ("puts hands up in the air", "puts hands up in the air"),
        ("hands up to the ball", "hands up to the ball"),
    ],
)
def test_a_phrase_stands_for_itself(typed, read):
    assert SMALL.read(typed, KNOWN)[0] == read


@given(st.text(max_size=60))
def test_any_text_can_be_read(text):
    read, replaced = SMALL.read(text, KNOWN)
    assert (read == text) == (not replaced)


TABLES = tomllib.loads(Path(thesaurus.__file__).with_name("thesaurus.toml").read_text("utf-8"))
PACKS = [read_manifest(path.parent) for path in sorted(SHIPPED.glob("*/pack.json"))]


def test_every_shipped_reading_is_known_to_a_pack():
    found = load_thesaurus()
    for known in [frozenset(word for manifest in PACKS for word in manifest.words)]:
        for table in (found.phrases, found.verbs, found.nouns, found.modifiers):
            lost = [
                (typed, readings)
                for typed, readings in table.items()
                if not any(set(r.split()) <= known for r in readings)
            ]
            assert not lost, lost[:10]


def test_the_words_of_the_file_are_unknown_ones():
    """An entry of a word that all packs know would never be used."""
    known = frozenset.intersection(*(frozenset(m.words) for m in PACKS))
    rows = [e for name in ("verbs", "nouns", "modifiers") for r in TABLES[name].values() for e in r]
    idle = [entry for entry in rows if entry in known]
    assert len(rows) > 2000
    assert not idle, json.dumps(idle)


@pytest.mark.parametrize(
    ("typed", "read"),
    [
        ("she slung a ball", "she throws a ball"),
        ("fleeing", "running"),
        ("two wolves", "two animals"),
        ("the animals lob balls", "the animals throw balls"),
    ],
)
def test_forms_of_the_shipped_words(typed, read):
    known = frozenset(plain_words("she throws throw a ball runs running two animals the balls"))
    assert load_thesaurus().read(typed, known)[0] == read


def test_no_word_is_listed_twice_in_a_table():
    for name in ("phrases", "verbs", "nouns", "modifiers"):
        rows = [entry for row in TABLES[name].values() for entry in row]
        twice = [entry for entry, count in Counter(rows).items() if count > 1]
        assert not twice, (name, twice)


def test_prompts_in_known_words_stay_as_they_are():
    known = frozenset(read_manifest(SHIPPED / "starter").words)
    for name in ("paraphrases", "then", "everyday"):
        for prompt in read_prompts(shipped_lists()[name]).prompts:
            if set(plain_words(prompt.text)) <= known:
                read, replaced = load_thesaurus().read(prompt.text, known)
                assert read == prompt.text or " " in replaced[0].typed


def test_what_was_read_is_read_as_itself():
    """A pipeline reads a prompt again at each stage."""
    for manifest in PACKS:
        known = frozenset(manifest.words)
        for name in ("unknown", "everyday", "wordings"):
            for prompt in read_prompts(shipped_lists()[name]).prompts:
                once = load_thesaurus().read(prompt.text, known)[0]
                assert load_thesaurus().read(once, known)[0] == once

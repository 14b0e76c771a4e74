"""Prompts in other languages are read as English ones; English ones stay as they are."""

import tomllib
from collections import Counter
from dataclasses import replace

import numpy as np
import pytest

from ext_models.evaluation.prompts.prompt_lists import SHIPPED
from ext_models.generation.prompt_reading import PromptReading
from ext_models.packs import DEFAULT_PACK, read_manifest
from ext_models.prompt_checks.grammar import read_checks
from ext_models.readers import phrase_book
from ext_models.readers.phrase_book import PHRASES, PhraseBook


@pytest.fixture(scope="module")
def reading():
    return PromptReading.of_pack(DEFAULT_PACK, read_manifest(DEFAULT_PACK))


def test_the_right_action_is_read_in_every_language(reading):
    """Of eighty prompts that the book does not have word for word."""
    listed = tomllib.loads((SHIPPED / "languages.toml").read_text("utf-8"))["prompts"]
    phrases = tomllib.loads(PHRASES.read_text("utf-8"))["phrases"]
    assert not {p["text"] for p in listed} & {w for every in phrases.values() for w in every}
    right = Counter()
    for prompt in listed:
        english, notes = reading.read(prompt["text"])
        checks = {str(check) for check in read_checks(english)}
        right[prompt["language"]] += set(prompt["checks"]) <= checks
        assert notes in ((), (f"Read as '{english}'.",))
    assert right.total() >= 60, right
    assert min(right[language] for language in {p["language"] for p in listed}) >= 6, right


@pytest.mark.parametrize(
    "prompt",
    ["Rechnung 4711 bezahlen", "la vie est belle", "我喜欢吃苹果", "das Haus ist blau", "!?"],
)
def test_other_subjects_are_no_phrase(reading, prompt):
    assert reading.read(prompt)[0] == prompt


def test_english_prompts_stay_as_they_are_but_for_typing_errors(reading):
    lists = [tomllib.loads(path.read_text("utf-8")) for path in SHIPPED.glob("*.toml")]
    english = [p["text"] for one in lists if one["kind"] != "languages" for p in one["prompts"]]
    changed = [t for t in english if any(n.startswith("Read as") for n in reading.read(t)[1])]
    assert len(english) > 300 and len(changed) <= 0.01 * len(english), changed


def test_every_phrase_is_english_that_the_default_pack_knows(reading):
    for english in _phrases():
        assert reading.read(english) == (english, ()), english


def test_a_pack_without_a_reader_has_no_phrases():
    reading = PromptReading(replace(read_manifest(DEFAULT_PACK), reader=""))
    assert reading.read("vorwärts gehen")[0] == "vorwärts gehen"


def test_the_wordings_are_read_once_and_late(monkeypatch):
    read = []

    def reader(sentences):
        read.append(len(sentences))
        return _letters(sentences)

    book = PhraseBook(reader)
    assert read == []
    assert book.english("vorwärts gehen") == "a person walks forward"
    assert book.english("右转") == "a person turns right"
    monkeypatch.setattr(phrase_book, "LEAST", 1.1)
    assert book.english("右转") is None
    assert sorted(read)[:-1] == [1, 1, 1] and max(read) > 300


def _phrases():
    return tomllib.loads(PHRASES.read_text("utf-8"))["phrases"].keys()


def _letters(sentences):
    """Vectors of unit length by the letters of a sentence."""
    rows = np.zeros((len(sentences), 257), dtype=np.float32)
    for row, sentence in zip(rows, sentences, strict=True):
        for letter in sentence:
            row[ord(letter) % 257] += 1
    return rows / np.linalg.norm(rows, axis=-1, keepdims=True)

"""What the shipped lists of prompts promise, and which an evaluation takes."""

import re
from collections import Counter

import pytest

from ext_models.commands.evaluate import named_lists
from ext_models.datasets.layouts import read_sets
from ext_models.errors import PipelineError
from ext_models.evaluation.prompts.prompt_lists import (
    read_prompts,
    shipped_lists,
    standard_lists,
)
from ext_models.language.plain_text import plain_words
from ext_models.prompt_checks.grammar import read_checks

#: Words of unknown prompts that captions have, too: none of them says what is done.
SILENT = {
    *plain_words("a ahead along an and arm arms both down foot forward hand hands left right up"),
    *plain_words("across around away for from into of off on onto out over sideways to with"),
    *plain_words("he him himself his it its somebody someone the gives like takes"),
}
LISTS = {name: read_prompts(path) for name, path in shipped_lists().items()}


@pytest.fixture(scope="module")
def clips(data):
    return read_sets(data, ("clean", "nc"), quoted_captions=True)


@pytest.fixture(scope="module")
def vocabulary(clips):
    return {word for clip in clips for caption in clip.captions for word in plain_words(caption)}


@pytest.mark.parametrize("prompt", LISTS["unknown"].prompts, ids=lambda p: p.text)
def test_no_caption_tells_what_an_unknown_prompt_asks_for(prompt, vocabulary):
    words = set(plain_words(prompt.text))
    assert words & vocabulary <= SILENT
    stems = tuple(word[:5] for word in words - vocabulary)
    assert any(not any(known.startswith(stem) for known in vocabulary) for stem in stems)


def test_unknown_prompts_are_of_labels_in_both_sets(clips, data):
    own = {name: {c.label for c in read_sets(data, name)} for name in ("clean", "nc")}
    prompts = LISTS["unknown"].prompts
    assert all(set(p.labels) <= own["clean"] | own["nc"] for p in prompts)
    shown = {name: sum(bool(labels & set(p.labels)) for p in prompts)
             for name, labels in own.items()}  # fmt: skip
    assert min(shown.values()) >= 30


@pytest.mark.parametrize("name", ["unknown", "then", "wordings", "compositions"])
def test_no_prompt_is_the_caption_of_a_clip(name, clips):
    captions = {" ".join(plain_words(c)) for clip in clips for c in clip.captions}
    texts = {" ".join(plain_words(p.text)) for p in LISTS[name].prompts}
    assert not texts & captions


def test_ten_meanings_in_five_wordings_with_the_same_checks():
    prompts = LISTS["paraphrases"].prompts
    assert set(Counter(p.meaning for p in prompts).values()) == {5}
    checks = {p.meaning: set() for p in prompts}
    for p in prompts:
        checks[p.meaning].add((p.action, p.checks))
    assert len(checks) == 10 and all(len(found) == 1 for found in checks.values())


def test_ten_prompts_in_each_of_eight_languages_with_a_check():
    prompts = LISTS["languages"].prompts
    counts = Counter(p.language for p in prompts)
    assert set(counts) == {"de", "fr", "es", "it", "pt", "zh", "ja", "ko"}
    assert set(counts.values()) == {10}
    assert all(p.checks and p.in_english == p.english != p.text for p in prompts)
    scripts = {"zh": "一-鿿", "ja": "ぁ-ヿ一-鿿", "ko": "가-힣"}
    for p in prompts:
        letters = re.sub(r"\W", "", p.text)
        assert re.fullmatch(f"[{scripts.get(p.language, 'a-zA-ZÀ-ÿ')}]+", letters), p.text


def test_each_part_of_a_then_has_a_check():
    prompts = LISTS["then"].prompts
    assert len(prompts) >= 24
    for p in prompts:
        parts = [c.part for c in read_checks(", ".join(p.checks))]
        assert sorted(set(parts)) == list(range(parts[-1] + 1)) and 1 <= parts[-1] <= 2, p.text
        assert p.seconds >= 2 * (parts[-1] + 1)


def test_an_evaluation_takes_the_standard_lists_and_those_that_are_named(tmp_path):
    names = ["compositions", "everyday", "then", "unknown", "wordings"]
    assert [one.name for one in standard_lists()] == names
    mine = tmp_path / "mine.toml"
    mine.write_text('[[prompts]]\ntext = "walks"\naction = "walk"\n', encoding="utf-8")
    assert [one.name for one in named_lists(["languages", str(mine)])] == ["languages", "mine"]
    with pytest.raises(PipelineError, match="no such list"):
        named_lists(["nothing"])


def test_a_list_that_is_not_standard_stays_so_where_some_prompts_are_left_out():
    assert not LISTS["paraphrases"].standard
    known, left_out = LISTS["paraphrases"].known([])
    assert (known.standard, left_out) == (False, 0)


def test_a_group_stands_for_its_labels(tmp_path):
    path = tmp_path / "list.toml"
    prompt = '[[prompts]]\ntext = "a"\ngroup = "sit"\n'
    path.write_text(f'[groups]\nsit = ["chair", "floor"]\n{prompt}', encoding="utf-8")
    assert read_prompts(path).prompts[0].labels == ("chair", "floor")
    path.write_text(f'[groups]\nsit = "chair"\n{prompt}', encoding="utf-8")
    with pytest.raises(PipelineError, match=r"\[groups\] holds a list of labels"):
        read_prompts(path)

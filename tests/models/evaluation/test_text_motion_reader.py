"""A text-motion model with a sentence reader: what is read of a caption, files, training."""

from dataclasses import replace

import numpy as np
import pytest
import torch

from ext_models.readers import sentence_reader
from ext_models.readers.sentence_reader import CachedReader
from ext_models.text_motion import model as ev
from ext_models.text_motion import training
from ext_models.text_motion.network import TextMotionNetwork
from ext_models.text_motion.text_vocabulary import TextVocabulary
from tests.models.evaluation.test_evaluator import SETTINGS, SMALL, make_examples
from tests.support.readers import FakeReader

CONFIG = replace(SMALL, reader="fake", sentence_width=FakeReader.width)


@pytest.fixture(autouse=True)
def known(monkeypatch):
    monkeypatch.setitem(sentence_reader._READERS, "fake", FakeReader)


@pytest.fixture
def model():
    torch.manual_seed(0)
    vocabulary = TextVocabulary.of(["a person walks", "a person jumps high"], CONFIG.buckets, 48)
    return ev.TextMotionModel.of(TextMotionNetwork(CONFIG, vocabulary.rows), vocabulary, "data")


def test_a_caption_with_an_unknown_word_is_embedded_by_its_meaning_alone(model):
    """Its words no longer matter: the same sentence vector gives the same embedding."""
    same = np.ones((1, 6), dtype=np.float32)
    found = {
        text: replace(model, reader=lambda s: np.repeat(same, len(s), 0)).embed_text([text])[0]
        for text in ("a person walks", "a person jumps high", "a knight walks", "zigzag")
    }
    np.testing.assert_allclose(found["a knight walks"], found["zigzag"], atol=1e-6)
    apart = np.linalg.norm(found["a person walks"] - found["a person jumps high"])
    assert apart > 0.05
    assert np.linalg.norm(found["a person walks"] - found["zigzag"]) > 0.05


def test_the_meaning_counts_for_captions_of_known_words(model):
    one, other = (
        replace(model, reader=lambda s, v=v: np.full((len(s), 6), v, dtype=np.float32))
        for v in (0.5, -0.5)
    )
    text = ["a person walks"]
    assert np.linalg.norm(one.embed_text(text) - other.embed_text(text)) > 0.05


def test_a_prompt_is_read_in_plain_form(model):
    reader = FakeReader()
    replace(model, reader=reader).embed_text(["SHE  yodels!!", "she yodels."])
    assert reader.read == ["she yodels.", "she yodels."]


def test_a_model_comes_back_with_its_reader(model, tmp_path):
    ev.save(model, tmp_path)
    again = ev.load(tmp_path)
    assert again.reader.name == "fake"
    texts = ["a person walks", "a knight walks"]
    np.testing.assert_array_equal(again.embed_text(texts), model.embed_text(texts))


def test_a_sentence_is_read_once():
    reader = FakeReader()
    cached = CachedReader(reader)
    first = cached(["a", "b", "a"])
    again = cached(["b", "c"])
    assert reader.read == ["a", "b", "c"]
    np.testing.assert_array_equal(first[[1]], again[[0]])
    assert cached([]).shape == (0, 6)


def test_training_learns_what_the_reader_says(tmp_path):
    settings = replace(SETTINGS, meaning_alone=1.0, join_share=0.0, margin=0.0)
    examples = make_examples()
    trained = training.train_text_motion(CONFIG, settings, examples, tmp_path, seed=3)
    held_out = [e for e in examples if e.split == "test"]
    # Words are never read here, so only the reader can tell six motions apart.
    read = training.retrieval(trained, held_out, repeats=2)[:, 0].mean()
    deaf = replace(trained, reader=lambda s: np.ones((len(s), 6), dtype=np.float32) / 6**0.5)
    texts = [e.captions[0] + " qzx" for e in held_out]
    assert read > 0.6
    np.testing.assert_allclose(np.ptp(deaf.embed_text(texts), axis=0), 0, atol=1e-5)

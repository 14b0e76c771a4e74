"""The datastore: captions to vectors, motions in a row, the file and what is wrong with it."""

import numpy as np
import pytest
from safetensors.numpy import load_file, save_file

from ext_models.language.corpus import Encoded
from ext_models.language.datastore import DATASTORE, Datastore, load_datastore
from ext_models.language.vocabulary import MotionVocabulary
from ext_models.packs import PackError
from tests.support.readers import FakeReader

VOCABULARY = MotionVocabulary(levels=2, codes=12, max_steps=10, summary=(3, 5))


def motion(clip, sentences, steps, first=0):
    codes = (first + np.arange(2 * steps).reshape(steps, 2)) % 12
    stands = np.zeros((steps, 3))
    summary = (first % 5, 1, 4)
    return Encoded((), codes, codes, stands, summary=summary, sentences=sentences, clip=clip)


MOTIONS = [
    motion("a", ("he walks.", "she strolls."), 4),
    motion("a", ("he walks.",), 4, 5),  # mirrored
    motion("b", ("they sit.",), 3, 7),
]


@pytest.fixture
def store():
    return Datastore.of(MOTIONS, FakeReader())


def test_a_motion_is_found_by_the_mean_of_its_captions(store):
    walks, strolls, sit = FakeReader()(["he walks.", "she strolls.", "they sit."])
    mean = (walks + strolls) / np.linalg.norm(walks + strolls)
    np.testing.assert_allclose(store.vectors, [mean, walks, sit], atol=1e-6)
    assert store.clips.tolist() == [0, 0, 1]
    for k, one in enumerate(MOTIONS):
        np.testing.assert_array_equal(store.of_motion(k), one.codes)
        assert tuple(store.summaries[k]) == one.summary


def test_the_file_keeps_all_but_the_last_digits_of_vectors(store, tmp_path):
    store.save(tmp_path)
    again = load_datastore(tmp_path, VOCABULARY, FakeReader.width)
    np.testing.assert_allclose(again.vectors, store.vectors, atol=0.01)
    np.testing.assert_allclose(np.linalg.norm(again.vectors, axis=-1), 1, atol=1e-5)
    for name in ("clips", "summaries", "lengths", "codes"):
        np.testing.assert_array_equal(getattr(again, name), getattr(store, name))
    assert load_datastore(tmp_path / "other", VOCABULARY, FakeReader.width) is None


def spoil(arrays, how):
    if how == "code of another tokenizer":
        arrays["codes"][4, 1] = 12
    elif how == "negative":
        arrays["summaries"][0, 0] = -1
    elif how == "no length":
        arrays["lengths"][1:] = [0, 7]
    elif how == "too short":
        arrays["codes"] = arrays["codes"][:-1]
    elif how == "narrow":
        arrays["vectors"] = arrays["vectors"][:, :-1].copy()
    elif how == "empty":
        arrays |= {name: array[:0] for name, array in arrays.items()}
    elif how == "column":
        del arrays["clips"]


@pytest.mark.parametrize(
    "how",
    ["code of another tokenizer", "negative", "no length", "too short", "narrow", "empty"],
)
def test_what_does_not_fit_its_pack_is_named(store, tmp_path, how):
    store.save(tmp_path)
    arrays = load_file(tmp_path / DATASTORE)
    spoil(arrays, how)
    save_file(arrays, tmp_path / DATASTORE)
    with pytest.raises(PackError, match=r"datastore.safetensors does not fit its pack: install"):
        load_datastore(tmp_path, VOCABULARY, FakeReader.width)


@pytest.mark.parametrize("how", ["cut", "column"])
def test_a_damaged_file_is_named(store, tmp_path, how):
    store.save(tmp_path)
    path = tmp_path / DATASTORE
    if how == "cut":
        path.write_bytes(path.read_bytes()[:50])
    else:
        arrays = load_file(path)
        spoil(arrays, how)
        save_file(arrays, path)
    with pytest.raises(PackError, match=r"datastore.safetensors is damaged .*install the pack"):
        load_datastore(tmp_path, VOCABULARY, FakeReader.width)

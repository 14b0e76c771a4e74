"""The captions that a pack has learnt: the nearest one, what is said of it, the file."""

import numpy as np
import pytest

from ext_models.language import known_captions
from ext_models.language.known_captions import KnownCaptions, load_known_captions
from ext_models.packs import PackError
from motiongpt_blender.core.packs.known_captions import CAPTIONS as FILE
from motiongpt_blender.core.packs.known_captions import read_captions
from tests.support.readers import FakeReader

CAPTIONS = ("a man runs", "a man sits", "he waves", "she bows")


class Directions:
    """Each caption is an axis; a prompt is the mean of the captions whose verb it has."""

    name, width = "directions", 4

    def __call__(self, sentences):
        rows = [[float(c.split()[-1] in s) for c in CAPTIONS] for s in sentences]
        rows = np.array(rows, dtype=np.float32)
        return rows / np.maximum(np.linalg.norm(rows, axis=-1, keepdims=True), 1e-6)


def test_the_nearest_caption_says_how_a_prompt_is_understood():
    reader = Directions()
    known = KnownCaptions.of(CAPTIONS, reader)
    assert known.nearest("a knight sits", reader) == ("a man sits", pytest.approx(1.0))
    sits = known.understand("a knight sits", reader)
    assert sits.whole == sits.note == "Understood as 'a man sits' (100% alike)."
    assert not sits.examples
    assert known.nearest("bows and waves", reader)[1] == pytest.approx(0.5**0.5)
    nothing = known.understand("the moon is made of cheese", reader)
    assert len(nothing.examples) == 3 and set(nothing.examples) <= set(known.captions)
    assert nothing.whole.startswith("Nothing like this prompt is known; try for example '")
    assert all(f"'{caption}'" in nothing.whole for caption in nothing.examples)


def test_a_caption_of_the_other_side_is_not_near():
    """A reader finds both sides alike; the prompt's own wins, and one that names none may."""
    captions = ("he kicks with the left leg", "he kicks with the right leg", "he kicks")

    class Sideless:
        name, width = "sideless", 2

        def __call__(self, sentences):
            left = np.array([0.9 + 0.1 * ("left" in s) for s in sentences], dtype=np.float32)
            return np.stack([left, np.sqrt(1 - left**2)], axis=-1)

    known = KnownCaptions(captions, Sideless()(captions))
    assert known.nearest("kick left", Sideless())[0] == captions[0]
    assert known.nearest("kick with the RIGHT leg", Sideless())[0] in captions[1:]
    only_left = KnownCaptions(captions[:1], Sideless()(captions[:1]))
    assert only_left.nearest("kick right", Sideless())[1] == -1


def test_too_many_captions_are_spread_evenly(monkeypatch):
    monkeypatch.setattr(known_captions, "MOST", 10)
    captions = [f"he walks {k:03d} steps." for k in range(95)]
    known = KnownCaptions.of([*captions, *captions], FakeReader())
    assert len(known.captions) == 10 == len(known.vectors)
    assert known.captions[0] == "he walks 000 steps" and known.captions[-1] > "he walks 085"


def test_the_file_keeps_captions_and_directions(tmp_path):
    known = KnownCaptions.of(CAPTIONS, FakeReader())
    known.save(tmp_path)
    again = load_known_captions(tmp_path)
    assert again.captions == known.captions == read_captions(tmp_path)
    np.testing.assert_allclose(again.vectors, known.vectors, atol=0.01)
    np.testing.assert_allclose(np.linalg.norm(again.vectors, axis=-1), 1, atol=1e-5)
    assert (tmp_path / FILE).stat().st_size < 1000


@pytest.mark.parametrize("damage", ["missing", "cut", "other"])
def test_a_damaged_file_is_named(tmp_path, damage):
    path = tmp_path / FILE
    KnownCaptions.of(CAPTIONS, FakeReader()).save(tmp_path)
    if damage == "missing":
        path.unlink()
    elif damage == "cut":
        path.write_bytes(path.read_bytes()[:40])
    else:
        known_captions.save_file({"vectors": np.zeros((2, 3), np.int8)}, path, {"captions": "[]"})
    with pytest.raises(PackError, match=r"known_captions.safetensors .*(is missing|is damaged)"):
        load_known_captions(tmp_path)

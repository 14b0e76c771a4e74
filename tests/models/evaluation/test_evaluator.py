"""The evaluator: what it makes of clips and captions, files, and that training learns."""

import json
import math
from dataclasses import replace

import numpy as np
import pytest
import torch

from ext_models.__main__ import main
from ext_models.datasets import sentences
from ext_models.datasets.examples import Example, data_hash
from ext_models.evaluation.tables import MixedEvaluatorsError, Row, Table
from ext_models.text_motion import clips as tc
from ext_models.text_motion import model as ev
from ext_models.text_motion import training
from ext_models.text_motion.network import TextMotionNetwork
from ext_models.text_motion.text_vocabulary import TextVocabulary, hash_ngrams, split_words
from motiongpt_blender.core.body.motion import MotionError

SMALL = ev.TextMotionConfig(
    embedding_dim=8, width=16, motion_layers=1, text_layers=1, heads=2, buckets=64
)
#: No limit of time: with one, the learning rate follows the clock.
SETTINGS = training.TextMotionTraining(
    steps=120,
    minutes=math.inf,
    batch=12,
    learning_rate=1e-2,
    join_share=0.1,
    validate_every=60,
    margin=0.1,
)
MOVES = ("walks", "jumps", "waves", "spins", "bows", "kicks")


def clip(kind, seed, frames=24):
    """A body that does one of six things: another joint swings with another speed."""
    rng = np.random.default_rng(seed)
    pose = np.random.default_rng(99).uniform(-0.5, 0.5, (22, 3)) + [0, 1, 0]
    pose[[1, 2, 16, 17], 0] = (0.1, -0.1, 0.2, -0.2)
    joints = np.repeat(pose[None], frames, axis=0)
    wave = np.sin(np.arange(frames) * (0.3 + 0.15 * kind) + rng.uniform(0, 1))
    joints[:, 3 + 3 * kind, 1] += 0.3 * wave
    joints += rng.normal(scale=0.002, size=joints.shape)
    return (np.rint(2000 * joints) / 2000).astype(np.float32)  # as data folders store them


def make_examples():
    splits = ["train"] * 3 + ["val", "test"]
    return [
        Example(f"{move}{k}", clip(kind, 20 * kind + k, 24 + k), (f"a man {move}.",), split, move)
        for kind, move in enumerate(MOVES)
        for k, split in enumerate(splits)
    ]


@pytest.fixture(scope="module")
def examples():
    return make_examples()


@pytest.fixture
def evaluator():
    torch.manual_seed(0)
    vocabulary = TextVocabulary.of(["a person walks", "a person jumps high"], SMALL.buckets, 48)
    return ev.TextMotionModel.of(
        TextMotionNetwork(SMALL, vocabulary.rows), vocabulary, "0123456789abcdef"
    )


# -- words ---------------------------------------------------------------------------


def test_captions_become_words():
    assert split_words("The man's T-pose, then JUMPS.") == [
        "the",
        "man's",
        "t",
        "pose",
        "then",
        "jumps",
    ]
    words = TextVocabulary.of(["a man walks.", "a man runs."], 64, 48)
    assert words.words == ("a", "man", "runs", "walks")
    assert words.batch(["a man hops", "a"]).words.tolist() == [[2, 3, 1], [2, 0, 0]]
    assert words.batch(["a man walks"], word_dropout=1.0).words.tolist() == [[1, 1, 1]]


def test_spelling_relates_words_and_is_the_same_everywhere():
    assert set(hash_ngrams("hops", 10**6)) & set(hash_ngrams("hopping", 10**6))
    assert hash_ngrams("hop", 2048) == [128, 1502, 338, 1225, 176, 1334]


@pytest.mark.parametrize("caption", ["", "!?", "跳ぶ", "walks " * 500])
def test_any_caption_has_a_point(evaluator, caption):
    point = evaluator.embed_text([caption])
    assert point.shape == (1, SMALL.embedding_dim)
    assert np.isfinite(point).all()


# -- points --------------------------------------------------------------------------


def test_points_do_not_depend_on_their_neighbours(evaluator):
    clips = [clip(0, 1, 9), clip(1, 2, 40), clip(2, 3, 25)]
    together = evaluator.embed_motion(clips)
    alone = np.concatenate([evaluator.embed_motion([c]) for c in clips])
    assert np.allclose(together, alone, atol=1e-5)
    assert np.allclose(np.linalg.norm(together, axis=1), 1, atol=1e-5)
    captions = ["a person walks", "a", "a person jumps very high"]
    alone = np.concatenate([evaluator.embed_text([c]) for c in captions])
    assert np.allclose(evaluator.embed_text(captions), alone, atol=1e-5)


def test_place_and_heading_do_not_count(evaluator):
    here = clip(1, 2)
    there = here[..., [2, 1, 0]] * [1, 1, -1] + [3, 0, -2]  # a quarter turn to the left
    points = evaluator.embed_motion([here, there.astype(np.float32)])
    assert np.allclose(points[0], points[1], atol=1e-3)


def test_nothing_gives_no_points(evaluator):
    assert (
        evaluator.embed_motion([]).shape
        == evaluator.embed_text([]).shape
        == (0, SMALL.embedding_dim)
    )


@pytest.mark.parametrize(
    ("joints", "says"),
    [
        (np.zeros((4, 22, 3), np.float32), "clip 0 has 4 frames"),
        (np.broadcast_to(np.float32(0), (10_000_000, 22, 3)), "clip 0 has 10000000 frames"),
        (np.zeros((9, 21, 3), np.float32), "22, 3"),
        (np.full((9, 22, 3), np.nan, np.float32), "not finite"),
    ],
)
def test_bad_clips_are_refused(evaluator, joints, says):
    with pytest.raises((ev.TextMotionError, MotionError), match=says):
        evaluator.embed_motion([joints])


# -- files and names -----------------------------------------------------------------


def test_files_round_trip(evaluator, tmp_path):
    ev.save(evaluator, tmp_path, {"steps": 3})
    back = ev.load(tmp_path)
    assert back.name == evaluator.name
    captions, clips = ["a person walks", "hops"], [clip(0, 1), clip(1, 1)]
    assert np.array_equal(back.embed_text(captions), evaluator.embed_text(captions))
    assert np.array_equal(back.embed_motion(clips), evaluator.embed_motion(clips))
    assert ev.read_card(tmp_path)["notes"] == {"steps": 3}


@pytest.mark.parametrize("fault", ["missing", "truncated", "sizes", "version", "swapped", "words"])
def test_a_broken_evaluator_names_the_file(evaluator, tmp_path, fault):
    ev.save(evaluator, tmp_path)
    weights, card = tmp_path / ev.WEIGHTS, tmp_path / ev.CARD
    body = json.loads(card.read_text())
    named = ev.WEIGHTS
    if fault == "missing":
        weights.unlink()
    elif fault == "truncated":
        weights.write_bytes(weights.read_bytes()[:-50])
    elif fault == "sizes":
        body["config"]["width"] = 32
    elif fault == "version":
        body["format_version"], named = 99, ev.CARD
    elif fault == "swapped":
        body["weights"] = "0" * 16
    else:
        del body["words"]
        named = ev.CARD
    card.write_text(json.dumps(body))
    with pytest.raises(ev.TextMotionError, match=named):
        ev.load(tmp_path)


@pytest.mark.parametrize(
    "wrong", [{"embedding_dim": 129}, {"representation": "rotations"}, {"width": 30, "heads": 4}]
)
def test_impossible_sizes_are_refused(wrong):
    with pytest.raises(ev.TextMotionError, match=str(next(iter(wrong.values())))):
        ev.TextMotionConfig(**wrong)


def test_the_data_hash_knows_the_data(examples):
    name = data_hash(examples)
    assert name == data_hash(examples[::-1])
    closer = replace(examples[0], joints=examples[0].joints + np.float32(1e-6))  # rounding
    moved = replace(examples[0], joints=examples[0].joints + np.float32(0.01))
    assert data_hash([closer, *examples[1:]]) == name
    for changed in (
        moved,
        replace(examples[0], captions=("a man runs.",)),
        replace(examples[0], split="test"),
    ):
        assert data_hash([changed, *examples[1:]]) != name


def test_numbers_of_two_evaluators_do_not_mix(evaluator):
    torch.manual_seed(1)
    vocabulary = evaluator.vocabulary
    other = ev.TextMotionModel.of(
        TextMotionNetwork(SMALL, vocabulary.rows), vocabulary, evaluator.data_hash
    )
    assert other.name != evaluator.name
    real, ours = (Row(s, {"R@1": 0.5}, e.name) for s, e in (("real", evaluator), ("ours", other)))
    with pytest.raises(MixedEvaluatorsError, match=other.name):
        Table("R-precision", (real, ours))


# -- training ------------------------------------------------------------------------


def test_right_answers_are_not_counted_as_wrong():
    x = np.zeros((8, 2), np.float16)
    clips = [
        tc.TrainingClip(x, ("a man walks.", "he goes."), "walk"),
        tc.TrainingClip(x, ("he strolls.",), "walk"),
        tc.TrainingClip(x, ("he steps.", "he goes."), "step"),
        tc.TrainingClip(x, ("he goes.",), "gone"),
    ]
    assert tc.matching_pairs(clips).astype(int).tolist() == [
        [1, 1, 0, 0],
        [1, 1, 0, 0],
        [0, 0, 1, 0],
        [1, 0, 1, 1],
    ]


def test_concatenated_clips():
    caption = sentences.then_caption("a person walks.", "the young man jumps.")
    assert caption == "a person walks, then jumps."
    assert sentences.then_caption("someone bows.", "full of joy, a man hops.").endswith(
        "a man hops."
    )
    one = tc.TrainingClip(np.ones((8, 2), np.float16), ("a walks.",), "walk")
    two = tc.TrainingClip(np.zeros((12, 2), np.float16), ("b hops.",), "hop")
    assert len(tc.concatenate(one, two, 400).features) == 20
    assert tc.concatenate(one, two, 20) is one


def test_mirror_images_have_labels_of_their_own():
    turn = Example("t~mirrored", clip(0, 0), ("a man turns left.",), "train", "turn-right, calm")
    assert tc.clip_label(turn) == "turn-left, calm"


def test_training_learns_resumes_and_stops(examples, tmp_path):
    """From chance to nearly all; the second call continues, and changes nothing."""
    trained = training.train_text_motion(SMALL, SETTINGS, examples, tmp_path, seed=3)
    test = [e for e in examples if e.split == "test"]
    first, *_ = training.retrieval(trained, test, repeats=3).mean(axis=0)
    assert first > 0.6  # chance is 1/6
    again = training.train_text_motion(SMALL, SETTINGS, examples, tmp_path, seed=3)
    assert again.name == trained.name
    assert trained.data_hash == data_hash(examples)
    impatient = replace(SETTINGS, steps=100_000, patience=1, validate_every=5)
    training.train_text_motion(SMALL, impatient, examples, tmp_path, seed=3)
    assert torch.load(tmp_path / "evaluator.pt", weights_only=True)["schedule"]["step"] < 1000


def test_the_same_seed_gives_the_same_evaluator(examples, tmp_path):
    short = replace(SETTINGS, steps=3)
    one, two, other = (
        training.train_text_motion(SMALL, short, examples, tmp_path / str(k), seed=s)
        for k, s in enumerate((5, 5, 6))
    )
    assert one.name == two.name != other.name


def test_training_without_held_out_clips_uses_the_whole_budget(examples, tmp_path):
    train = [e for e in examples if e.split == "train"]
    short = replace(SETTINGS, steps=4)
    assert training.train_text_motion(SMALL, short, train, tmp_path, seed=0).config == SMALL


def test_nothing_to_learn_from_is_said(examples, tmp_path):
    with pytest.raises(ev.TextMotionError, match="different captions"):
        training.train_text_motion(SMALL, SETTINGS, examples[:1], tmp_path, seed=0)
    kit = replace(SMALL, representation="kit_251")
    with pytest.raises(ev.TextMotionError, match="reads kit_251"):
        training.train_text_motion(kit, SETTINGS, examples, tmp_path, seed=0)


# -- the command ---------------------------------------------------------------------

RECIPE = """
[evaluator]
data = ["clean"]
embedding_dim = 8
width = 16
motion_layers = 1
text_layers = 1
heads = 2
buckets = 64
together = 2
[evaluator.training]
validate_every = 2
batch = 8
minutes = 1e9
"""


def test_the_command(monkeypatch, capsys, tmp_path, examples):
    from ext_models.commands import train_evaluator

    monkeypatch.setattr(train_evaluator, "read_sets", lambda *_, **__: examples)
    monkeypatch.setattr(train_evaluator, "RUNS", tmp_path / "runs")
    recipe, out = tmp_path / "r.toml", tmp_path / "out"
    recipe.write_text(RECIPE)
    call = ["train-evaluator", str(recipe), "--data", str(tmp_path), "--out", str(out)]
    assert main([*call, "--steps", "4", "--device", "cpu"]) == 0
    assert f"evaluator {ev.load(out).name} written" in capsys.readouterr().out
    notes = ev.read_card(out)["notes"]
    assert notes["packs"] == ["clean"]
    assert notes["together"] == 2
    assert notes["test_r_precision"]["pool"] == len(MOVES)


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("[pack]\nname = 'x'", "no [evaluator] table"),
        ("[evaluator]\nembedding_dim = 8", "names no data"),
        ("[evaluator]\ndata = 'clean'\nspaces = 8", "spaces"),
        ("[evaluator]\ndata = 'clean'\nembedding_dim = 512", "2 to 128 dimensions"),
        ("[evaluator]\ndata = 'clean'", "training needs --data DIR"),
    ],
)
def test_bad_recipes_end_in_one_sentence(monkeypatch, capsys, tmp_path, text, says):
    monkeypatch.delenv("MOTIONGPT_DATA", raising=False)
    recipe = tmp_path / "r.toml"
    recipe.write_text(text)
    assert main(["train-evaluator", str(recipe), "--out", str(tmp_path), "--device", "cpu"]) == 1
    error = capsys.readouterr().err
    assert says in error
    assert "Traceback" not in error

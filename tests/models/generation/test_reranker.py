"""The reranker: what chooses among candidates, how it is trained, what it must never see."""

import math

import numpy as np
import pytest
import torch

from ext_models.__main__ import main
from ext_models.datasets.examples import Example
from ext_models.generation import reranker as m
from ext_models.generation.candidate_score import FEATURES, ScoreWeights
from ext_models.generation.pipeline import MotionPipeline
from ext_models.generation.request import GenerationRequest
from ext_models.generation.reranking import CandidateSelector
from ext_models.language.pack_training import with_captions
from ext_models.packs import RERANKER, PackError
from ext_models.recipes.schema import Recipe
from ext_models.text_motion import model as spaces
from ext_models.text_motion import reranker_training as training
from ext_models.text_motion.network import TextMotionNetwork
from ext_models.text_motion.text_vocabulary import TextVocabulary
from motiongpt_blender.wire import Sampling
from tests.support import tiny_pack
from tests.support.labelled_clips import body
from tests.support.motion_folders import walker

SMALL = {
    "embedding_dim": 8,
    "width": 16,
    "motion_layers": 1,
    "text_layers": 1,
    "heads": 2,
    "buckets": 64,
}
LANGUAGE = {"levels": 2, "max_frames": 40, "base": "x", "adapter": {}}
RECIPE = {
    "pack": {"name": "tiny", "seed": 1},
    "language": {**LANGUAGE, "joining": {"then": 3}},
    "reranker": {**SMALL, "training": {"steps": 4, "minutes": math.inf, "validate_every": 2}},
}
MOVES = ("walk", "run", "bow", "kick")


def write_reranker(pack):
    torch.manual_seed(0)
    vocabulary = TextVocabulary.of(["a person walks"], SMALL["buckets"], 48)
    config = spaces.TextMotionConfig(**SMALL, max_frames=40)
    space = spaces.TextMotionModel.of(
        TextMotionNetwork(config, vocabulary.rows), vocabulary, "0" * 16
    )
    spaces.save(space, pack / RERANKER)
    return pack


def make_examples():
    return [
        Example(
            f"{move}{k}", body(18, 7 * kind + k), (f"a person {move}s.",), split, f"{move}, old"
        )
        for kind, move in enumerate(MOVES)
        for k, split in enumerate(["train", "train", "val", "test"])
    ]


@pytest.mark.parametrize("summary", [(), (2, 5)])
def test_of_the_candidates_the_most_fitting_is_given(tmp_path, summary):
    pipe = MotionPipeline.from_pack(
        write_reranker(tiny_pack.write(tmp_path / "pack", summary=summary)), "cpu"
    )
    request = GenerationRequest(
        "a person walks", 20, (), Sampling(seed=3, temperature=5.0, variations=2, candidates=4)
    )
    (answers,) = pipe.generate_batch([request])
    assert len(answers) == 8
    clips = [pipe.clip(a.codes, request).joints for a in answers]
    fits = pipe.selector.reranker.scores(request.prompt, clips)
    assert len(set(fits.round(6))) > 4
    weights = ScoreWeights(1.0, *(0.0 for _ in FEATURES[1:]))
    chosen = CandidateSelector(pipe.selector.reranker, weights).select(
        [pipe.clip(a.codes, request) for a in answers], request
    )
    best = [clips[fits[:4].argmax()], clips[4 + fits[4:].argmax()]]
    assert all(np.array_equal(c.joints, b) for c, b in zip(chosen.clips, best, strict=True))
    assert np.array_equal(chosen.alternatives[0].joints, clips[fits.argmax()])


def test_motion_of_any_length_is_judged(tmp_path):
    reranker = m.Reranker.of_pack(write_reranker(tmp_path), "cpu")
    assert reranker.scores("a person walks", [walker(3)] * 2).tolist() == [0, 0]
    assert reranker.scores("a person walks", []).shape == (0,)
    for frames in (5, 40, 41, 90):
        fits = reranker.scores("someone jumps", [walker(frames), walker(frames, 1)])
        assert (np.abs(fits) <= 1 + 1e-6).all()
        assert fits[0] != fits[1]


def train(tables, examples, folder, **budget):
    recipe = Recipe.of(tables, "test").with_budget(**budget)
    places = (folder / "pack", folder / "run")
    return training.train_reranker(
        recipe.reranker, recipe.pack, recipe.language, examples, *places, device="cpu"
    )


def test_it_learns_from_nothing_that_is_held_out(tmp_path, monkeypatch):
    examples, seen = make_examples(), []
    learn = training.train_text_motion

    def spy(config, settings, given, run, **more):
        seen.extend(given)
        return learn(config, settings, given, run, **more)

    monkeypatch.setattr(training, "train_text_motion", spy)
    made = m.Reranker(train(RECIPE, examples, tmp_path))
    assert {e.split for e in seen} == {"train", "val"}
    joined = [e for e in seen if "+" in e.id]
    assert joined
    assert {e.split for e in joined} == {"train"}
    # "walk, then bow" is among the compositions that are measured.
    assert not [e for e in joined if e.label.startswith("walk") and ", then bow" in e.label]
    again = m.Reranker.of_pack(tmp_path / "pack", "cpu")
    clips = [e.joints for e in examples[:3]]
    assert np.allclose(
        made.scores("a person walks.", clips), again.scores("a person walks.", clips)
    )
    assert again.space.config.max_frames == RECIPE["language"]["max_frames"]


def test_it_reads_the_captions_that_the_language_model_reads(tmp_path, monkeypatch):
    seen = []

    def spy(config, settings, given, run, **more):
        seen.extend(given)
        raise PackError("seen enough")

    monkeypatch.setattr(training, "train_text_motion", spy)
    examples = make_examples()
    recipe = {**RECIPE, "language": {**LANGUAGE, "captioned": 0.4}}
    with pytest.raises(PackError, match="seen enough"):
        train(recipe, examples, tmp_path)
    read = {e.id for e in with_captions(examples, 0.4, 1) if e.captions and e.split == "train"}
    assert {e.id for e in seen if e.split == "train"} == read
    assert 0 < len(read) < sum(e.split == "train" for e in examples)


def test_a_reranker_of_other_clips_does_not_go_on(tmp_path):
    def trained(examples, table, **budget):
        recipe = {**RECIPE, "reranker": {**RECIPE["reranker"], **table}}
        return train(recipe, examples, tmp_path, **budget)

    examples = make_examples()
    trained(examples, {})
    trained(examples, {}, steps=6)
    for clips, table in ((examples[1:], {}), (examples, {"seed": 9})):
        with pytest.raises(PackError, match="holds the training of another reranker"):
            trained(clips, table)


def test_no_table_no_reranker(tmp_path):
    assert m.Reranker.of_pack(tmp_path, "cpu") is None


def test_what_is_wrong_is_named(tmp_path, capsys):
    pack = write_reranker(tiny_pack.write(tmp_path / "pack"))
    (pack / RERANKER / spaces.WEIGHTS).write_bytes(b"cut off")
    with pytest.raises(PackError, match=r"text_motion\.safetensors is damaged"):
        MotionPipeline.from_pack(pack, "cpu")
    recipe = tmp_path / "headless.toml"
    recipe.write_text("[reranker]\nembedding_dim = 8\n")
    assert main(["train-reranker", str(recipe), "--out", str(pack)]) != 0
    assert "the recipe has no [pack] table" in capsys.readouterr().err
    recipe = tmp_path / "none.toml"
    recipe.write_text('[pack]\nname = "x"\n')
    assert main(["train-reranker", str(recipe), "--out", str(pack)]) != 0
    assert "has no [reranker] table" in capsys.readouterr().err

"""The parts of an evaluation: clips kept, text and motion, poses, lists of prompts."""

import json
from dataclasses import replace

import numpy as np
import pytest

from ext_models.errors import PipelineError
from ext_models.evaluation import baselines as sy
from ext_models.evaluation import clip_maker, pose_tasks, text_motion_table
from ext_models.evaluation.eval_set import build_eval_set, stratified
from ext_models.evaluation.nearest_caption import CaptionIndex, verbatim_share
from ext_models.evaluation.prompts import prompt_lists, prompt_scores
from ext_models.evaluation.prompts.label_pools import LabelPools
from ext_models.generation.pipeline import MotionPipeline
from ext_models.generation.request import GenerationRequest, PoseCondition
from motiongpt_blender.core.body.rotations import about_y, rotate
from motiongpt_blender.wire import Sampling
from tests.support import tiny_pack
from tests.support.labelled_clips import (
    LABELS,
    PROMPTS,
    SETTINGS,
    Copier,
    Oracle,
    body,
    captions,
    corner,
    make_examples,
    write_list,
)


@pytest.fixture(scope="module")
def examples():
    return make_examples()


@pytest.fixture(scope="module")
def pipeline(tmp_path_factory):
    place = tmp_path_factory.mktemp("packs") / "tiny"
    return MotionPipeline.from_pack(tiny_pack.write(place), "cpu")


@pytest.fixture
def eval_set(pipeline, examples):
    return build_eval_set(pipeline, examples, SETTINGS, Oracle(examples))


# -- what is looked at ---------------------------------------------------------------


def test_a_quick_look_sees_many_labels_and_the_same_draws(pipeline, examples):
    whole = build_eval_set(pipeline, examples, SETTINGS, None)
    quick = build_eval_set(pipeline, examples, SETTINGS, None, clips=6)
    assert len(quick.clips) == 6
    assert len({e.label for e in quick.clips}) == 6
    at = {e.id: (whole.caption(e), whole.other(e).id) for e in whole.clips}
    assert all(at[e.id] == (quick.caption(e), quick.other(e).id) for e in quick.clips)
    assert all(whole.other(e).label != e.label for e in whole.clips)
    assert len(stratified(whole.clips, 12)) == 12


def test_clips_without_captions_are_not_asked_for(pipeline, examples):
    mute = [replace(e, captions=()) if e.id.endswith("2") else e for e in examples]
    eval_set = build_eval_set(pipeline, mute, SETTINGS, None)
    assert len(eval_set.captions) == len(eval_set.clips) == len(eval_set.held_out) == len(LABELS)


def test_too_few_labels_are_refused(pipeline, examples):
    with pytest.raises(PipelineError, match="fewer than 4 labels"):
        build_eval_set(pipeline, [e for e in examples if e.label in LABELS[:2]], SETTINGS, None)


# -- making clips --------------------------------------------------------------------


def test_clips_are_made_once_and_a_killed_run_goes_on(pipeline, tmp_path, monkeypatch):
    requests = [
        GenerationRequest("a person walks", 20 + n, sampling=Sampling(seed=n)) for n in range(7)
    ]
    written = []
    write = MotionPipeline.generate_batch

    def counted(self, batch, *more):
        written.extend(batch)
        return write(self, batch, *more)

    monkeypatch.setattr(MotionPipeline, "generate_batch", counted)
    cache = tmp_path / "clips" / "a.jsonl"
    first = clip_maker.ClipMaker(pipeline, cache, batch=3).make(requests, "text")
    assert len(written) == 7
    assert [len(j) for j in first] == [r.frames for r in requests]
    with cache.open("a") as file:  # killed while it wrote a line
        file.write('{"key": "abc", "co')
    lines = cache.read_text().splitlines()
    cache.write_text("\n".join([*lines[:4], lines[-1]]))
    again = clip_maker.ClipMaker(pipeline, cache, batch=3).make(requests, "text")
    assert len(written) == 10
    assert all(np.array_equal(a, b) for a, b in zip(first, again, strict=True))
    assert len(cache.read_text().splitlines()) == 7


def test_of_several_tries_the_nearest_is_taken(pipeline, tmp_path):
    pose = PoseCondition(0, body(20)[5])
    asked = [
        GenerationRequest("a person walks", 20, (pose,), Sampling(seed=4, candidates=count))
        for count in (1, 4)
    ]
    maker = clip_maker.ClipMaker(pipeline, tmp_path / "a.jsonl")
    one, best = (maker.make([request], "poses")[0] for request in asked)
    miss = [pose_tasks.pose_recon(j[0], pose.joints) for j in (one, best)]
    assert miss[1] <= miss[0]
    kept = [json.loads(line)["answers"] for line in (tmp_path / "a.jsonl").read_text().splitlines()]
    assert [len(answers) for answers in kept] == [1, 4]
    assert kept[0][0] == kept[1][0]


def test_requests_have_names_of_their_own():
    pose = PoseCondition(0, body(20)[5])
    some = [
        GenerationRequest("a", 20),
        GenerationRequest("a", 21),
        GenerationRequest("a", 20, sampling=Sampling(seed=1)),
        GenerationRequest("a", 20, (pose,)),
        GenerationRequest("a", 20, (replace(pose, placed=True),)),
        GenerationRequest("a", 20, (replace(pose, frame=3),)),
        GenerationRequest("a", 20, sampling=Sampling(guidance=0.5)),
        GenerationRequest("a", 20, history=body(20)),
        GenerationRequest("a", 20, history=body(20, seed=1)),
    ]
    assert len({clip_maker.key(r) for r in some}) == len(some)


# -- text and motion -----------------------------------------------------------------


def test_looking_up(examples):
    train = [e for e in examples if e.split == "train"]
    index = CaptionIndex(train)
    asked = [captions(label)[0].upper() for label in LABELS]
    found = index.nearest(asked, range(len(asked)))
    assert [train[row].label for row in found] == LABELS
    draws = {index.nearest(asked[:1], [seed])[0] for seed in range(20)}
    assert len(draws) == 2  # both clips of the label say the same
    assert index.nearest(["entirely strange"], [0])[0] < len(train)
    assert verbatim_share([*asked, "never said."], train) == pytest.approx(8 / 9)


def test_an_oracle_ranks_the_methods(eval_set, examples, tmp_path):
    text = [[body(len(e.joints), seed=77) for e in eval_set.clips]] * 2
    rows = [
        sy.Method(sy.REAL, ([e.joints for e in eval_set.clips],)),
        sy.Method(sy.TEXT, tuple(text)),
        sy.Method(
            sy.NEAREST_CAPTION,
            tuple(sy.nearest_caption_motions(eval_set, eval_set.captions, range(2))),
        ),
        sy.Method(sy.RANDOM, tuple(sy.random_motions(eval_set))),
    ]
    result = text_motion_table.text_motion_scores(eval_set, eval_set.evaluator, rows, tmp_path)
    table = {row.name: row.values for row in result.table.rows}
    assert eval_set.pool == 6
    for name in (sy.REAL, sy.NEAREST_CAPTION):
        assert table[name]["R@1"] == (1.0, 0.0)
    assert table[sy.TEXT]["R@3"][0] == pytest.approx(3 / 6, abs=0.35)
    assert table[sy.RANDOM]["R@1"][0] < 0.5
    assert table[sy.NEAREST_CAPTION]["to training clip"][0] == 0
    bias = table[sy.REAL]["FID of two real halves"][0]
    assert "FID" not in table[sy.REAL]
    assert table[sy.NEAREST_CAPTION]["FID of two real halves"][0] == bias > 0
    # What is as good as real motion has the bias and nothing besides.
    assert table[sy.NEAREST_CAPTION]["FID"][0] == pytest.approx(bias, rel=0.1)
    assert table[sy.TEXT]["FID"][0] > 1.3 * bias
    # A second look reads the training clips' points and says the same.
    again = text_motion_table.text_motion_scores(eval_set, eval_set.evaluator, rows, tmp_path)
    assert again.table == result.table
    assert len(list(tmp_path.glob("train-*.npy"))) == 1


def test_the_tokenizer_keeps_every_frame(pipeline, examples):
    for example in examples[:4]:
        assert sy.reconstruct(pipeline, example.joints).shape == example.joints.shape


# -- poses ---------------------------------------------------------------------------


def test_the_ratio_of_means():
    below = np.random.default_rng(0).uniform(2, 4, 200)
    value, half = pose_tasks.ratio(0.25 * below, below, 1)
    assert (value, half) == pytest.approx((0.25, 0.0))
    noisy = below + np.random.default_rng(1).normal(size=200)
    value, half = pose_tasks.ratio(noisy, below, 1)
    assert abs(value - 1) < half < 0.1


def test_a_model_that_obeys_meets_every_pose(eval_set):
    errors = pose_tasks.pose_errors(eval_set, Copier(eval_set))
    assert [(e.how, e.task, e.whose) for e in errors] == [
        (how, task, whose)
        for how in (pose_tasks.ALONE, pose_tasks.GUIDED)
        for whose in (pose_tasks.OWN, pose_tasks.OTHER)
        for task in ("initial", "last", "keys")
    ]
    for error in errors:
        assert np.allclose(error.given[:, 0], 0, atol=1e-3)
        assert error.text[:, 0].min() > 1
        assert error.floor[:, 0].min() > 1
        assert error.given.shape == error.text.shape == error.floor.shape == (16, 2)
    own, other = errors[0], errors[3]
    assert not np.allclose(own.text, other.text)


def test_a_model_that_does_not_listen_gains_nothing(eval_set):
    for error in pose_tasks.pose_errors(eval_set, Copier(eval_set, exact=False)):
        values = error.row(0).values
        assert values[f"Recon {pose_tasks.RATIO}"][0] == pytest.approx(1)
        assert values[f"Vel {pose_tasks.RATIO}"][0] == pytest.approx(1)
        assert values[f"Recon {pose_tasks.FAIR}"][0] == pytest.approx(1)


def test_the_nearest_of_the_tries_is_found_without_asking_anew(pipeline, tmp_path, monkeypatch):
    maker = clip_maker.ClipMaker(pipeline, tmp_path / "clips.jsonl")
    requests = [
        GenerationRequest("a person walks", 20, sampling=Sampling(seed=seed)) for seed in (3, 4)
    ]
    maker.make(requests, "text")
    candidates = [answer for r in requests for answer in maker._answers[clip_maker.key(r)]]
    asked = requests[0]
    maker._answers[clip_maker.key(asked)] = candidates
    monkeypatch.setattr(type(pipeline), "generate_batch", None)  # nothing is made anew
    clips = [pipeline.clip(answer.codes, asked).joints for answer in candidates]
    assert pose_tasks.pose_recon(clips[0][10], clips[1][10]) > 0.1
    for clip in clips:
        (near,) = maker.nearest([asked], [(PoseCondition(10, clip[10], False),)], "text")
        assert pose_tasks.pose_recon(near[10], clip[10]) < 1e-3


def test_where_the_end_stands(eval_set):
    source = body(30)
    assert pose_tasks._misplaced(source, source) == pytest.approx((0, 0), abs=1e-3)
    turned = rotate(np.broadcast_to(about_y(np.asarray(0.7)), (30, 22, 4)), source) + [3, 0, 1]
    assert pose_tasks._misplaced(turned, source) == pytest.approx((0, 0), abs=1e-3)
    ends = source.copy()
    ends[-1] += [0.3, 0, 0.4]
    assert pose_tasks._misplaced(ends, source)[0] == pytest.approx(0.5, abs=1e-3)
    names = set(pose_tasks.place_errors(eval_set, Copier(eval_set)))
    assert names == {
        f"{whose}, guided" for whose in (pose_tasks.OWN, pose_tasks.OTHER)
    }  # not told of any


# -- prompts -------------------------------------------------------------------------


def test_the_shipped_lists():
    lists = {p.stem: prompt_lists.read_prompts(p) for p in prompt_lists.SHIPPED.glob("*.toml")}
    assert {k: len(v.prompts) for k, v in lists.items()} == {
        "compositions": 40,
        "everyday": 60,
        "wordings": 60,
        "unknown": 130,
        "paraphrases": 50,
        "languages": 80,
        "then": 30,
        "hints": 96,
    }
    assert all(len(p.parts) == 2 for p in lists["compositions"].prompts)
    everyday = {p.text: p for p in lists["everyday"].prompts}
    assert all(p.action for p in everyday.values())
    assert everyday["take three steps forward and stop"].checks == (
        "takes 3 steps",
        "moves forward",
        "stops at the end",
    )


@pytest.mark.parametrize(
    ("prompt", "words"),
    [
        ({"label": "walk"}, "prompt 1: it needs a 'text'"),
        ({"text": "a", "lable": "walk"}, "'lable' is unknown"),
        ({"text": "walks"}, "it needs a 'label'"),
        ({"text": " ", "label": "walk"}, "prompt is empty"),
        ({"text": "a", "parts": ["a", "b"]}, "says 'how'"),
        ({"text": "a", "parts": ["a", "b"], "how": "before"}, "style, then or while"),
        ({"text": "a", "label": "walk", "seconds": -1}, "above 0"),
        ({"text": "a", "labels": "walk"}, "list of strings"),
        ({"text": "a", "action": "walk", "checks": "jumps"}, "'checks' is a list of strings"),
        ({"text": "a", "action": 3}, "'action' is a string"),
        ({"text": "a", "group": "walks"}, "the group 'walks' is not in"),
        ({"text": "a", "action": "walk", "language": "de"}, "it needs 'english'"),
        ({"text": "走", "action": "walk"}, "write it in English"),
    ],
)
def test_bad_lists_are_one_sentence(tmp_path, prompt, words):
    path = write_list(tmp_path / "p.json", prompt)
    with pytest.raises(PipelineError, match=words) as error:
        prompt_lists.read_prompts(path)
    assert str(path) in str(error.value)


def test_lists_that_cannot_be_read(tmp_path):
    with pytest.raises(PipelineError, match="no such list"):
        prompt_lists.read_prompts(tmp_path / "none.toml")
    (tmp_path / "bad.toml").write_text("[[prompts]", encoding="utf-8")
    with pytest.raises(PipelineError, match="not a readable list"):
        prompt_lists.read_prompts(tmp_path / "bad.toml")
    with pytest.raises(PipelineError, match="there are none"):
        prompt_lists.read_prompts(write_list(tmp_path / "e.json"))
    with pytest.raises(PipelineError, match="twice"):
        prompt_lists.read_prompts(write_list(tmp_path / "t.json", PROMPTS[0], PROMPTS[0]))


def test_prompts_of_other_data_are_left_out(tmp_path, examples):
    whole = prompt_lists.read_prompts(write_list(tmp_path / "p.json", *PROMPTS))
    assert whole.name == "mine"
    alone = prompt_lists.PromptList("mine", (prompt_lists.Prompt("jump", action="jump"),))
    assert alone.known(examples) == (alone, 0)
    known, left_out = whole.known(examples)
    assert (len(known.prompts), left_out) == (5, 1)


def test_pools_among_alike_hold_the_parts(examples):
    pools = LabelPools.of(examples, Oracle(examples), 6)
    prompt = prompt_lists.Prompt("x", labels=("walk, old",))
    near, far = pools._others(prompt)
    assert {pools.labels[k] for k in near} == {"walk, happy", "run, old", "bow, old", "kick, old"}
    assert len(far) == 3
    asked = np.zeros((1, len(LABELS)))
    right, near_miss, wrong = (corner(x)[None] for x in ("walk, old", "walk, happy", "kick, happy"))
    for clip, alike, least, most in (
        (right, True, 1, 1),
        (right, False, 1, 1),
        (near_miss, True, 0, 0.6),
        (wrong, False, 0, 0.6),
    ):
        hits = pools.hits(prompt, asked, clip, 20, 0, alike=alike)
        assert least <= hits[0] <= most


def test_what_says_less_of_the_same_does_not_compete(examples):
    plain = replace(examples[0], label="walk", captions=("a person walks.",))
    pools = LabelPools.of([*examples, plain], Oracle(examples), 6)
    near, far = pools._others(prompt_lists.Prompt("x", labels=("walk, old",)))
    assert "walk" not in {pools.labels[k] for k in (*near, *far)}


def test_lists_beside_plain_captions(eval_set, examples, tmp_path):
    whole = prompt_lists.read_prompts(write_list(tmp_path / "p.json", *PROMPTS))
    known, _ = whole.known(examples)
    rows = [
        sy.Method(sy.REAL, ([e.joints for e in eval_set.clips],)),
        sy.Method(sy.TEXT, ([body(len(e.joints)) for e in eval_set.clips],)),
        sy.Method(
            sy.NEAREST_CAPTION,
            tuple(sy.nearest_caption_motions(eval_set, eval_set.captions, range(2))),
        ),
    ]
    scores = prompt_scores.prompt_scores(
        eval_set, eval_set.evaluator, Copier(eval_set), rows, [known]
    )
    table = {r.name: r.values for r in prompt_scores.prompt_table(scores, 6).rows}
    assert table["plain captions: real motion"]["R@1"] == (1.0, 0.0)
    assert table["mine: text to motion"]["prompts"] == 5
    assert table["mine: real motion"]["R@1"][0] > 0.5
    assert f"share of plain R@{3}" in table["mine: nearest caption"]
    frames = {r.prompt: r.frames for r in prompt_scores.prompt_requests(eval_set, known)}
    assert frames["a person runs while bowing"] == 24
    assert frames["a person walks, then bows"] == 40  # two of them, but not longer than it writes
    # Its clips are all in the validation split.
    unseen = prompt_lists.Prompt("somebody waits", labels=("nobody's",))
    (asked,) = prompt_scores.prompt_requests(eval_set, replace(known, prompts=(unseen,)))[:1]
    assert asked.frames == 40

"""A prompt of several actions: their times, and their motions one after the other."""

from dataclasses import replace

import numpy as np
import pytest
import torch

from ext_models.generation.conditioning import end_pose
from ext_models.generation.pipeline import MotionPipeline, silent
from ext_models.generation.request import GenerationRequest, PoseCondition
from ext_models.generation.timed_actions import (
    LEAST_STEPS,
    TimedAction,
    request_of,
    rushed_seams,
    survivors,
    timed_actions,
)
from ext_models.language.vocabulary import Skill
from ext_models.motion import features
from motiongpt_blender.core.body.motion import heading, local_pose
from motiongpt_blender.wire import Sampling
from tests.support import tiny_pack
from tests.support.clips import clip
from tests.support.motion_folders import walker

PROMPT = "a person walks, then waves"


@pytest.fixture(scope="module")
def pipeline(tmp_path_factory):
    folder = tiny_pack.write(tmp_path_factory.mktemp("pack"))
    tiny_pack.write_bodies(folder)
    return MotionPipeline.from_pack(folder, "cpu")


@pytest.fixture
def asked(pipeline, monkeypatch):
    """What the language model is asked, a list for each call."""
    calls = []
    write = pipeline.generator.generate

    class Noting:
        def generate(self, requests, *rest):
            calls.append(list(requests))
            return write(requests, *rest)

    monkeypatch.setattr(pipeline, "generator", Noting())
    return calls


def request(*poses, **sampling):
    return GenerationRequest(PROMPT, 36, poses, Sampling(seed=5, **sampling))


# -- time ------------------------------------------------------------------------------


def test_each_action_has_its_share_of_the_time():
    seconds = {"a person walks": 3.0, "waves": 1.0}.__getitem__
    walk, wave = timed_actions(PROMPT, 28, seconds)
    assert walk == TimedAction("a person walks", 0, LEAST_STEPS + 15)
    assert wave == TimedAction("waves", 19, LEAST_STEPS + 5)
    assert [a.steps for a in timed_actions(PROMPT, 9)] == [4, 5]


def test_a_prompt_of_one_action_or_of_too_little_time_stays_whole():
    assert timed_actions("a person walks", 9) == (TimedAction("a person walks", 0, 9),)
    short = 2 * LEAST_STEPS - 1
    assert timed_actions(PROMPT, short) == (TimedAction(PROMPT, 0, short),)


def test_the_actions_of_a_request_share_its_poses_and_frames():
    joints = walker(40)
    poses = tuple(PoseCondition(frame, joints[frame]) for frame in (0, 15, 16, 33))
    whole = GenerationRequest(PROMPT, 34, poses)
    actions = TimedAction("walks", 0, 4), TimedAction("waves", 4, 5)
    first, second = (request_of(whole, [action], 4) for action in actions)
    assert (first.prompt, first.frames) == ("walks", 16)
    assert [pose.frame for pose in first.poses] == [0, 15]
    assert (second.prompt, second.frames) == ("waves", 18)
    assert [pose.frame for pose in second.poses] == [0, 17]
    both = request_of(whole, actions, 4)
    assert (both.prompt, both.frames, both.poses) == ("walks, then waves", 34, poses)


def test_the_best_quarter_of_each_group_goes_on():
    scores = [0.0, 5.0, 1.0, 9.0, 2.0, 3.0, 4.0, 8.0]
    assert survivors(scores, 1) == [3, 7] * 4
    assert survivors(scores, 2) == [3] * 4 + [7] * 4
    assert survivors([1.0, 2.0], 2) == [0, 1]


# -- the place of an end ---------------------------------------------------------------


def test_an_end_has_a_place_where_the_motion_has_one():
    joints = clip("turn")
    alone = end_pose(joints, GenerationRequest("x", len(joints)))
    assert not alone.placed and np.array_equal(alone.joints, joints[-1])
    assert alone.bound.all()  # which keeps it out of the instruction
    marked = walker(30)[20] + np.array([3, 0, -2], np.float32)
    pose = PoseCondition(7, marked)
    placed = end_pose(joints, GenerationRequest("x", len(joints), (pose,)))
    assert placed.placed
    travelled = np.linalg.norm((joints[-1] - joints[7])[0, [0, 2]])
    assert np.linalg.norm((placed.joints - marked)[0, [0, 2]]) == pytest.approx(travelled, abs=1e-4)
    turned = heading(joints[-1]) - heading(joints[7])
    assert heading(placed.joints) - heading(marked) == pytest.approx(turned, abs=1e-3)


def test_an_end_that_the_next_action_snaps_away_from_is_found():
    """A stand that becomes a crouch within a tenth of a second, and one that takes its time."""
    stand, low = walker(40)[0], walker(40)[0] * np.array([1, 0.5, 1], np.float32)
    actions = TimedAction("stands", 0, 8), TimedAction("crouches", 8, 8)
    snap = np.stack([stand] * 33 + [low] * 31).astype(np.float32)
    share = np.clip((np.arange(64) - 32) / 20, 0, 1)[:, None, None]
    calm = (stand + share * (low - stand)).astype(np.float32)
    (seam,) = rushed_seams(snap, actions, 4, ())
    assert seam.frame == 31 and np.array_equal(seam.joints, stand.astype(np.float32))
    assert not rushed_seams(calm, actions, 4, ())
    assert not rushed_seams(snap, actions[:1], 4, ())
    assert not rushed_seams(snap, actions, 4, (PoseCondition(36, low),))


# -- motion ----------------------------------------------------------------------------


def test_each_action_is_asked_for_in_its_words(pipeline, asked):
    (answers,) = pipeline.generate_batch([request()])
    assert [[r.prompt for r in call] for call in asked] == [["a person walks"], ["waves"]]
    (first,), (second,) = asked
    assert first.steps + second.steps == 9 == len(answers[0].codes)
    assert not second.poses and not second.given  # the words alone say what comes next
    (seam,) = second.targets.poses
    assert seam.frame == 0 and seam.place is None


def test_the_next_action_is_guided_from_the_end_of_the_one_before(pipeline, asked):
    """Its first body is nearer to that end than without guidance."""
    apart = []
    for guidance in (4.0, 1e-9):
        one = request(guidance=guidance)
        requests = [replace(one, sampling=replace(one.sampling, seed=k)) for k in range(8)]
        for (answer,), code_request in zip(
            pipeline.generate_batch(requests), asked[-1], strict=True
        ):
            (seam,) = code_request.targets.poses
            codes = torch.tensor(answer.codes[-code_request.steps :])
            begun = features.to_joints(pipeline.tokenizer.decode(codes[None])[0].numpy())[0]
            apart.append(np.abs(local_pose(begun) - local_pose(seam.joints)).mean())
    assert np.mean(apart[:8]) < 0.9 * np.mean(apart[8:])


def test_the_best_candidates_are_continued(pipeline, asked):
    """With a pose to choose by; every answer begins with the codes of a survivor."""
    pose = PoseCondition(4, walker(30)[4])
    (answers,) = pipeline.generate_batch([request(pose, candidates=8)])
    steps = asked[0][0].steps
    assert len(answers) == 8 == len(asked[1])
    assert len({str(a.codes[:steps]) for a in answers}) == 2
    assert len({str(a.codes[steps:]) for a in answers}) > 2


def test_marked_poses_keep_their_frames(pipeline, asked):
    joints = walker(40)
    poses = [PoseCondition(frame, joints[frame], placed=True) for frame in (2, 30)]
    pipeline.generate_batch([request(*poses)])
    ((first,), *_), (second, *_) = asked[0:1] and ([asked[0]], asked[1])
    assert [pose.frame for pose in first.targets.poses] == [2]
    begin = 4 * first.steps
    assert [pose.frame for pose in second.targets.poses] == [0, 30 - begin]
    assert [code.step for code in second.poses] == [(30 - begin) // 4]
    left, ahead, _ = second.targets.poses[1].place
    assert np.hypot(left, ahead) < 3  # from where the first action ended


def test_a_pose_that_begins_an_action_stands_for_the_end_before(pipeline, asked):
    steps = [a.steps for a in pipeline.actions(request())]
    pipeline.generate_batch([request(PoseCondition(4 * steps[0], walker(30)[4]))])
    assert [pose.frame for pose in asked[1][0].targets.poses] == [0]
    assert [code.step for code in asked[1][0].poses] == [0]


def test_a_history_goes_before_the_first_action_alone(tmp_path):
    pack = tiny_pack.write(tmp_path / "pack", (Skill.CONTINUE,))
    one = replace(request(), frames=32, history=walker(30))
    (answers,) = MotionPipeline.from_pack(pack, "cpu").generate_batch([one])
    assert [len(answer.codes) for answer in answers] == [5 + 8]


def test_actions_alone_and_among_others_are_the_same(pipeline):
    several = request(variations=2)
    plain = GenerationRequest("a person walks", 13, sampling=Sampling(seed=8, candidates=1))
    together = pipeline.generate_batch([plain, several])
    assert together == [pipeline.generate_batch([r])[0] for r in (plain, several)]
    assert [len(a.codes) for candidates in together for a in candidates] == [4, 9, 9]


def test_without_guidance_a_prompt_stays_whole(pipeline, asked):
    pipeline.generate_batch([request(guidance=0.0)])
    assert [[r.prompt for r in call] for call in asked] == [[PROMPT]]


def test_the_take_says_how_it_was_split(pipeline):
    seen = []
    result = pipeline.generate(request(), lambda _, share: seen.append(share), lambda: False)
    assert len(result.clips[0]) == 36 and result.clips[0].prompt == PROMPT
    assert result.notes[0] == (
        "Made as 2 actions: 0.0 to 0.8 s 'a person walks', 0.8 to 1.8 s 'waves'."
    )
    assert seen == sorted(seen) and seen[-1] == 1.0
    (alone,) = pipeline.generate(replace(request(), prompt="a person walks"), *silent()).clips
    assert len(alone) == 36

"""Pose guidance: planar poses, look-ahead, and packs of random weights that follow poses."""

from dataclasses import replace

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from ext_models.generation import generators
from ext_models.generation.candidate_score import pose_error
from ext_models.generation.conditioning import guidance_targets
from ext_models.generation.generators import CodeRequest
from ext_models.generation.lookahead import CHANNELS, LinearDecoder
from ext_models.generation.pipeline import MotionPipeline, silent
from ext_models.generation.request import GenerationCancelledError, GenerationRequest, PoseCondition
from ext_models.generation.targets import GuidanceTargets, summary_targets
from ext_models.motion import features, planar
from ext_models.motion.motion_metrics import local_pose
from ext_models.tokenizer.clip_summary import ExpectedPoses, describe, moments
from motiongpt_blender.core.body.motion import heading
from motiongpt_blender.wire import Sampling
from tests.support import tiny_pack
from tests.support.motion_folders import walker

METRES = st.floats(-20, 20)
ANGLES = st.floats(-9, 9)
STANDS = st.tuples(METRES, METRES, ANGLES).map(lambda v: torch.tensor(v, dtype=torch.float64))


# -- ways ------------------------------------------------------------------------------


@settings(max_examples=40)
@given(STANDS, STANDS)
def test_what_is_seen_from_a_stand_is_found_again_behind_it(here, there):
    seen = torch.tensor(planar.planar_offset(here.numpy(), there.numpy()))
    again = planar.compose(here, seen)
    assert torch.allclose(again[:2], there[:2], atol=1e-9)
    assert abs(float(planar.wrap_angle(again[2] - there[2]))) < 1e-9
    assert torch.allclose(planar.relative_to(here, planar.compose(here, seen)), seen, atol=1e-9)


@settings(max_examples=40)
@given(STANDS, STANDS, st.integers(1, 12), st.integers(1, 8))
def test_even_shares_add_up_to_the_whole_way(now, goal, steps, frames):
    """Whoever goes what is due at each step arrives, by the shorter turn, at an even pace."""
    begin, paces = now, []
    for step in range(steps):
        due = planar.interpolate_pose(now, goal, frames, frames * (steps - 1 - step))
        paces.append(due - now)
        now = due
    assert torch.allclose(now[:2], goal[:2], atol=1e-9)
    assert abs(float(planar.wrap_angle(now[2] - goal[2]))) < 1e-9
    assert abs(float(now[2] - begin[2])) <= np.pi + 1e-9
    assert all(torch.allclose(pace, paces[0], atol=1e-9) for pace in paces)


@settings(max_examples=20)
@given(STANDS, STANDS, STANDS)
def test_ways_do_not_hang_on_where_the_world_begins(world, now, goal):
    due = planar.interpolate_pose(now, goal, 4, 9)
    moved = planar.interpolate_pose(planar.compose(world, now), planar.compose(world, goal), 4, 9)
    assert torch.allclose(moved[:2], planar.compose(world, due)[:2], atol=1e-8)


def test_roots_and_stands_are_those_of_the_joints():
    """Read from features, they are the ones that the joints themselves have."""
    x = features.from_joints(walker(40, seed=3))
    joints = features.to_joints(x)
    frames = torch.from_numpy(x[:, :CHANNELS])
    path = planar.root_path(frames)
    assert np.allclose(path[:, :2].numpy(), joints[:, 0, [0, 2]], atol=1e-4)
    stand = [planar.body_pose(frames, path, at) for at in range(len(frames))]
    turned = np.array([float(s[2]) for s in stand])
    assert np.allclose(np.cos(turned - heading(joints)), 1, atol=1e-4)


# -- look-ahead --------------------------------------------------------------------------


TOKENIZER = replace(tiny_pack.TOKENIZER, form="patches", lap=2)


@pytest.fixture(scope="module")
def pipeline(tmp_path_factory):
    folder = tiny_pack.write(tmp_path_factory.mktemp("packs") / "tiny", summary=(2, 6))
    tiny_pack.write_bodies(folder)
    return MotionPipeline.from_pack(folder, "cpu")


def test_what_is_foreseen_is_what_is_decoded(pipeline):
    """A decoder that has not learnt to refine is linear: nothing is missed."""
    tokenizer = pipeline.tokenizer
    decoder = LinearDecoder.fit(tokenizer, 2)
    codes = torch.randint(12, (6, 2), generator=torch.Generator().manual_seed(1))
    for steps in (0, 1, 4):
        before = decoder.latents(codes[:steps])
        made = decoder.frames(before, decoder.latents(codes[steps : steps + 1, :1])[0], 1)
        assert made.shape == (12, 2 * decoder.stride, CHANNELS)
        for code in range(12):
            whole = torch.cat([codes[:steps], torch.tensor([[int(codes[steps, 0]), code]])])
            # The end of a motion's first step is faded there, and not at its beginning.
            shown = 2 * decoder.stride if steps > 1 else decoder.stride
            truth = tokenizer.decode(whole[None])[0, -shown:, :CHANNELS]
            assert torch.allclose(made[code, -shown:], truth, atol=1e-3)


# -- packs -----------------------------------------------------------------------------


def goal(pipeline, frame, seed, placed=False):
    """A pose that the pack can make, on the way of another motion."""
    codes = np.random.default_rng(seed).integers(12, size=(9, 2))
    x = pipeline.tokenizer.decode(torch.from_numpy(codes)[None])[0].numpy()
    return PoseCondition(frame, features.to_joints(x)[frame], placed)


def asked(*poses, **changes):
    sampling = replace(Sampling(seed=5, candidates=1), **changes)
    return GenerationRequest("a person walks", 36, poses, sampling)


def unguided(requests):
    """The same requests without pose guidance."""
    return [replace(r, sampling=replace(r.sampling, guidance=0.0)) for r in requests]


def clips(pipeline, requests):
    written = pipeline.generate_batch(requests)
    return [
        pipeline.select(candidates, r).clips[0]
        for candidates, r in zip(written, requests, strict=True)
    ]


@pytest.mark.parametrize("frame", [0, 13, 18, 35])
def test_guidance_brings_the_body_nearer(pipeline, frame):
    requests = [asked(goal(pipeline, frame, s), seed=s) for s in range(6)]
    free = unguided(requests)
    made = clips(pipeline, [*requests, *free])
    distance = [pose_error(clip, r) for clip, r in zip(made, [*requests, *free], strict=True)]
    assert np.mean(distance[:6]) < 0.8 * np.mean(distance[6:])
    alone = [pipeline.generate(r, *silent()).clips[0] for r in (requests[0], free[0])]
    assert pose_error(alone[0], requests[0]) < pose_error(alone[1], requests[0]) + 1e-6


def off_place(clip, request):
    first, last = request.poses
    wanted = planar.planar_offset(*planar.planar_poses(np.stack([first.joints, last.joints])))
    came = planar.planar_offset(*planar.planar_poses(clip.joints[[first.frame, last.frame]]))
    return np.linalg.norm((wanted - came)[:2])


def test_guidance_brings_the_motion_to_its_place(pipeline):
    requests = [
        asked(goal(pipeline, 0, s), goal(pipeline, 35, s + 1, placed=True), seed=s)
        for s in range(24)
    ]
    made = clips(pipeline, requests)
    free = clips(pipeline, unguided(requests))
    off = [[off_place(c, r) for c, r in zip(some, requests, strict=True)] for some in (made, free)]
    assert np.mean(off[0]) < 0.7 * np.mean(off[1])


def test_parts_of_a_body_guide_by_themselves(pipeline):
    """The bound joints come nearer; the model is not told of such a pose."""
    bound = np.zeros(22, dtype=bool)
    bound[[16, 18, 20]] = True
    requests = [asked(replace(goal(pipeline, 20, s), bound=bound), seed=s) for s in range(6)]
    assert all(not pipeline._code_request(r).poses for r in requests)
    made = clips(pipeline, requests)
    free = clips(pipeline, unguided(requests))
    distance = [
        [pose_error(c, r) for c, r in zip(some, requests, strict=True)] for some in (made, free)
    ]
    assert np.mean(distance[0]) < 0.9 * np.mean(distance[1])


def test_a_strength_of_nothing_changes_nothing(pipeline, monkeypatch):
    request = asked(goal(pipeline, 0, 1), goal(pipeline, 20, 2, placed=True), guidance=0.0)
    written = (
        pipeline.generate_batch([request]),
        pipeline.generate(request, *silent()).clips[0].tokens,
    )
    monkeypatch.setattr(
        "ext_models.generation.pipeline.guidance_targets", lambda *_: GuidanceTargets(strength=0.0)
    )
    on = replace(request, sampling=replace(request.sampling, guidance=3.0))
    again = pipeline.generate_batch([on]), pipeline.generate(on, *silent()).clips[0].tokens
    assert written == again


def test_without_poses_and_summary_nothing_guides(tmp_path):
    pipe = MotionPipeline.from_pack(tiny_pack.write(tmp_path / "pack"), "cpu")
    one, other = (asked(guidance=s) for s in (0.0, 5.0))
    assert pipe.generate_batch([one]) == pipe.generate_batch([other])


def test_the_same_seed_gives_the_same_motion_alone_and_among_others(pipeline):
    request = asked(goal(pipeline, 11, 3), goal(pipeline, 30, 4, placed=True), variations=2)
    tokens = [[c.tokens for c in pipeline.generate(request, *silent()).clips] for _ in range(2)]
    assert tokens[0] == tokens[1] and len(tokens[0][0]) == 9 * 2
    shorter = replace(asked(goal(pipeline, 0, 1), seed=8), frames=13)
    together = pipeline.generate_batch([shorter, request])
    assert together == [pipeline.generate_batch([r])[0] for r in (shorter, request)]
    assert [len(a.codes) for candidates in together for a in candidates] == [4, 9, 9]


def test_a_guided_motion_can_be_cancelled(pipeline):
    checks = []
    with pytest.raises(GenerationCancelledError):
        pipeline.generate(
            asked(goal(pipeline, 30, 1)),
            lambda *_: None,
            lambda: checks.append(1) or len(checks) > 3,
        )
    assert len(checks) == 4


def test_places_are_seen_from_the_first_pose_or_the_beginning():
    body = walker(30, 1)
    poses = (PoseCondition(3, body[3], True), PoseCondition(20, body[20], True))
    request = GenerationRequest("x", 30, poses)
    targets = guidance_targets(poses, request, (), 0)
    assert targets.origin == 3 and targets.poses[0].place is None
    wanted = planar.planar_offset(*planar.planar_poses(body[[3, 20]]))
    assert np.allclose(targets.poses[1].place, wanted)
    given = ((1, 2), (3, 4))
    request = replace(request, history=body[:2])
    later = tuple(replace(p, frame=p.frame + 8) for p in poses)
    targets = guidance_targets(later, request, given, 8)
    assert targets.origin == 7 and targets.given == given
    assert np.allclose(
        targets.poses[0].place, planar.planar_offset(*planar.planar_poses(body[[1, 3]]))
    )


# -- clip summaries -----------------------------------------------------------------------------


def test_an_outline_says_what_was_described():
    joints = walker(37, seed=2)
    expected = ExpectedPoses.of(describe(joints))
    at = moments(len(joints))
    assert np.allclose(expected.bodies, local_pose(joints[at]), atol=1e-5)
    assert np.allclose(expected.heights, joints[at, 0, 1], atol=1e-6)
    stands = planar.planar_poses(joints[at])
    seen = np.array([planar.planar_offset(stands[0], stand) for stand in stands])
    assert np.allclose(expected.path, seen[:, :2], atol=1e-5)
    assert np.allclose(np.cos(expected.turns - seen[:, 2]), 1, atol=1e-6)


def test_without_poses_a_motion_follows_its_summary(pipeline):
    """Even random weights follow the summary better with guidance than without."""
    off = {}
    for guidance in (0.0, 1.0):
        requests = [asked(seed=s, guidance=guidance) for s in range(8)]
        answers = [a for (a,) in pipeline.generate_batch(requests)]
        assert len({a.summary for a in answers}) > 1
        made = [pipeline.clip(a.codes, requests[0]).joints for a in answers]
        summary = pipeline.generator.guidance.summary
        expected = [summary.expected_poses(a.summary).bodies for a in answers]
        at = moments(36)
        off[guidance] = np.mean(
            [np.abs(local_pose(m[at]) - t).mean() for m, t in zip(made, expected, strict=True)]
        )
    assert off[1.0] < 0.9 * off[0.0]


def test_candidates_take_turns_in_following_their_summaries(pipeline, monkeypatch):
    """Those that do not follow may be fast where the summary only knows the mean."""
    generator = pipeline.generator
    targets = [GuidanceTargets(strength=0.5, turn=turn) for turn in range(4)]
    batch = generator.guidance.for_batch(generator.ids, targets, [9] * 4)
    batch._follow_summaries(torch.tensor([generator.ids.summary_ids((1, 2))] * 4))
    assert [(t.strength if t.poses else 0.0) for t in batch.targets] == [1.0, 0.4, 0.0, 1.0]
    seen = []

    def note(model, ids, prompts, *more, **options):
        seen.extend(p.targets.turn for p in prompts)
        return []

    monkeypatch.setattr(generators, "generate_codes", note)
    several = Sampling(seed=5, variations=2, candidates=3)
    generator.generate([CodeRequest("walks", 9, (), several)], lambda _: None, lambda: False)
    assert seen == [0, 1, 2, 3, 4, 5]


def test_finer_levels_follow_no_summary_but_lead_to_poses(pipeline):
    generator = pipeline.generator
    ids, levels = generator.ids, generator.ids.vocabulary.levels
    posed = guidance_targets((PoseCondition(1, walker(9, seed=4)[8]),), asked(), (), 0)
    scales = replace(generator.guidance.scales, follow_levels=levels - 1)
    guidance = replace(generator.guidance, scales=scales)
    for level in range(levels):
        targets = [GuidanceTargets(strength=1.0, turn=0), replace(posed, turn=None)]
        batch = guidance.for_batch(ids, targets, [9, 9])
        summary = ids.summary_ids((1, 2))
        for written in range(level + 1):
            answer = [*summary, *ids.of_codes([[3] * levels])[:written]]
            flat = torch.zeros(2, generator.ids.vocabulary.codes)
            scores = batch(torch.tensor([answer] * 2), flat)
        following, leading = (float(row.abs().max()) for row in scores)
        assert (following > 0.01) == (level < levels - 1)
        assert leading > 0.01


def test_a_summary_is_followed_in_bodies_and_not_in_places(pipeline):
    """Its path is known to within a metre only."""
    summary = pipeline.generator.guidance.summary
    targets = summary_targets(summary, [1, 2], 36)
    expected = summary.expected_poses([1, 2])
    assert [target.frame for target in targets] == list(moments(36))
    for target, body, height in zip(targets, expected.bodies, expected.heights, strict=True):
        assert target.place is None
        assert np.allclose(target.joints[:, 1], body[:, 1] + height, atol=1e-6)
        assert np.allclose(target.joints[:, [0, 2]], body[:, [0, 2]], atol=1e-6)


def test_the_summary_token_that_expects_the_poses_gains_most(pipeline):
    """Its cost is nothing; every other one loses, and the more the stronger the guidance."""
    guidance, ids = pipeline.generator.guidance, pipeline.generator.ids
    steps, frames = 10, 10 * pipeline.tokenizer.config.stride
    nothing_yet, scores = torch.zeros((1, 0), dtype=torch.long), torch.zeros((1, 6))
    for token in range(6):
        poses = summary_targets(guidance.summary, [token], frames)
        gains = []
        for strength in (1.0, 2.0):
            targets = GuidanceTargets(poses, strength)
            batch = guidance.for_batch(ids, [targets], [steps])
            gains.append(batch(nothing_yet, scores)[0])
        assert gains[0][token] == pytest.approx(0, abs=1e-4)
        others = [k for k in range(6) if k != token]
        assert (gains[0][others] < -0.1).all()
        assert torch.allclose(gains[1], 2 * gains[0], atol=1e-4)

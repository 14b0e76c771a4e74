"""The candidate score and what is kept of the candidates: real clips, and clips made worse."""

from dataclasses import replace

import numpy as np
import pytest

from ext_models.datasets.mirroring import mirror_joints
from ext_models.generation.candidate_score import (
    FEATURES,
    CandidateFeatures,
    ScoreWeights,
    candidate_features,
    pose_distance,
    pose_error,
    pose_errors,
)
from ext_models.generation.request import GenerationRequest, PoseCondition
from ext_models.generation.reranking import ALTERNATIVES, CandidateSelector, different
from ext_models.prompt_checks.checks import CheckResult
from ext_models.prompt_checks.grammar import read_checks
from motiongpt_blender.core.body.motion import MotionClip
from motiongpt_blender.wire import Sampling
from tests.support.clips import NAMES, as_generated, clip


def clip_of(joints):
    return MotionClip(joints.astype(np.float32))


def asked(joints, prompt="someone moves", placed=True, **sampling):
    """A request through the first and the last pose of a motion."""
    last = len(joints) - 1
    poses = tuple(PoseCondition(k, joints[k].astype(np.float32), placed) for k in (0, last))
    return GenerationRequest(prompt, len(joints), poses, Sampling(**sampling))


def late(joints, still=40):
    """The same way and the same ends, but a standstill first and all the way in what remains."""
    frames = np.linspace(0, len(joints) - 1, len(joints) - still).round().astype(int)
    return np.concatenate([np.repeat(joints[:1], still, axis=0), joints[frames]])


def features(joints, request=None):
    request = request or GenerationRequest("x", len(joints))
    return candidate_features(clip_of(joints), request, 0.0, ())


# -- features ------------------------------------------------------------------------


def test_what_the_correction_takes_costs_nothing():
    walk = clip("walk")[:60]
    for off, cost in ((0.05, 0.0), (0.3, 0.11)):  # the last of two poses is off
        away = walk.copy()
        away[-1, :, 0] += off
        assert features(away, asked(walk)).pose_distance == pytest.approx(cost, abs=2e-3)
        assert features(away, asked(walk, placed=False)).pose_distance == 0


def test_feet_and_pacing_are_in_metres_and_seconds():
    joints = np.zeros((61, 22, 3))
    joints[:, :, 0] = np.r_[np.zeros(21), 0.1 * np.arange(1, 41)][:, None]  # 1 s still, then 2 m/s
    found = features(joints)
    assert found.rush == pytest.approx(1.0)
    assert found.acceleration == pytest.approx(40)
    assert found.slide == 1.0  # 1.33 m/s, and more is no worse
    assert (found.fit, found.checks, found.pose_distance) == (0, 0, 0)
    joints[..., 1] = 1.0
    assert features(joints).slide == 0


def test_features_are_per_second_at_any_frame_rate():
    joints = np.zeros((61, 22, 3))
    joints[:, :, 0] = np.r_[np.zeros(21), 0.04 * np.arange(1, 41)][
        :, None
    ]  # still, then 4 cm a frame
    request = GenerationRequest("x", len(joints))
    slow, fast = (
        candidate_features(MotionClip(joints.astype(np.float32), fps), request, 0.0, ())
        for fps in (20.0, 30.0)
    )
    assert (slow.rush, fast.rush) == pytest.approx((0.0, 0.2), abs=1e-3)
    assert (slow.acceleration, fast.acceleration) == pytest.approx((16, 36), rel=1e-3)
    assert fast.slide == pytest.approx(1.5 * slow.slide, rel=0.05)
    assert features(10 * joints).acceleration == 60  # 160 m/s^2, and more is no worse


def test_fit_is_kept_and_checks_are_their_mean():
    (check,) = read_checks("jump")
    results = [CheckResult(check, score > 0.5, score, 0.0, "") for score in (0.2, 0.7)]
    request = GenerationRequest("x", 61)
    found = candidate_features(clip_of(clip("walk")[:61]), request, 0.3, results)
    assert (found.fit, found.checks) == pytest.approx((0.3, 0.45))


def test_places_are_relative_to_the_first_pose():
    walk = clip("walk")[:60]
    moved = walk.copy()
    moved[:10, :, 0] += 0.5  # before the first pose
    moved[-1, :, 0] += 0.3
    poses = tuple(PoseCondition(k, walk[k].astype(np.float32), True) for k in (10, 30, 59))
    request = GenerationRequest("x", 60, poses)
    assert pose_errors(clip_of(moved), request) == pytest.approx([0, 0, 0.3], abs=1e-3)
    assert pose_error(clip_of(moved), request) == pytest.approx(0.1, abs=1e-3)
    assert pose_distance(clip_of(moved), request) == pytest.approx(0.22 / 3, abs=1e-3)


def test_joints_that_are_free_do_not_count():
    walk = clip("walk")[:60]
    moved = walk.copy()
    moved[20, 20] += 0.4  # the left wrist
    for bound, off in (([0, 4, 5, 15], 0.0), ([0, 20], 0.2 * np.sqrt(3))):
        pose = PoseCondition(20, walk[20].astype(np.float32), False, np.isin(np.arange(22), bound))
        request = GenerationRequest("x", 60, (pose,))
        assert pose_error(clip_of(moved), request) == pytest.approx(off, abs=1e-3)


@pytest.mark.parametrize("name", NAMES)
def test_real_motion_has_a_better_score_than_worse_copies_of_it(name):
    real, weights = clip(name), ScoreWeights()
    best = weights.score(features(real))
    assert best > weights.score(features(as_generated(real, slide=0.6)))
    assert best > weights.score(features(late(real)))


def test_weights_and_features_have_one_order():
    values = dict(zip(FEATURES, (1.0, 2.0, 3.0, 4.0, 5.0, 6.0), strict=True))
    ones = {name: 10.0**k for k, name in enumerate(FEATURES)}
    assert ScoreWeights(**ones).score(CandidateFeatures(**values)) == pytest.approx(654321)
    shipped = ScoreWeights()
    assert shipped.fit >= 0
    assert shipped.checks > 0
    assert max(shipped.pose_distance, shipped.slide, shipped.acceleration, shipped.rush) <= 0


# -- selection -----------------------------------------------------------------------


def test_a_walk_between_two_poses_walks_all_the_way():
    """The leap reaches the end pose exactly, the walk to within some centimetres."""
    walk = clip("walk")[:80]
    near = walk.copy()
    near[-1, :, 0] += 0.06
    leap = late(walk)
    for order in ([leap, near], [near, leap]):
        kept = CandidateSelector().select([clip_of(j) for j in order], asked(walk))
        assert np.array_equal(kept.clips[0].joints, clip_of(near).joints)


def test_poses_that_are_missed_by_far_still_decide():
    walk = clip("walk")[:80]
    far = walk.copy()
    far[-1, :, 0] += 1.5
    rough = as_generated(walk, slide=0.1)
    kept = CandidateSelector().select([clip_of(far), clip_of(rough)], asked(walk))
    assert np.array_equal(kept.clips[0].joints, clip_of(rough).joints)


@pytest.mark.parametrize("side", ["left", "right"])
def test_a_demand_of_the_sentence_decides_between_equals(side):
    right = clip("turn")
    left = mirror_joints(right.astype(np.float32)).astype(np.float64)
    clips = {"right": clip_of(right), "left": clip_of(left)}
    request = GenerationRequest(f"a person walks and turns {side}", len(right))
    (given,) = CandidateSelector().select([clips["left"], clips["right"]], request).clips
    assert np.array_equal(given.joints, clips[side].joints)
    assert any(f"turns {side}: " in check and "degrees" in check for check in given.checks)
    assert not any("no" in check.split() for check in given.checks)


def test_a_take_that_ends_low_loses_where_nothing_low_is_asked():
    """The chair is the better motion in all else: it does not slide."""
    jump, sit = clip("jump"), clip("sit")[:70]
    rough = as_generated(jump, slide=0.05)
    for sentence, wanted in (("jump five times", rough), ("sits", sit)):
        request = GenerationRequest(sentence, 70)
        (given,) = CandidateSelector().select([clip_of(sit), clip_of(rough)], request).clips
        assert np.array_equal(given.joints, clip_of(wanted).joints)
    (told,) = CandidateSelector().select([clip_of(sit)], GenerationRequest("wave", 70)).clips
    assert told.checks[1].startswith("stays upright: no, low for ")
    (told,) = CandidateSelector().select([clip_of(jump)], GenerationRequest("wave", 70)).clips
    assert len(told.checks) == 1


def test_every_kept_clip_says_what_it_does():
    kept = CandidateSelector().select(
        [clip_of(clip(name)[:70]) for name in ("walk", "kick")],
        GenerationRequest("someone waves with the right hand", 70),
    )
    for one in kept.alternatives:
        (check,) = one.checks
        assert check.startswith("waves the right hand: no")
    (given,) = CandidateSelector().select([clip_of(clip("walk"))], asked(clip("walk"))).clips
    assert given.checks == ()


def test_variations_have_candidates_of_their_own_without_poses():
    good, bad = clip("walk")[:60], as_generated(clip("walk")[:60], slide=0.8)
    request = GenerationRequest("x", 60, sampling=Sampling(variations=2, candidates=2))
    kept = CandidateSelector().select([clip_of(j) for j in (bad, good, bad, bad)], request)
    assert [np.array_equal(c.joints, clip_of(good).joints) for c in kept.clips] == [True, False]


# -- alternatives --------------------------------------------------------------------


def test_alternatives_differ_and_come_in_order():
    motions = [clip(name)[:70] for name in ("walk", "leap", "kick", "wave", "turn")]
    twin = motions[0] + [0.5, 0, 2]  # the same poses at another place
    every = [motions[0], twin, *motions[1:]]
    assert different(every, [0, 1, 2, 3, 4, 5]) == [0, 2, 3, 4]
    assert different(every, [1, 0, 5]) == [1, 5]
    assert len(different(every, range(6))) == ALTERNATIVES


def test_the_best_alternative_is_the_given_clip():
    walk = clip("walk")[:70]
    motions = [as_generated(walk, slide=0.8), walk, clip("kick")[:70]]
    kept = CandidateSelector().select([clip_of(j) for j in motions], asked(walk))
    assert kept.alternatives[0] is kept.clips[0]
    assert np.array_equal(kept.clips[0].joints, clip_of(walk).joints)
    assert len(kept.alternatives) >= 2


def test_weights_can_be_others():
    walk = clip("walk")[:60]
    rough = as_generated(walk, slide=0.8)
    selector = CandidateSelector(weights=replace(ScoreWeights(), slide=10.0, acceleration=0.0))
    (given,) = selector.select([clip_of(walk), clip_of(rough)], GenerationRequest("x", 60)).clips
    assert np.array_equal(given.joints, clip_of(rough).joints)


def test_all_of_several_actions_count_more_than_smoothness():
    """A stride with a wave at its end is rougher than one that forgets to wave."""
    rough, smooth = CandidateFeatures(checks=1.0, acceleration=35.0), CandidateFeatures(checks=0.5)
    one, row = (
        [CheckResult(check, True, 1.0, 0.0, "") for check in read_checks(prompt)]
        for prompt in ("walks forward", "walks forward, then waves")
    )
    weights = ScoreWeights()
    assert weights.for_checks(one) == weights
    assert weights.score(rough) < weights.score(smooth)
    in_a_row = weights.for_checks(row)
    assert in_a_row.score(rough) > in_a_row.score(smooth)
    assert replace(in_a_row, checks=weights.checks) == weights

"""Ways too short for their time are generated longer and shrunk, step by step."""

from dataclasses import dataclass, field, replace

import numpy as np
import pytest

from ext_models.generation import clip_decoder
from ext_models.generation.generators import CodeRequest
from ext_models.generation.pipeline import MotionPipeline
from ext_models.generation.request import GenerationRequest, PoseCondition
from ext_models.generation.sampling import answer_seeds
from ext_models.generation.stride_warping import (
    LEAST_SPEED,
    MOST_LENGTHENED,
    SlowWay,
    lengthened,
    shortened,
    slow_ways,
)
from ext_models.lab.pose_cases import HAND_MADE, STANDING
from ext_models.language.vocabulary import GeneratedCodes
from ext_models.motion.floor_metrics import support_foot_speeds
from motiongpt_blender.core.body.motion import local_pose
from motiongpt_blender.core.body.skeleton import CHAINS, PARENTS, Joint
from motiongpt_blender.wire import Sampling
from tests.support import clips as recorded
from tests.support import tiny_pack

#: A second of frames.
SECOND = 20


@pytest.fixture(scope="module")
def walk():
    """Two seconds in the middle of an even walk."""
    return recorded.clips()["walk"][30:70].astype(np.float32)


def pose(frame, metres, left=0.0, joints=STANDING):
    return PoseCondition(frame, (joints + [left, 0, metres]).astype(np.float32), placed=True)


def asked(*poses, prompt="a person walks forward", **changes):
    return GenerationRequest(prompt, 101, poses, Sampling(**changes))


def travelled(joints, first, last):
    return (joints[last, 0] - joints[first, 0])[[0, 2]]


def toes(joints):
    return joints[:, [Joint.L_FOOT, Joint.R_FOOT]]


# -- the request ---------------------------------------------------------------------------


def test_a_way_that_is_too_short_for_its_time_is_lengthened():
    request = asked(pose(0, 0.0), pose(3 * SECOND, 1.0), pose(4 * SECOND, 2.0))
    (way,) = slow_ways(request)
    assert (way.first, way.last) == (0, 3 * SECOND)
    assert way.factor == pytest.approx(3 * LEAST_SPEED)
    longer = lengthened(request, (way,))
    ends = [p.joints[0, 2] for p in longer.poses]
    # The pose beyond it is moved along, and its own way is as long as before.
    assert ends == pytest.approx([0.0, 3 * LEAST_SPEED, 3 * LEAST_SPEED + 1.0], abs=1e-5)
    np.testing.assert_allclose(local_pose(longer.poses[1].joints), local_pose(STANDING), atol=1e-6)


def test_a_way_is_lengthened_along_itself_and_within_limits():
    request = asked(pose(0, 0.0), pose(4 * SECOND, 0.3, left=0.4))
    (way,) = slow_ways(request)
    assert way.factor == MOST_LENGTHENED
    moved = lengthened(request, (way,)).poses[1].joints - request.poses[1].joints
    expected = (MOST_LENGTHENED - 1) * np.array([0.4, 0, 0.3])
    np.testing.assert_allclose(moved, np.broadcast_to(expected, moved.shape), atol=1e-5)


@pytest.mark.parametrize(
    "request_",
    [
        asked(pose(0, 0.0), pose(3 * SECOND, 3.0)),
        asked(pose(0, 0.0), pose(3 * SECOND, 0.1)),
        asked(pose(0, 0.0), pose(3 * SECOND, 1.0), prompt="a person sits down"),
        asked(pose(0, 0.0), replace(pose(3 * SECOND, 1.0), placed=False)),
    ],
    ids=["fast enough", "on the spot", "no walk", "no place"],
)
def test_other_ways_stay_as_they_are(request_):
    assert slow_ways(request_) == ()
    assert lengthened(request_, ()) is request_


def test_a_way_from_the_end_of_a_history_counts():
    history = np.stack([STANDING] * 5)
    (way,) = slow_ways(replace(asked(pose(2 * SECOND, 0.7)), history=history))
    assert (way.first, way.last, way.factor) == (0, 2 * SECOND, pytest.approx(2.0, rel=0.01))


# -- the motion ----------------------------------------------------------------------------


@pytest.mark.parametrize("factor", [1.5, 2.5])
def test_a_walk_gets_shorter_and_standing_feet_stay(walk, factor):
    last = len(walk) - 1
    short = shortened(walk, (SlowWay(0, last, factor),))
    before, after = travelled(walk, 0, last), travelled(short, 0, last)
    np.testing.assert_allclose(after, before / factor, atol=1e-4)
    assert support_foot_speeds(short).mean() < 1.1 * support_foot_speeds(walk).mean()
    # Each toe takes as many steps; each step is shorter.
    middle = slice(5, -5)
    strides = [np.abs(np.diff(toes(m)[middle, :, 2], axis=0)).max() for m in (walk, short)]
    assert strides[1] == pytest.approx(strides[0] / factor, rel=0.1)


def test_bones_keep_their_lengths_and_the_rest_of_the_body_its_pose(walk):
    short = shortened(walk, (SlowWay(0, len(walk) - 1, 2.0),))
    lengths = [np.linalg.norm(m[:, 1:] - m[:, PARENTS[1:]], axis=-1) for m in (walk, short)]
    np.testing.assert_allclose(lengths[1], lengths[0], atol=1e-4)
    upper = sorted({joint for chain in CHAINS[2:] for joint in chain})
    bodies = [m[:, upper] - m[:, :1] for m in (walk, short)]
    np.testing.assert_allclose(bodies[1], bodies[0], atol=1e-5)


def test_the_body_rises_over_shorter_steps(walk):
    """Feet that are nearer together would leave the knees bent."""
    short = shortened(walk, (SlowWay(0, len(walk) - 1, 2.0),))
    rise = (short - walk)[5:-5, 0, 1]
    assert 0.005 < rise.max() < 0.08 and rise.min() > -0.01


def test_frames_outside_a_way_only_move_along(walk):
    short = shortened(walk, (SlowWay(0, 15, 2.0),))
    moved = short[25:] - walk[25:]
    np.testing.assert_allclose(moved, np.broadcast_to(moved[:1, :1], moved.shape), atol=2e-3)
    assert np.linalg.norm(moved[0, 0]) == pytest.approx(
        np.linalg.norm(travelled(walk, 0, 15)) / 2, rel=0.05
    )


def test_a_way_that_nobody_went_stays_as_it_is():
    standing = np.stack([HAND_MADE["T-pose"].joints] * 41)
    np.testing.assert_array_equal(shortened(standing, (SlowWay(0, 40, 2.0),)), standing)


# -- the pipeline --------------------------------------------------------------------------


@pytest.fixture(scope="module")
def pipeline(tmp_path_factory):
    folder = tiny_pack.write(tmp_path_factory.mktemp("packs") / "tiny")
    return MotionPipeline.from_pack(folder, "cpu")


@dataclass
class Listener:
    """A generator that writes down what it is asked, and answers with one code."""

    asked: list[CodeRequest] = field(default_factory=list)

    def generate(self, requests, progress, cancelled, sketcher=None):
        self.asked += requests
        return [
            GeneratedCodes([[1, 1]] * one.steps)
            for one in requests
            for _ in answer_seeds(one.sampling)
        ]

    def caption(self, codes, sampling):
        return []


@pytest.mark.parametrize(
    ("prompt", "guidance", "metres"),
    [
        ("a person walks forward", 1.0, 1.5 * LEAST_SPEED),
        ("a person walks forward", 0.0, 0.5),
        ("a person waves", 1.0, 0.5),
        ("a person walks forward, then waves", 1.0, 0.5),
    ],
)
def test_a_single_walk_is_asked_to_go_farther(
    pipeline, walk, monkeypatch, prompt, guidance, metres
):
    listener = Listener()
    listening = MotionPipeline(pipeline.manifest, pipeline.tokenizer, listener)
    sampling = Sampling(candidates=2, guidance=guidance)
    request = GenerationRequest(prompt, 31, (pose(0, 0.0), pose(30, 0.5)), sampling)
    (answers,) = listening.generate_batch([request])
    target = listener.asked[-1].targets.poses[-1]
    assert target.joints[0, 2] == pytest.approx(metres, abs=0.01)
    # What was generated longer is given as long as it was asked for.
    monkeypatch.setattr(clip_decoder, "grounded_joints", lambda *_: walk[:31].copy())
    made = listening.clip(answers[0].codes, request).joints
    before, after = (np.linalg.norm(travelled(motion, 0, 30)) for motion in (walk, made))
    assert after == pytest.approx(before * 0.5 / metres, rel=0.01)

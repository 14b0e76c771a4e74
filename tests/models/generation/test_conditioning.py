"""What a request's poses become."""

from dataclasses import replace

import numpy as np
import pytest

from ext_models.generation.conditioning import pose_stretches
from ext_models.generation.request import GenerationRequest, PoseCondition
from motiongpt_blender.core.body.rotations import about_y, rotate
from motiongpt_blender.wire import Sampling
from tests.support.clips import clip

GROUND = [0, 2]


def elsewhere(joints, angle, shift):
    """The same motion in another world."""
    turn = np.broadcast_to(about_y(np.array(angle)), (*joints.shape[:-1], 4))
    return (rotate(turn, joints) + np.array(shift)).astype(np.float32)


def asked(poses, **changes):
    return GenerationRequest("a person walks", 60, tuple(poses), Sampling(**changes))


def test_stretches_lead_from_place_to_place_in_the_motions_world():
    """Poses of a motion, marked in another world, ask for the motion's own travel."""
    joints = clip("turn")
    marked = elsewhere(joints, 1.9, (3, 0, -2))
    frames = (4, 25, 50)
    poses = [PoseCondition(frame, marked[frame], placed=frame > 4) for frame in frames]
    stretches = pose_stretches(joints, asked(poses), 0)
    assert [(s.first, s.last) for s in stretches] == [(4, 25), (25, 50)]
    for stretch in stretches:
        travelled = (joints[stretch.last, 0] - joints[stretch.first, 0])[GROUND]
        assert np.linalg.norm(travelled) > 0.2
        assert stretch.travel == pytest.approx(travelled, abs=1e-4)


def test_a_continued_motion_goes_from_the_end_of_its_history():
    joints = clip("turn")
    marked = elsewhere(joints, -0.7, (1, 0, 1))
    pose = PoseCondition(40, marked[50], placed=True)
    request = replace(asked([pose]), history=marked[:10])
    (stretch,) = pose_stretches(joints, request, 10)
    assert (stretch.first, stretch.last) == (9, 50)
    assert stretch.travel == pytest.approx((joints[50, 0] - joints[9, 0])[GROUND], abs=1e-4)


def test_nothing_leads_to_poses_without_a_place_or_without_guidance():
    joints = clip("turn")
    poses = [PoseCondition(frame, joints[frame], placed=True) for frame in (0, 30)]
    assert pose_stretches(joints, asked(poses), 0)
    assert not pose_stretches(joints, asked(poses, guidance=0.0), 0)
    assert not pose_stretches(joints, asked([replace(p, placed=False) for p in poses]), 0)

"""Poses, seams and feet together: each keeps what the others made."""

import numpy as np
import pytest
from rig_of_numbers import a_rig, as_generated, real_clips

from motiongpt_blender.core.fitting import fit_motion
from motiongpt_blender.core.footfalls import find_footfalls
from motiongpt_blender.core.keys import pose_at
from motiongpt_blender.core.kinematics import forward, joint_place
from motiongpt_blender.core.planting import plant_feet
from motiongpt_blender.core.retarget import solve
from motiongpt_blender.core.rig_options import RigOptions
from motiongpt_blender.core.rotations import angle_between
from motiongpt_blender.core.skeleton import Joint
from motiongpt_blender.core.windows import Fit, Join

RIG = a_rig(1)
FPS = 20.0
PLANTED = RigOptions(plant_feet=True)


@pytest.fixture(scope="module")
def clips(shared):
    return [c for _, c in real_clips(shared("data"), every=16) if len(c) > 50]


def toes(motion):
    """Where (T, 2, 3) both toes are, in metres of the model."""
    figure = forward(RIG, motion)
    return np.stack([joint_place(RIG, figure, Joint[f"{s}_FOOT"]) for s in "LR"], 1) / RIG.scale


def standing(joints, count):
    """(count - 1, 2) whether each toe stands in two frames on end."""
    footfalls = find_footfalls(joints, FPS)
    mask = np.stack([footfalls.mask(s, count) for s in "LR"], 1) > 0
    return mask[1:] & mask[:-1]


def speeds(places):
    return np.linalg.norm(np.diff(places, axis=0), axis=-1) * FPS


@pytest.mark.parametrize("which", [7, 9, 10, 11])
def test_feet_stand_beside_a_seam_and_its_speed_and_pose_stay(clips, which):
    """A walk that shakes and slides goes on from another clip whose feet stand."""
    one, other = clips[which][:50], as_generated(clips[(which + 1) % 14][:60])
    before, _ = plant_feet(RIG, solve(RIG, one, FPS), find_footfalls(one, FPS))
    at = len(before) - 3
    pose = pose_at(before, at)
    fit = Fit(joins=(Join(0, (pose_at(before, at - 1), pose_at(before, at - 2))),), alone=False)
    motion = solve(RIG, other, FPS)
    footfalls = find_footfalls(other, FPS)
    made = fit_motion(RIG, motion, {0: pose}, footfalls, 0, fit, PLANTED)
    stays = speeds(toes(before))[at - 1] < 0.05  # where the neighbour's own toe stands
    near = speeds(toes(made.motion))[:12][:, stays]
    assert near[standing(other, len(other))[:12][:, stays]].max(initial=0) < 0.02
    assert stays.any()
    (seam,) = made.seams
    assert seam.degrees_left < 0.5
    assert seam.cm_left < 0.5
    for name, q in pose.rotations.items():
        away = angle_between(made.motion.rotations[name][0], np.array(q))
        assert np.degrees(away) < 1e-4, name
    assert np.allclose(made.motion.locations[0], pose.root_location, atol=1e-9)


@pytest.mark.parametrize("which", [9, 10])
def test_feet_of_a_loop_stand_at_its_seam(clips, which):
    joints = clips[which][:57]
    motion = solve(RIG, joints, FPS)
    made = fit_motion(RIG, motion, {}, find_footfalls(joints, FPS), 0, Fit(loop=True), PLANTED)
    last = len(motion) - 1
    for name, q in made.motion.rotations.items():
        assert np.degrees(angle_between(q[0], q[last])) < 1e-3, name
    assert all(seam.degrees_left < 0.5 and seam.cm_left < 0.5 for seam in made.seams)
    speed = speeds(toes(made.motion))[standing(joints, len(joints))]
    assert np.percentile(speed, 95) < 0.02


def test_a_stand_is_given_up_where_the_neighbours_foot_flies(clips):
    """No foot is torn to the floor within a frame or two of a seam at which it swings."""
    one, other = clips[6][:50], as_generated(clips[7][:60])
    before, _ = plant_feet(RIG, solve(RIG, one, FPS), find_footfalls(one, FPS))
    at = len(before) - 3
    fit = Fit(joins=(Join(0, (pose_at(before, at - 1), pose_at(before, at - 2))),), alone=False)
    motion = solve(RIG, other, FPS)
    poses = {0: pose_at(before, at)}
    made = fit_motion(RIG, motion, poses, find_footfalls(other, FPS), 0, fit, PLANTED)
    free = fit_motion(RIG, motion, poses, find_footfalls(other[:1], FPS), 0, fit, PLANTED)
    planted, loose = (speeds(toes(m.motion))[:3].max() for m in (made, free))
    assert planted < 1.3 * loose + 0.1
    assert made.seams[0].degrees_left < 0.5

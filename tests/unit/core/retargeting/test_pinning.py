"""Pinned feet and hands reach the motion's own positions, on rigs of any size."""

import numpy as np
import pytest

from motiongpt_blender.core.body.neutral_pose import ANKLE_HEIGHT
from motiongpt_blender.core.body.rotations import IDENTITY, angle_between
from motiongpt_blender.core.body.skeleton import Joint
from motiongpt_blender.core.retargeting.hip_height import position_correction
from motiongpt_blender.core.retargeting.solver import solve
from motiongpt_blender.core.retargeting.two_bone_ik import solve_leg_ik, solve_limb
from motiongpt_blender.core.rig.kinematics import forward_kinematics, joint_position
from motiongpt_blender.core.rig.rig_options import RigOptions
from tests.support.clips import clip
from tests.support.numeric_rig import a_rig

SIZES = (0.011, 1.1, 3.3)
X, Y, Z = np.eye(3)


def positions(rig, motion, *joints):
    posed = forward_kinematics(rig, motion)
    return np.stack([joint_position(rig, posed, joint) for joint in joints], 1)


@pytest.mark.parametrize("scale", SIZES)
def test_pinned_feet_are_where_the_motion_has_them(scale):
    """The ankle lies over the scaled motion's, as high over its own rest as that is over its."""
    rig, joints = a_rig(1, scale=scale), clip("walk")[20:80]
    ankles = [Joint.L_ANKLE, Joint.R_ANKLE]
    seen = positions(rig, solve(rig, joints, options=RigOptions(pin_feet=True)), *ankles)
    wanted = rig.scale * joints[:, ankles]
    for k, joint in enumerate(ankles):
        lift = np.maximum(joints[:, joint, 1] - ANKLE_HEIGHT, 0.0)
        wanted[:, k, 1] = rig.points[joint][1] + rig.scale * lift
    away = np.linalg.norm(seen - wanted, axis=-1) / rig.scale
    assert np.median(away) < 1e-6
    assert away.max() < 0.02  # metres: a stretched leg cannot reach further
    free = positions(rig, solve(rig, joints), *ankles)
    assert np.linalg.norm(free - wanted, axis=-1).max() / rig.scale > 0.01


@pytest.mark.parametrize("scale", SIZES)
def test_pinned_hands_are_where_the_motion_has_them(scale):
    rig, joints = a_rig(1, scale=scale), clip("wave")[60:]
    shoulder, elbow, wrist = Joint.R_SHOULDER, Joint.R_ELBOW, Joint.R_WRIST
    motion = solve(rig, joints, options=RigOptions(pin_hands=True))
    seen = positions(rig, motion, shoulder, wrist) / rig.scale
    bones = (rig.points[elbow] - rig.points[shoulder], rig.points[wrist] - rig.points[elbow])
    arm = sum(np.linalg.norm(bone) for bone in bones) / rig.scale
    target = joints[:, wrist]
    within = np.linalg.norm(target - seen[:, 0], axis=-1) < 0.98 * arm
    assert within.sum() > 20
    assert np.allclose(seen[within, 1], target[within], atol=1e-6)
    # Where the arm is too short, it is stretched out towards the target.
    far = ~within
    assert (np.linalg.norm(seen[far, 1] - seen[far, 0], axis=-1) > 0.97 * arm).all()


@pytest.mark.parametrize("bend", [Z, -Z, Y])
def test_a_limb_bends_to_the_side_to_which_it_bent(bend):
    """A limb of 3 and 4 over a distance of 5: a right angle, and the joint at height 2.4."""
    upper = (X + bend) / np.sqrt(2)
    lower = (X - bend) / np.sqrt(2)
    first, second = solve_limb(0 * X[None], 5 * X[None], (3.0, 4.0), (upper[None], lower[None]))
    joint = 3.0 * first[0]
    assert np.allclose(joint, 1.8 * X + 2.4 * bend)
    assert np.allclose(joint + 4.0 * second[0], 5 * X)


def test_a_target_out_of_reach_is_approached():
    first, second = solve_limb(0 * X[None], 50 * Y[None], (3.0, 4.0), (X[None], Y[None]))
    assert np.degrees(np.arccos(first[0] @ Y)) < 6
    assert np.degrees(np.arccos(second[0] @ Y)) < 6


@pytest.mark.parametrize("fps", [10.0, 40.0, 120.0])
def test_the_correction_of_sliding_feet_does_not_depend_on_the_frame_rate(fps):
    """Feet that stand for two seconds while the rig's slide by 10 cm."""

    def corrected(rate):
        time = np.arange(round(2 * rate) + 1) / rate
        wanted = np.zeros((len(time), 4, 3))
        predicted = wanted + (0.05 * time)[:, None, None] * Z
        return position_correction(predicted, wanted, 0.9, rate)

    usual, other = corrected(20.0), corrected(fps)
    assert np.allclose(other[0], usual[0], atol=0.003)
    assert np.allclose(other[-1], usual[-1], atol=0.003)
    assert usual[-1][2] - usual[0][2] == pytest.approx(-0.1, abs=0.03)
    assert np.allclose(usual[:, [0, 1]], 0)


def test_a_leg_that_is_bent_enough_keeps_the_plane_of_its_knee():
    """The hinge counts only as far as the bend is not seen: here the knee points aside."""
    hip, knee, ankle = 0 * X, np.array([0.3, -0.4, 0.2]), np.array([0.1, -0.9, 0.0])
    chain = tuple(point[None] for point in (hip, knee, ankle))
    first, second, reached = solve_leg_ik(chain, X[None], hip[None], ankle[None])
    assert np.allclose(reached, ankle)
    for rotation in (first, second):
        assert np.degrees(angle_between(rotation[0], IDENTITY)) < 1e-4


@pytest.mark.parametrize("name", ["walk", "turn"])
def test_feet_head_where_the_motion_has_them(name):
    rig, joints = a_rig(1), clip(name)[:80]
    motion = solve(rig, joints)
    for ankle, toe in ((Joint.L_ANKLE, Joint.L_FOOT), (Joint.R_ANKLE, Joint.R_FOOT)):
        places = positions(rig, motion, ankle, toe)
        seen, wanted = places[:, 1] - places[:, 0], joints[:, toe] - joints[:, ankle]
        headings = (np.arctan2(v[:, 0], v[:, 2]) for v in (seen, wanted))
        away = np.angle(np.exp(1j * (next(headings) - next(headings))))
        assert np.degrees(np.abs(away)).mean() < 4

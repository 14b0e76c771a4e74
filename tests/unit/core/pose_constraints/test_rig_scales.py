"""Rigs of any unit: what is told in centimetres and metres is the same for all of them."""

from dataclasses import replace

import numpy as np
import pytest

from motiongpt_blender.core.body.neutral_pose import ANKLE_HEIGHT, DIRECTIONS, build
from motiongpt_blender.core.body.rotations import from_log, multiply
from motiongpt_blender.core.body.skeleton import Joint
from motiongpt_blender.core.body.slices import run_to_end
from motiongpt_blender.core.feet.foot_contacts import find_foot_contacts
from motiongpt_blender.core.feet.foot_locking import lock_feet
from motiongpt_blender.core.pose_constraints.correction import meet_poses
from motiongpt_blender.core.pose_constraints.rig_pose import RigPose, pose_at
from motiongpt_blender.core.pose_constraints.root_path import Waypoint, bend_path_slices
from motiongpt_blender.core.pose_constraints.smoothness import smoothness_slices
from motiongpt_blender.core.retargeting.hip_height import height_correction, position_correction
from motiongpt_blender.core.retargeting.solver import solve
from motiongpt_blender.core.rig.kinematics import forward_kinematics, joint_position
from motiongpt_blender.core.rig.rig_options import RigOptions
from motiongpt_blender.core.timeline.blending import BlendFrame, blend_speeds, speed_jump
from tests.support.clips import as_generated, clip
from tests.support.numeric_rig import a_rig

FPS = 20.0
#: A rig in centimetres would be 100; a rig of 3 has one unit of its own in 33 cm.
SCALES = [0.01, 1.0, 3.0]
scales = pytest.mark.parametrize("scale", SCALES)


def a_scaled_rig(seed, scale, thigh=1.05):
    """One rig, each of its lengths times ``scale``."""
    rig = a_rig(seed, 1.0, thigh)
    return replace(
        rig,
        controls=tuple(replace(c, head=scale * c.head) for c in rig.controls),
        root_head=scale * rig.root_head,
        points={joint: scale * point for joint, point in rig.points.items()},
    )


def standing(count=30):
    """The neutral body on the floor, (T, 22, 3)."""
    joints = build(np.repeat(DIRECTIONS[None], count, 0), np.zeros((count, 3)))
    return joints - [0.0, joints[..., 1].min(), 0.0]


def moved_pose(motion, frame, step, angle=0.0):
    """The pose at a frame with its root moved by (3,) units and an arm rotated by an angle."""
    here = pose_at(motion, frame)
    arm = multiply(np.array(here.rotations["upper_arm_l"]), from_log(np.array([angle, 0.0, 0.0])))
    location = tuple(np.array(here.root_location) + step)
    return RigPose({**here.rotations, "upper_arm_l": tuple(arm)}, location)


@scales
def test_a_pose_is_so_many_centimetres_away_whatever_the_unit(scale):
    rig = a_scaled_rig(0, scale, thigh=1.0)
    motion = solve(rig, clip("wave")[:60], FPS)
    step = 0.25 * rig.scale * np.array([0.0, 0.6, 0.8])
    _, (report,) = meet_poses(motion, {30: moved_pose(motion, 30, step)})
    assert report.position_cm == pytest.approx(25.0, rel=1e-6)
    assert report.body_degrees == pytest.approx(0.0, abs=1e-4)
    assert report.dragged_cm == 0.0


@scales
def test_a_path_is_dragged_by_so_many_centimetres_whatever_the_unit(scale):
    """Nobody walks: the whole metre from pose to pose is dragged."""
    rig = a_scaled_rig(0, scale, thigh=1.0)
    motion = solve(rig, standing(41), FPS)
    poses = {0: pose_at(motion, 0), 40: moved_pose(motion, 40, rig.scale * np.array([1.0, 0, 0]))}
    _, reports = meet_poses(motion, poses)
    assert reports[0].dragged_cm == 0.0
    assert reports[1].dragged_cm == pytest.approx(100.0, abs=1.0)


@scales
def test_a_path_bends_alike_in_any_unit(scale):
    walk = np.zeros((81, 3))
    walk[:, 2] = np.linspace(0, 4, 81)
    points = [Waypoint(0, 0.0, np.zeros(3)), Waypoint(80, 0.5, np.array([1.2, 0.0, 3.3]))]
    scaled = [Waypoint(p.frame, p.yaw, scale * p.position) for p in points]
    one = run_to_end(bend_path_slices(walk, points, FPS))
    other = run_to_end(bend_path_slices(scale * walk, scaled, FPS, scale))
    assert np.allclose(other.positions, scale * one.positions, atol=1e-6 * scale)
    assert np.allclose(other.yaw, one.yaw, atol=1e-6)
    assert other.dragged[1] == pytest.approx(scale * one.dragged[1], rel=1e-4)
    assert 0 < one.dragged[1] < 0.3


@scales
def test_ends_move_by_so_many_centimetres_whatever_the_unit(scale):
    rig = a_scaled_rig(0, scale, thigh=1.0)
    motion = solve(rig, clip("wave")[:60], FPS)
    poses = {30: moved_pose(motion, 30, np.zeros(3), 0.6)}
    met, reports = meet_poses(motion, poses)
    (report,) = run_to_end(smoothness_slices(reports, rig, motion, met, 0.8))
    wrist, shoulder = rig.points[Joint.L_WRIST], rig.points[Joint.L_SHOULDER]
    longest = 2 * np.sin(0.3) * np.linalg.norm(wrist - shoulder) / rig.scale
    assert 1.0 < report.moved_cm <= 100 * longest + 1e-6
    usual = a_scaled_rig(0, 1.0, thigh=1.0)
    same = solve(usual, clip("wave")[:60], FPS)
    met, reports = meet_poses(same, {30: moved_pose(same, 30, np.zeros(3), 0.6)})
    (expected,) = run_to_end(smoothness_slices(reports, usual, same, met, 0.8))
    assert report.moved_cm == pytest.approx(expected.moved_cm, rel=1e-6)
    assert report.jerk == pytest.approx(expected.jerk, rel=1e-6)
    assert report.jerk != 1.0


@scales
def test_pinned_ankles_are_as_high_as_the_motions(scale):
    rig = a_scaled_rig(0, scale, thigh=1.0)
    joints = standing()
    joints[10:20, [Joint.L_KNEE, Joint.L_ANKLE, Joint.L_FOOT], 1] += 0.1
    motion = solve(rig, joints, FPS, RigOptions(pin_feet=True))
    ankle = joint_position(rig, forward_kinematics(rig, motion), Joint.L_ANKLE)
    rest = rig.points[Joint.L_ANKLE][1]
    lifted = np.maximum(joints[:, Joint.L_ANKLE, 1] - ANKLE_HEIGHT, 0.0)
    assert lifted[15] > 0.09
    height = (ankle[:, 1] - rest) / rig.scale
    assert np.allclose(height, lifted, atol=0.02)  # a straight leg does not reach all of it
    assert height[15] - height[2] == pytest.approx(0.1, abs=0.02)


@scales
def test_pinned_feet_and_hands_are_where_the_motions_are(scale):
    rig = a_scaled_rig(1, scale, thigh=1.04)
    joints = clip("walk")[:60]
    motion = solve(rig, joints, FPS, RigOptions(pin_feet=True, pin_hands=True))
    posed = forward_kinematics(rig, motion)
    for name, most in (("L_ANKLE", 0.005), ("R_ANKLE", 0.005), ("L_WRIST", 0.25)):
        joint = Joint[name]
        away = joint_position(rig, posed, joint) / rig.scale - joints[:, joint]
        level = np.linalg.norm(away[:, [0, 2]], axis=-1)
        assert np.median(level) < most, name


@scales
def test_feet_are_locked_by_so_many_centimetres_whatever_the_unit(scale):
    rig, usual = a_scaled_rig(1, scale), a_scaled_rig(1, 1.0)
    joints = as_generated(clip("walk")[:60])
    contacts = find_foot_contacts(joints, FPS)
    locked, report = lock_feet(rig, solve(rig, joints, FPS), contacts)
    expected, same = lock_feet(usual, solve(usual, joints, FPS), contacts)
    assert report.moved_cm == pytest.approx(same.moved_cm, rel=1e-4)
    assert report.lowered_cm == pytest.approx(same.lowered_cm, rel=1e-4, abs=1e-6)
    assert report.slid_cm == pytest.approx(same.slid_cm, rel=1e-3, abs=1e-4)
    assert np.allclose(locked.locations, scale * expected.locations, atol=1e-5 * scale)
    assert 1.0 < report.moved_cm < 20.0


@scales
def test_a_floor_is_in_the_rigs_unit(scale):
    rig = a_scaled_rig(1, scale)
    joints = clip("walk")[:60]
    contacts = find_foot_contacts(joints, FPS)
    motion = solve(rig, joints, FPS)
    low, _ = lock_feet(rig, motion, contacts)
    high, _ = lock_feet(rig, motion, contacts, ground=0.02 * scale)
    toes = [
        joint_position(rig, forward_kinematics(rig, m), Joint.L_FOOT)[:, 1] for m in (low, high)
    ]
    mask = contacts.mask("L", len(motion)) > 0
    assert np.allclose((toes[1] - toes[0])[mask], 0.02 * scale, atol=0.002 * scale)


@scales
def test_speeds_jump_by_so_many_centimetres_whatever_the_unit(scale):
    rig = a_scaled_rig(0, scale, thigh=1.0)
    motion = solve(rig, standing(41), FPS)
    step = rig.scale * np.array([0.0, 0.0, -0.02])  # the neighbour moves at 40 cm/s
    blend = BlendFrame(0, (moved_pose(motion, 0, step), moved_pose(motion, 0, 2 * step)))
    degrees, cm = speed_jump(motion, blend)
    assert degrees == pytest.approx(0.0, abs=1e-6)
    assert cm == pytest.approx(40.0, rel=1e-6)
    blended, (report,) = blend_speeds(motion, [blend])
    assert report.cm == pytest.approx(cm)
    assert report.cm_left == pytest.approx(0.0, abs=1e-6)
    forward = (blended.locations[1] - blended.locations[0]) / rig.scale
    assert 0.01 < forward[2] < 0.02


@scales
def test_corrections_of_the_hips_scale_with_the_rig(scale):
    rng = np.random.default_rng(0)
    wanted = np.abs(rng.normal(size=(40, 4, 3))) * 0.05
    predicted = wanted + 0.02 * rng.normal(size=(1, 4, 3))
    one = height_correction(predicted[..., 1], wanted[..., 1], 0.82, FPS)
    other = height_correction(scale * predicted[..., 1], scale * wanted[..., 1], scale * 0.82, FPS)
    assert np.allclose(other, scale * one)
    one = position_correction(predicted, wanted, 0.82, FPS)
    other = position_correction(scale * predicted, scale * wanted, scale * 0.82, FPS)
    assert np.allclose(other, scale * one)


def test_the_body_comes_down_to_low_feet_and_counts_high_ones_little():
    wanted = np.zeros((40, 2))
    wanted[:, 1] = 0.5  # the other foot is high
    predicted = wanted + [0.03, -0.2]
    assert np.allclose(height_correction(predicted, wanted, 0.82, FPS), -0.03, atol=1e-4)


def test_a_sliding_foot_is_followed_by_the_body_and_a_lifted_one_is_not():
    wanted = np.zeros((40, 1, 3))
    predicted = wanted.copy()
    predicted[:, 0, 2] = 0.01 * np.arange(40)  # slides forward by a centimetre a frame
    steps = np.diff(position_correction(predicted, wanted, 0.82, FPS), axis=0)
    assert steps[20, 2] < -0.005
    assert (steps[:, 2] < 0).all()
    assert np.allclose(steps[:, :2], 0.0)
    lifted = wanted + [0.0, 0.5, 0.0]
    free = position_correction(predicted + [0.0, 0.5, 0.0], lifted, 0.82, FPS)
    assert np.abs(np.diff(free, axis=0)).max() < 0.001

"""Marked poses: met exactly, smoothly, within reach, and honestly reported."""

import numpy as np
import pytest

from motiongpt_blender.core.body.rotations import (
    IDENTITY,
    about_y,
    angle_between,
    continuous,
    from_log,
    multiply,
    rotate,
)
from motiongpt_blender.core.body.skeleton import Joint
from motiongpt_blender.core.pose_constraints.correction import REACH, meet_poses
from motiongpt_blender.core.pose_constraints.reports import body_distance
from motiongpt_blender.core.pose_constraints.rig_pose import (
    PoseError,
    RigPose,
    complete_pose,
    pose_at,
)
from motiongpt_blender.core.retargeting.solver import solve
from motiongpt_blender.core.rig.kinematics import forward_kinematics, joint_position
from tests.support.clips import clips
from tests.support.numeric_rig import a_motion, a_rig

FPS = 20.0


def changed(pose, turn=0.4, move=0.2, seed=1):
    """A pose some way off in every control and in place."""
    rng = np.random.default_rng(seed)
    off = {
        n: tuple(multiply(np.array(q), from_log(rng.normal(size=3) * turn)))
        for n, q in pose.rotations.items()
    }
    return RigPose(off, tuple(np.array(pose.root_location) + rng.normal(size=3) * move))


def assert_met(motion, frame, pose):
    for name, target in pose.rotations.items():
        assert np.degrees(angle_between(motion.rotations[name][frame], np.array(target))) < 1e-4
    assert np.abs(motion.locations[frame] - pose.root_location).max() < 1e-9


def test_keys_at_start_middle_and_end_are_met():
    motion = a_motion()
    keys = {f: changed(pose_at(motion, f), seed=f) for f in (0, 40, 41, 100)}
    met, reports = meet_poses(motion, keys)
    for frame, pose in keys.items():
        assert_met(met, frame, pose)
    assert [r.frame for r in reports] == [0, 40, 41, 100]
    assert all(r.body_degrees > 1 and r.position_cm > 1 for r in reports)


def test_a_key_on_the_way_changes_nothing():
    motion = a_motion()
    met, reports = meet_poses(motion, {30: pose_at(motion, 30)})
    assert reports[0].body_degrees == pytest.approx(0, abs=1e-4)
    assert reports[0].position_cm == pytest.approx(0, abs=1e-6)
    assert np.allclose(met.locations, motion.locations)
    assert np.allclose(met.rotations["arm"], motion.rotations["arm"])


def test_a_limb_is_left_alone_beyond_reach():
    motion = a_motion()
    target = changed(pose_at(motion, 50))
    met, _ = meet_poses(motion, {50: target})
    off = angle_between(met.rotations["arm"], motion.rotations["arm"])
    far = np.abs(np.arange(101) - 50) >= REACH * FPS
    assert off[far].max() < 1e-6
    assert off[50] > 0.1
    assert off.max() <= off[50] + 1e-6  # no overshoot


def test_the_residual_has_no_corner():
    motion = a_motion()
    met, _ = meet_poses(motion, {30: changed(pose_at(motion, 30)), 60: pose_at(motion, 60)})
    for q in met.rotations.values():
        jerk = np.linalg.norm(np.diff(continuous(q), n=3, axis=0), axis=-1)
        assert jerk.max() < 0.02


def test_the_place_of_a_key_is_kept_by_what_follows():
    motion = a_motion()
    pose = pose_at(motion, 20)
    # turn the body about the vertical, which for this root is not an axis of the bone
    rest = motion.root_rest
    inverse = rest * [1, -1, -1, -1]
    turned = multiply(
        multiply(inverse, multiply(about_y(np.array(0.5)), rest)), np.array(pose.rotations["hips"])
    )
    keys = {20: RigPose({**pose.rotations, "hips": tuple(turned)}, pose.root_location)}
    met, (report,) = meet_poses(motion, keys)
    assert report.body_degrees == pytest.approx(0, abs=1e-4)  # heading is not the body's fault
    off = angle_between(met.rotations["hips"], motion.rotations["hips"])
    assert np.allclose(off, 0.5, atol=1e-6)
    steps = np.linalg.norm(np.diff(met.locations, axis=0), axis=-1)
    assert np.allclose(steps, 0.03, atol=1e-9)  # the same walk, in another direction


def test_two_places_are_joined_while_the_body_travels():
    motion = a_motion()
    end = pose_at(motion, 100)
    further = RigPose(end.rotations, (end.root_location[0] + 1.0, *end.root_location[1:]))
    met, reports = meet_poses(motion, {0: pose_at(motion, 0), 100: further})
    assert_met(met, 100, further)
    assert reports[1].position_cm == pytest.approx(100)
    steps = np.linalg.norm(np.diff(met.locations, axis=0), axis=-1)
    assert steps.max() < 0.03 * 1.7  # faster, nowhere a jump


def test_keys_outside_and_unknown_controls_are_left_alone():
    motion = a_motion()
    pose = RigPose({"tail": (1.0, 0.0, 0.0, 0.0)}, tuple(motion.locations[10]))
    met, reports = meet_poses(motion, {-1: pose, 400: pose})
    assert met is motion
    assert reports == ()
    met, _ = meet_poses(motion, {10: pose})
    assert set(met.rotations) == {"hips", "arm"}


def test_a_single_frame_can_be_a_key():
    motion = a_motion(1)
    pose = changed(pose_at(motion, 0))
    met, _ = meet_poses(motion, {0: pose})
    assert_met(met, 0, pose)


def test_a_pose_comes_back_from_text():
    pose = changed(pose_at(a_motion(), 5))
    assert RigPose.from_json(pose.to_json()) == pose


@pytest.mark.parametrize(
    "text",
    ["", "[]", "{}", '{"rotations": {"a": [1, 0]}, "root_location": [0, 0, 0]}', "null",
     '{"rotations": {"a": [1, 0, 0, NaN]}, "root_location": [0, 0, 0]}'],
)  # fmt: skip
def test_a_damaged_pose_is_one_sentence(text):
    with pytest.raises(PoseError, match="mark the pose again"):
        RigPose.from_json(text)


def test_identity_is_the_root_when_a_pose_leaves_it_out():
    motion = a_motion()
    met, _ = meet_poses(motion, {0: RigPose({}, tuple(motion.locations[0]))})
    assert np.isfinite(met.rotations["hips"]).all()
    assert met.rotations["hips"].shape[-1] == len(IDENTITY)


def test_bodies_are_compared_without_place_and_heading():
    pose = np.random.default_rng(0).normal(size=(22, 3))
    turned = rotate(np.broadcast_to(about_y(np.array(0.9)), (22, 4)), pose) + [3.0, 0.0, -2.0]
    assert body_distance(pose, turned) == pytest.approx(0, abs=1e-4)
    raised = pose.copy()
    raised[20, 1] += 0.22
    assert body_distance(pose, raised) == pytest.approx(1.0)


def test_parts_that_are_not_bound_are_left_alone():
    motion = a_motion()
    pose = changed(pose_at(motion, 50))
    only_arm = RigPose({"arm": pose.rotations["arm"]}, (9.0, 9.0, 9.0), root_constrained=False)
    met, (report,) = meet_poses(motion, {50: only_arm})
    assert np.array_equal(met.locations, motion.locations)
    assert np.array_equal(met.rotations["hips"], motion.rotations["hips"])
    away = angle_between(met.rotations["arm"][50], np.array(pose.rotations["arm"]))
    assert np.degrees(away) < 1e-4
    assert not report.root_constrained
    assert report.position_cm == 0


def test_a_partial_pose_does_not_hold_what_others_correct():
    motion = a_motion()
    whole = changed(pose_at(motion, 50))
    only_arm = RigPose(
        {"arm": pose_at(motion, 45).rotations["arm"]}, (0, 0, 0), root_constrained=False
    )
    alone, _ = meet_poses(motion, {50: whole})
    met, _ = meet_poses(motion, {50: whole, 45: only_arm})
    assert np.allclose(met.rotations["hips"], alone.rotations["hips"])
    assert np.allclose(met.locations, alone.locations)
    assert not np.allclose(met.rotations["arm"][46:50], alone.rotations["arm"][46:50])


def test_what_a_pose_leaves_free_is_completed_from_the_motion():
    motion = a_motion()
    arm = RigPose({"arm": (1.0, 0.0, 0.0, 0.0)}, (9.0, 9.0, 9.0), root_constrained=False)
    pose = complete_pose(motion, 7, arm)
    assert pose.rotations == {**pose_at(motion, 7).rotations, **arm.rotations}
    assert pose.root_location == pose_at(motion, 7).root_location
    assert pose.root_constrained


@pytest.mark.parametrize("reach", [0.2, 0.5, 2.0])
def test_the_reach_is_a_setting(reach):
    motion = a_motion()
    met, _ = meet_poses(motion, {50: changed(pose_at(motion, 50))}, reach)
    off = angle_between(met.rotations["arm"], motion.rotations["arm"])
    away = np.abs(np.arange(101) - 50)
    assert off[away >= reach * FPS].max() < 1e-6
    assert off[away < 0.5 * reach * FPS].min() > 0.05


def ends(rig, motion):
    """Where (T, 8, 3) elbows, hands, knees and feet are."""
    figure = forward_kinematics(rig, motion)
    joints = (Joint[f"{s}_{j}"] for s in "LR" for j in ("ELBOW", "WRIST", "KNEE", "ANKLE"))
    return np.stack([joint_position(rig, figure, j) for j in joints], 1)


def ten_centimetres_off(rig, motion, frames, rng):
    """Poses of which the joint that is farthest from the motion is 10 cm away."""
    wild = {f: (rng.normal(size=(len(motion.rotations), 3)), rng.normal(size=3)) for f in frames}
    sizes = dict.fromkeys(frames, 0.05)
    for _ in range(4):
        poses = {}
        for f, (turns, step) in wild.items():
            here = pose_at(motion, f)
            rotations = {
                n: tuple(multiply(np.array(q), from_log(sizes[f] * v)))
                for (n, q), v in zip(here.rotations.items(), turns, strict=True)
            }
            place = np.array(here.root_location) + 0.25 * sizes[f] * step
            poses[f] = RigPose(rotations, tuple(place))
        met, _ = meet_poses(motion, poses)
        away = np.linalg.norm(ends(rig, met) - ends(rig, motion), axis=-1)
        worst = {f: away[f].max() for f in frames}
        sizes = {f: sizes[f] * 0.1 * rig.scale / worst[f] for f in frames}
    return met, worst


def test_residuals_of_ten_centimetres_keep_real_motion_smooth():
    rig = a_rig(1)
    ratios = []
    for joints in clips().values():
        motion = solve(rig, joints, FPS)
        frames = (0, len(motion) // 2, len(motion) - 1)
        met, worst = ten_centimetres_off(rig, motion, frames, np.random.default_rng(len(joints)))
        assert all(abs(w / rig.scale - 0.1) < 0.01 for w in worst.values())
        jerks = [np.linalg.norm(np.diff(ends(rig, m), n=3, axis=0), axis=-1).mean()
                 for m in (motion, met)]  # fmt: skip
        ratios.append(jerks[1] / jerks[0])
    assert max(ratios) < 1.3
    assert np.median(ratios) < 1.05

"""Poses of a rig: every field comes back from text, and the way to meet them is the short one."""

import json

import numpy as np
import pytest

from motiongpt_blender.core.body.rotations import (
    about_y,
    angle_between,
    from_local_basis,
    from_log,
    local_basis,
    multiply,
    normalise,
    wrap_angle,
    yaw_angle,
)
from motiongpt_blender.core.body.transforms import Transform
from motiongpt_blender.core.pose_constraints.correction import meet_poses
from motiongpt_blender.core.pose_constraints.rig_pose import (
    PoseError,
    RigPose,
    complete_pose,
    pose_at,
    pose_root,
)
from motiongpt_blender.core.rig.kinematics import root_transform
from motiongpt_blender.core.rig.rig_description import RigMotion

FPS = 20.0
FULL = RigPose(
    rotations={"hips": (1.0, 0.0, 0.0, 0.0), "arm": (0.6, 0.8, 0.0, 0.0)},
    root_location=(0.5, -1.25, 3.0),
    transforms={"finger": Transform("XYZ", (0.1, 0.2, 0.3), (0.4, 0.5, 0.6), (1.0, 2.0, 1.5))},
    switches=(("arm", "IK_FK", 0.25), ("leg", "IK_FK", 1.0)),
    influences=(("hand", "IK", 0.75),),
    limb_locations={"foot": (0.5, 2.0, -1.0)},
)


def still(count=61, rest=(0.7, 0.1, -0.6, 0.2)):
    """A body that stands; the root's bone has a rest rotation of its own."""
    return RigMotion(
        rotations={"hips": np.tile([1.0, 0.0, 0.0, 0.0], (count, 1))},
        root="hips",
        locations=np.zeros((count, 3)),
        fps=FPS,
        root_rest=normalise(np.array(rest)),
        root_head=np.array([0.0, 1.0, 0.0]),
    )


def facing(motion, degrees):
    """The standing pose of a motion with its root rotated about the vertical."""
    basis = local_basis(about_y(np.radians(degrees)), motion.root_rest)
    return RigPose({"hips": tuple(basis)}, (0.0, 0.0, 0.0))


def test_every_field_of_a_pose_comes_back_from_text():
    assert RigPose.from_json(FULL.to_json()) == FULL


@pytest.mark.parametrize("field", ["switches", "influences", "transforms", "limb_locations"])
def test_a_pose_without_a_field_has_it_empty(field):
    data = json.loads(FULL.to_json())
    del data[field]
    pose = RigPose.from_json(json.dumps(data))
    assert getattr(pose, field) == {"transforms": None, "limb_locations": {}}.get(field, ())
    assert pose.rotations == FULL.rotations
    assert pose.root_location == FULL.root_location


@pytest.mark.parametrize(
    ("field", "value"),
    [("switches", [["arm", "IK_FK"]]), ("influences", [["hand", "IK", "much"]]),
     ("transforms", {"finger": ["XYZ", [0, 0], [0, 0, 0], [1, 1, 1]]}),
     ("transforms", {"finger": ["XYZ", [0, 0, 0], [0, 0, 0, 0], [1, 1, 1]]}),
     ("limb_locations", {"foot": [0, 0]}),
     ("root_location", [0.0, 1.0]), ("root_location", [0.0, 1.0, float("inf")]),
     ("rotations", {"hips": [1, 0, 0]}), ("rotations", [1])],
)  # fmt: skip
def test_a_damaged_field_is_refused(field, value):
    data = json.loads(FULL.to_json()) | {field: value}
    with pytest.raises(PoseError, match="remove it and mark the pose again"):
        RigPose.from_json(json.dumps(data))


def test_the_root_of_a_pose_is_upright_whatever_its_bone():
    motion = still()
    rotation, position = pose_root(motion, facing(motion, 40.0))
    assert np.degrees(yaw_angle(rotation)) == pytest.approx(40.0)
    assert np.allclose(rotation[[1, 3]], 0.0)
    assert np.allclose(position, motion.root_head)
    at_rest, _ = pose_root(motion, RigPose({}, (0.0, 0.0, 0.0)))
    assert np.allclose(at_rest, [1.0, 0.0, 0.0, 0.0])


def test_a_body_turns_the_short_way_between_poses_that_face_170_and_minus_170_degrees():
    motion = still()
    poses = {10: facing(motion, 170.0), 50: facing(motion, -170.0)}
    met, _ = meet_poses(motion, poses)
    yaw = np.degrees(np.unwrap(yaw_angle(root_transform(met)[0])))
    assert np.ptp(yaw[10:51]) == pytest.approx(20.0, abs=0.01)
    assert yaw[50] - yaw[10] == pytest.approx(20.0, abs=0.01)
    assert (np.diff(yaw[10:51]) > -1e-9).all()


@pytest.mark.parametrize("first, second", [(100.0, -100.0), (-120.0, 120.0), (30.0, -30.0)])
def test_three_poses_turn_the_short_way_each(first, second):
    motion = still()
    met, _ = meet_poses(motion, {5: facing(motion, first), 55: facing(motion, second)})
    yaw = np.degrees(np.unwrap(yaw_angle(root_transform(met)[0])))
    wanted = float(np.degrees(wrap_angle(np.radians(second - first))))
    assert yaw[55] - yaw[5] == pytest.approx(wanted, abs=0.01)
    assert np.ptp(yaw[5:56]) == pytest.approx(abs(wanted), abs=0.01)


def test_a_report_tells_angle_and_distance_of_what_is_constrained():
    motion = still()
    tilted = local_basis(from_log(np.array([0.3, 0.0, 0.0])), motion.root_rest)
    step = np.array([0.03, 0.04, 0.0])
    pose = RigPose({"hips": tuple(tilted)}, tuple(step))
    _, (report,) = meet_poses(motion, {20: pose})
    assert report.body_degrees == pytest.approx(np.degrees(0.3), abs=1e-4)
    assert report.position_cm == pytest.approx(5.0)
    assert report.root_constrained
    free = RigPose({"hips": tuple(tilted)}, tuple(step), root_constrained=False)
    _, (report,) = meet_poses(motion, {20: free})
    assert report.position_cm == 0.0
    assert report.body_degrees == 0.0
    assert not report.root_constrained


def test_a_root_that_only_turns_is_no_error_of_the_body():
    motion = still()
    _, (report,) = meet_poses(motion, {20: facing(motion, 75.0)})
    assert report.body_degrees == pytest.approx(0.0, abs=1e-4)


def test_the_middle_between_two_poses_is_eased_and_beyond_the_reach_nothing_is_left():
    motion = still()
    motion = RigMotion(
        {**motion.rotations, "arm": motion.rotations["hips"]},
        "hips", motion.locations, FPS, motion.root_rest, motion.root_head,
    )  # fmt: skip
    wanted = from_log(np.array([0.5, 0.0, 0.0]))
    pose = RigPose({"arm": tuple(wanted)}, (0.0, 0.0, 0.0), root_constrained=False)
    met, _ = meet_poses(motion, {30: pose}, reach=1.0)
    angle = angle_between(met.rotations["arm"], motion.rotations["arm"])
    assert angle[30] == pytest.approx(0.5)
    assert angle[20] == pytest.approx(angle[40])
    assert 0.15 < angle[20] < 0.35
    assert np.allclose(angle[[10, 50]], 0.0, atol=1e-9)
    assert angle[11] > 0


def test_a_completed_pose_takes_what_is_free_from_the_motion():
    motion = still()
    pose = RigPose({"hips": (0.0, 1.0, 0.0, 0.0)}, (1.0, 2.0, 3.0))
    assert complete_pose(motion, 4, pose).root_location == (1.0, 2.0, 3.0)
    free = RigPose({}, (1.0, 2.0, 3.0), root_constrained=False)
    whole = complete_pose(motion, 4, free)
    assert whole.root_location == pose_at(motion, 4).root_location
    assert whole.rotations == pose_at(motion, 4).rotations


def test_a_bone_is_described_by_poses_that_know_it():
    assert FULL.describes("finger") and FULL.describes("another")
    assert not RigPose({}, (0, 0, 0)).describes("finger")
    limited = RigPose({}, (0, 0, 0), transforms={}, constrained_bones=frozenset({"finger"}))
    assert limited.describes("finger") and not limited.describes("another")


def test_basis_rotations_and_rotations_away_from_rest_are_inverse():
    rng = np.random.default_rng(0)
    rotation, rest = (normalise(rng.normal(size=(5, 4))) for _ in range(2))
    back = from_local_basis(local_basis(rotation, rest), rest)
    assert np.allclose(back, rotation)
    turned = multiply(rest, local_basis(rotation, rest))
    assert np.allclose(turned, multiply(rotation, rest))  # rest first, then away from it

"""Poses that bind parts of a body."""

import numpy as np
import pytest

from motiongpt_blender.core.body.neutral_pose import DIRECTIONS, build
from motiongpt_blender.core.body.skeleton import Joint
from motiongpt_blender.core.pose_constraints.body_parts import (
    WHOLE_BODY,
    BodyPart,
    constrained_joints,
    constrains_root,
    is_whole_body,
    limit_to_parts,
    parts_of,
)
from motiongpt_blender.core.pose_constraints.marked_pose import MarkedPose, PoseRole
from motiongpt_blender.core.pose_constraints.reports import PoseReport
from motiongpt_blender.core.pose_constraints.rig_pose import RigPose
from motiongpt_blender.core.rig.bone_maps import Part
from motiongpt_blender.core.timeline.plausibility import (
    check_poses_compatible,
    drag_notes,
    speed_notes,
)

OWNERS = {p.value: p for p in Part} | {"finger": Part.HAND_L, "eye": Part.HEAD}
POSE = RigPose(dict.fromkeys(OWNERS, (1.0, 0.0, 0.0, 0.0)), (1.0, 2.0, 3.0), transforms={},
               limb_locations=dict.fromkeys(("hand_l", "foot_r"), (0.1, 0.2, 0.3)))  # fmt: skip


def test_the_whole_body_is_both_halves_and_nothing_twice():
    assert parts_of(WHOLE_BODY) == set(Part)
    assert not parts_of({BodyPart.UPPER}) & parts_of({BodyPart.LOWER})
    assert is_whole_body(WHOLE_BODY | {BodyPart.HAND_L})
    assert limit_to_parts(POSE, WHOLE_BODY, {}, "pelvis") is POSE


@pytest.mark.parametrize(
    ("body_parts", "count", "root_constrained"),
    [({BodyPart.HIPS}, 1, True), ({BodyPart.LOWER}, 9, True), ({BodyPart.UPPER}, 14, False),
     ({BodyPart.ARM_L}, 5, False), ({BodyPart.ARM_R}, 4, False), ({BodyPart.HAND_L}, 2, False),
     ({BodyPart.HAND_R, BodyPart.HIPS}, 2, True)],
)  # fmt: skip
def test_parts_bind_their_bones_and_no_others(body_parts, count, root_constrained):
    pose = limit_to_parts(POSE, body_parts, OWNERS, "pelvis")
    assert len(pose.rotations) == count
    assert pose.root_constrained is root_constrained is constrains_root(body_parts)
    assert pose.constrained_bones == set(pose.rotations)
    assert pose.describes("finger") is bool(body_parts & {BodyPart.HAND_L, BodyPart.ARM_L,
                                                     BodyPart.UPPER})  # fmt: skip
    assert set(pose.limb_locations) == {"hand_l", "foot_r"} & set(pose.rotations)
    assert not pose.describes("a bone of nobody")
    assert POSE.describes("a bone of nobody")


def test_joints_are_those_that_the_parts_move():
    assert constrained_joints(WHOLE_BODY).all()
    assert not constrained_joints({BodyPart.HAND_L}).any()
    arm = {Joint(i).name for i in np.flatnonzero(constrained_joints({BodyPart.ARM_L}))}
    assert arm == {"L_SHOULDER", "L_ELBOW", "L_WRIST"}
    legs = constrained_joints({BodyPart.LOWER}) & ~constrained_joints({BodyPart.HIPS})
    assert legs.sum() == 6


def test_poses_without_a_place_contradict_nobody():
    here = build(DIRECTIONS, np.zeros(3)).astype(np.float32)
    there = (here * [-1, 1, -1] + [20, 0, 0]).astype(np.float32)  # 20 m away, facing back
    hand = frozenset({BodyPart.HAND_L})
    marked = [MarkedPose(1, PoseRole.START, POSE, here),
              MarkedPose(2, PoseRole.KEY, POSE, there, hand)]  # fmt: skip
    check_poses_compatible(marked, 24)
    assert not speed_notes(marked, 24)


def test_a_way_that_is_dragged_is_told():
    reports = (PoseReport(10, 1.0, 5.0, 0.0, 29.0), PoseReport(30, 1.0, 5.0, 0.0, 240.0))
    (note,) = drag_notes(reports, 1)
    assert "frame 31" in note
    assert "2.4 m" in note

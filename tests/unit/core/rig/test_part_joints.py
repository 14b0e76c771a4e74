"""Tables of joints and parts, and what a pose of some body parts constrains."""

import pytest

from motiongpt_blender.core.body.neutral_pose import NEUTRAL
from motiongpt_blender.core.body.skeleton import PARENTS, Joint
from motiongpt_blender.core.pose_constraints.body_parts import (
    WHOLE_BODY,
    BodyPart,
    constrained_joints,
    constrains_root,
    is_whole_body,
    parts_of,
)
from motiongpt_blender.core.rig.bone_maps import Part
from motiongpt_blender.core.rig.part_joints import part_at, part_moving, side_parts

#: Body part -> the parts of a rig in it, and the joints that these move.
CONTENTS = {
    BodyPart.HIPS: ("pelvis", "PELVIS L_HIP R_HIP SPINE1"),
    BodyPart.HAND_L: ("hand_l", ""),
    BodyPart.HAND_R: ("hand_r", ""),
    BodyPart.ARM_L: ("collar_l upper_arm_l forearm_l hand_l", "L_SHOULDER L_ELBOW L_WRIST"),
    BodyPart.ARM_R: ("collar_r upper_arm_r forearm_r hand_r", "R_SHOULDER R_ELBOW R_WRIST"),
    BodyPart.LOWER: (
        "pelvis thigh_l shin_l foot_l toe_l thigh_r shin_r foot_r toe_r",
        "PELVIS L_HIP R_HIP SPINE1 L_KNEE R_KNEE L_ANKLE R_ANKLE L_FOOT R_FOOT",
    ),
    BodyPart.UPPER: (
        "spine chest neck head collar_l upper_arm_l forearm_l hand_l "
        "collar_r upper_arm_r forearm_r hand_r",
        "SPINE2 SPINE3 NECK HEAD L_COLLAR R_COLLAR L_SHOULDER R_SHOULDER "
        "L_ELBOW R_ELBOW L_WRIST R_WRIST",
    ),
}


@pytest.mark.parametrize("body_part", list(BodyPart))
def test_a_body_part_has_its_parts_and_moves_its_joints(body_part):
    parts, joints = CONTENTS[body_part]
    assert {part.value for part in parts_of({body_part})} == set(parts.split())
    moved = {joint.name for joint in Joint if constrained_joints({body_part})[joint]}
    assert moved == set(joints.split())


def test_the_root_is_constrained_with_the_hips_only():
    assert {p for p in BodyPart if constrains_root({p})} == {BodyPart.HIPS, BodyPart.LOWER}


def test_only_both_halves_are_the_whole_body():
    assert is_whole_body(WHOLE_BODY)
    for part in BodyPart:
        assert not is_whole_body({part})
    assert not is_whole_body({BodyPart.UPPER, BodyPart.HIPS})


@pytest.mark.parametrize(
    ("joint", "begins", "moved_by"),
    [("L_HIP", "thigh_l", "pelvis"), ("R_KNEE", "shin_r", "thigh_r"),
     ("L_ANKLE", "foot_l", "shin_l"), ("R_FOOT", "toe_r", "foot_r"),
     ("L_COLLAR", "collar_l", "chest"), ("R_SHOULDER", "upper_arm_r", "collar_r"),
     ("L_ELBOW", "forearm_l", "upper_arm_l"), ("R_WRIST", "hand_r", "forearm_r")],
)  # fmt: skip
def test_joints_of_limbs_know_their_parts(joint, begins, moved_by):
    assert part_at(Joint[joint]) is Part(begins)
    assert part_moving(Joint[joint]) is Part(moved_by)


def test_a_joint_is_moved_by_the_part_that_begins_at_its_parent():
    for joint in Joint:
        base = joint.name.split("_")[-1]
        if base in ("KNEE", "ANKLE", "FOOT", "SHOULDER", "ELBOW", "WRIST"):
            assert part_moving(joint) is part_at(Joint(PARENTS[joint]))
    assert part_moving(Joint.PELVIS) is Part.PELVIS


def test_sides_are_told_in_either_case():
    assert side_parts("L", "thigh", "shin") == (Part.THIGH_L, Part.SHIN_L)
    assert side_parts("r", "toe") == (Part.TOE_R,)
    assert NEUTRAL[Joint.L_HIP][0] > 0 > NEUTRAL[Joint.R_HIP][0]  # left is +x


def test_the_trunk_has_no_part_at_its_joints():
    with pytest.raises(KeyError):
        part_at(Joint.SPINE2)

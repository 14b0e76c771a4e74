"""Marked poses that bind parts of a body: those come back, the rest stays the motion's."""

import bpy
import numpy as np
import pytest
from mathutils import Matrix

from motiongpt_blender.core.body.motion import MotionClip
from motiongpt_blender.core.pose_constraints.body_parts import BodyPart, parts_of
from motiongpt_blender.core.pose_constraints.marked_pose import MarkedPose, PoseRole
from motiongpt_blender.core.pose_constraints.rig_pose import PoseError
from motiongpt_blender.core.rig.rig_options import RigOptions
from motiongpt_blender.scene.pose.mark_pose import mark_pose
from motiongpt_blender.scene.pose.pose_parts import parts_by_bone
from motiongpt_blender.scene.rig.description import describe
from motiongpt_blender.scene.take.apply import apply_clip
from tests.support.rigs.builders import build, names_of_table, plan_from_names
from tests.support.rigs.motions import walk
from tests.support.rigs.names import KINDS, tables
from tests.support.rigs.posing import pose_at_random, shown, turn, update, worst

pytestmark = pytest.mark.sweep

START, MARKED = 1, 12
PARTS = {
    "hand": {BodyPart.HAND_L}, "arm": {BodyPart.ARM_R}, "upper": {BodyPart.UPPER},
    "lower": {BodyPart.LOWER}, "hips": {BodyPart.HIPS},
}  # fmt: skip


def at_rest(obj):
    for bone in obj.pose.bones:
        bone.location, bone.scale = (0, 0, 0), (1, 1, 1)
        turn(bone, (0, 0, 0))
    update(obj)


def locally(obj, seen):
    """Every bone's matrix against its parent's."""
    return {
        b.name: seen[b.parent.name].inverted() @ seen[b.name] if b.parent else seen[b.name]
        for b in obj.pose.bones
    }


def take(obj, marked):
    """What every bone shows at the marked frame, against its parent, in a take of its own."""
    report = apply_clip(obj, MotionClip(walk(), 20), marked, START, "walk",
                        RigOptions(lock_feet=False))  # fmt: skip
    bpy.context.scene.frame_set(MARKED)
    seen = locally(obj, shown(obj))
    obj.animation_data.nla_tracks.remove(obj.animation_data.nla_tracks[report.track_name])
    at_rest(obj)
    return seen, report


def check_part(obj, body_parts):
    rig = describe(obj)
    bpy.context.scene.frame_set(MARKED)
    pose_at_random(obj, rig, 3)
    before = locally(obj, shown(obj))
    mark = mark_pose(obj, rig, MARKED, PoseRole.KEY)
    mark = MarkedPose(mark.frame, mark.role, mark.pose, mark.joints, frozenset(body_parts))
    at_rest(obj)
    alone, _ = take(obj, [])
    met, report = take(obj, [mark])
    parts, owners = parts_of(body_parts), parts_by_bone(obj, rig)
    bound = {n for n, p in owners.items() if p in parts}
    assert bound
    degrees, millimetres = worst(before, met, bound - {rig.root})
    assert degrees < 0.01
    assert millimetres < 0.1
    (reported,) = report.keys
    assert reported.root_constrained is (
        BodyPart.HIPS in body_parts or BodyPart.LOWER in body_parts
    )
    above = {bone.parent.name for bone in obj.pose.bones if bone.parent and bone.name in bound}
    free = {n for n, p in owners.items() if p not in parts and n not in above | {rig.root}}
    free -= {b.name for b in obj.pose.bones if b.parent and b.parent.name in bound}
    degrees, millimetres = worst(alone, met, free)
    assert degrees < 0.02
    assert millimetres < 0.2


@pytest.mark.parametrize("table", KINDS)
def test_an_arm_comes_back_and_the_rest_goes_on(empty_scene, shared, table):
    check_part(build(plan_from_names(names_of_table(tables(shared)[table]))), {BodyPart.ARM_R})


@pytest.mark.parametrize("part", [p for p in PARTS if p != "arm"])
def test_each_part_comes_back_alone(smpl_rig, part):
    check_part(smpl_rig, PARTS[part])


def test_fingers_and_face_of_a_rigify_rig_belong_to_its_hands_and_head(rigify_rig):
    """Deforming bones hang on each other there, and fingers and face on them."""
    owners = parts_by_bone(rigify_rig, describe(rigify_rig))
    for part, names in {
        "hand_r": ("f_index.01_master.R", "f_ring.03.R", "palm.R", "DEF-hand.R", "DEF-palm.01.R"),
        "hand_l": ("thumb.01_master.L", "DEF-f_pinky.03.L"),
        "head": ("jaw_master", "master_eye.L", "DEF-spine.006", "DEF-lip.T.L"),
        "forearm_l": ("DEF-forearm.L", "DEF-forearm.L.001"),
        "shin_l": ("DEF-shin.L",),
        "toe_r": ("DEF-toe.R",),
    }.items():
        assert {owners[n].value for n in names if n in rigify_rig.pose.bones} == {part}, names


@pytest.mark.parametrize("part", [BodyPart.HAND_L, BodyPart.ARM_L, BodyPart.UPPER])
def test_a_rigify_hand_comes_back_with_its_fingers(rigify_rig, part):
    rig = describe(rigify_rig)
    bones = rigify_rig.pose.bones
    for limb in ("upper_arm_parent", "thigh_parent"):
        for side in "LR":
            bones[f"{limb}.{side}"]["IK_FK"] = 1.0
    fingers = [f"f_index.0{k}.L" for k in (1, 2, 3)]
    for name, angles in (*((f, (50, 0, 0)) for f in fingers), ("hand_fk.L", (20, 10, 30)),
                         ("jaw_master", (12, 0, 0)), ("f_index.01.R", (40, 0, 0))):  # fmt: skip
        turn(bones[name], angles)
    update(rigify_rig)
    before = locally(rigify_rig, shown(rigify_rig))
    mark = mark_pose(rigify_rig, rig, MARKED, PoseRole.KEY)
    mark = MarkedPose(mark.frame, mark.role, mark.pose, mark.joints, frozenset({part}))
    for name in (*fingers, "hand_fk.L", "jaw_master", "f_index.01.R"):
        turn(bones[name], (0, 0, 0))
    update(rigify_rig)
    resting = locally(rigify_rig, shown(rigify_rig))
    met, _ = take(rigify_rig, [mark])
    tips = [f"DEF-f_index.0{k}.L" for k in (2, 3)]
    degrees, millimetres = worst(before, met, tips)
    assert degrees < 0.01
    assert millimetres < 0.1
    # The face and the other hand are of the upper body alone.
    elsewhere = before if part is BodyPart.UPPER else resting
    assert worst(elsewhere, met, ["DEF-jaw", "DEF-f_index.02.R"])[0] < 0.01


def test_what_is_bound_is_kept_and_nothing_is_refused(registered, smpl_rig):
    rig = describe(smpl_rig)
    entry = smpl_rig.motiongpt.poses.add()
    entry.store(mark_pose(smpl_rig, rig, 3, PoseRole.KEY))
    assert entry.load().body_parts == {BodyPart.UPPER, BodyPart.LOWER}
    entry.body_parts = {"HAND_L", "HIPS"}
    assert entry.load().body_parts == {BodyPart.HAND_L, BodyPart.HIPS}
    entry.body_parts = set()
    with pytest.raises(PoseError, match="frame 3 constrains no part"):
        entry.load()


def test_a_click_binds_one_part_and_shift_joins(registered, smpl_rig):
    bpy.context.scene.motiongpt.armature = smpl_rig
    bpy.ops.motiongpt.add_pose(role="KEY")
    pose = smpl_rig.motiongpt.poses[0]
    for part, join, left in (
        ("ARM_R", False, {"ARM_R"}),  # the first click on a whole pose leaves this part alone
        ("HIPS", True, {"ARM_R", "HIPS"}),
        ("ARM_R", True, {"HIPS"}),
        ("HIPS", True, {"UPPER", "LOWER"}),  # nothing bound would be no pose
        ("HAND_L", True, {"HAND_L"}),  # to a whole pose nothing can be joined
        ("WHOLE", False, {"UPPER", "LOWER"}),
        ("UPPER", False, {"UPPER"}),
    ):
        bpy.ops.motiongpt.constrain_part(part=part, join=join)
        assert pose.body_parts == left, (part, join)


def test_what_fk_cannot_show_is_kept_told_and_limited_to_what_is_bound(
    registered, rigify_rig, capsys
):
    bpy.context.scene.motiongpt.armature = rigify_rig
    bpy.ops.motiongpt.add_pose(role="START")
    assert "Info: Frame 1 is marked" in capsys.readouterr().out
    hand = rigify_rig.pose.bones["hand_ik.L"]
    hand.matrix = Matrix.Translation((0.4, -0.3, 0.5)) @ hand.matrix  # out of reach
    update(rigify_rig)
    bpy.context.scene.frame_set(5)
    bpy.ops.motiongpt.add_pose(role="KEY")
    output = capsys.readouterr().out
    assert "the left arm by" in output
    assert "is marked" not in output  # Blender shows the last report alone
    pose = rigify_rig.motiongpt.poses[1]
    miss = pose.load().worst_mismatch
    assert miss.millimetres > 50
    assert f"'{miss.bone}' remains" in pose.note
    pose.body_parts = {"ARM_R"}
    assert pose.load().worst_mismatch is None or pose.load().worst_mismatch.millimetres < 50
    pose.fk_mismatches = "broken"
    assert pose.note == ""


def test_without_a_place_the_take_stands_where_the_armature_does(smpl_rig):
    rig = describe(smpl_rig)
    smpl_rig.pose.bones[rig.root].location = (3.0, 0.0, 1.0)
    update(smpl_rig)
    mark = mark_pose(smpl_rig, rig, MARKED, PoseRole.KEY)
    at_rest(smpl_rig)
    hand = MarkedPose(mark.frame, mark.role, mark.pose, mark.joints, frozenset({BodyPart.HAND_L}))
    apply_clip(smpl_rig, MotionClip(walk(), 20), [hand], START, "walk")
    bpy.context.scene.frame_set(START)
    there = np.array(smpl_rig.pose.bones[rig.root].matrix.translation)
    assert np.linalg.norm(there[:2]) < 0.3

"""A marked pose is shown again as it was made, and can be changed and marked anew."""

import json

import bpy
import numpy as np
import pytest
from mathutils import Matrix

from motiongpt_blender.core.pose_constraints.body_parts import BodyPart


def seen(obj):
    """Where every bone that deforms is, as evaluated."""
    bpy.context.view_layer.update()
    posed = obj.evaluated_get(bpy.context.evaluated_depsgraph_get())
    return {bone.name: np.array(bone.matrix) for bone in posed.pose.bones if bone.bone.use_deform}


def at_rest(obj):
    for bone in obj.pose.bones:
        bone.matrix_basis = Matrix.Identity(4)


def changed(one, other):
    """Names of the bones that are not where they were."""
    return [name for name in one if np.abs(one[name] - other[name]).max() > 1e-5]


def mark(obj, frame, role="KEY"):
    bpy.context.scene.motiongpt.armature = obj
    bpy.context.scene.frame_set(frame)
    assert bpy.ops.motiongpt.add_pose(role=role) == {"FINISHED"}


def test_a_pose_of_ik_fingers_and_root_is_shown_as_it_was_made(registered, rigify_rig):
    bones = rigify_rig.pose.bones
    hand = bones["hand_ik.L"]
    hand.matrix = Matrix.Translation((0.0, -0.2, 0.15)) @ hand.matrix
    bones["foot_ik.R"].location = (0.0, -0.1, 0.2)
    bones["torso"].location = (0.05, 0.02, -0.1)
    bones["root"].location = (0.3, 0.0, 0.0)
    bones["upper_arm_parent.R"]["IK_FK"] = 1.0
    finger = bones["f_index.01.L"]
    finger.rotation_mode = "XYZ"
    finger.rotation_euler = (0.6, 0.0, 0.1)
    made = seen(rigify_rig)
    mark(rigify_rig, 12)
    at_rest(rigify_rig)
    bones["upper_arm_parent.R"]["IK_FK"] = 0.0
    finger.rotation_mode = "QUATERNION"
    bpy.context.scene.frame_set(40)
    assert changed(made, seen(rigify_rig))
    assert bpy.ops.motiongpt.show_pose() == {"FINISHED"}
    assert bpy.context.scene.frame_current == 12
    assert not changed(made, seen(rigify_rig))
    assert finger.rotation_mode == "QUATERNION"
    assert not bpy.data.actions


def test_keys_stay_and_are_shown_again_at_the_next_frame(registered, smpl_rig):
    bone = smpl_rig.pose.bones["l_elbow"]
    bone.rotation_mode = "XYZ"
    bone.rotation_euler = (0.4, 0.0, 0.0)
    mark(smpl_rig, 10)
    bone.rotation_euler = (-0.3, 0.0, 0.0)
    bone.keyframe_insert("rotation_euler", frame=1)
    bpy.context.scene.frame_set(20)
    assert bpy.ops.motiongpt.show_pose() == {"FINISHED"}
    assert bone.rotation_euler.x == pytest.approx(0.4)
    bpy.context.scene.frame_set(11)
    assert bone.rotation_euler.x == pytest.approx(-0.3)


def test_a_pose_that_is_changed_and_marked_again_binds_what_it_did(registered, smpl_rig):
    mark(smpl_rig, 10)
    bpy.ops.motiongpt.constrain_part(part="ARM_L")
    bpy.context.scene.frame_set(25)
    bpy.ops.motiongpt.show_pose()
    smpl_rig.pose.bones["l_elbow"].rotation_quaternion = (0.9, 0.1, 0.2, 0.3)
    mark(smpl_rig, 10)
    assert [p.parts for p in smpl_rig.motiongpt.poses] == [frozenset({BodyPart.ARM_L})]
    mark(smpl_rig, 30)
    assert smpl_rig.motiongpt.poses[1].parts != frozenset({BodyPart.ARM_L})


def test_what_cannot_be_shown_is_told_and_nothing_moves(registered, smpl_rig, capfd):
    mark(smpl_rig, 10)
    pose = smpl_rig.motiongpt.poses[0]
    bpy.context.scene.frame_set(30)
    kept = json.loads(pose.controls)
    pose.controls = json.dumps(kept | {"transforms": None})
    with pytest.raises(RuntimeError, match="mark it again"):
        bpy.ops.motiongpt.show_pose()
    pose.controls = "broken"
    with pytest.raises(RuntimeError, match="cannot be read"):
        bpy.ops.motiongpt.show_pose()
    assert bpy.context.scene.frame_current == 30
    pose.controls = json.dumps(kept)
    smpl_rig.location.x += 1.0
    assert bpy.ops.motiongpt.show_pose() == {"FINISHED"}
    assert "stands elsewhere" in capfd.readouterr().out

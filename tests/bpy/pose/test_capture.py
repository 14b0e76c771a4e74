"""Poses read from a rig: what FK shows, what IK shows, and where the rig stands."""

import math

import bpy
import numpy as np
import pytest
from mathutils import Euler, Quaternion

from motiongpt_blender.core.body.motion import heading
from motiongpt_blender.core.body.neutral_pose import BONE_LENGTHS
from motiongpt_blender.core.body.rotations import angle_between
from motiongpt_blender.core.body.skeleton import PARENTS, Joint
from motiongpt_blender.core.pose_constraints.rig_pose import pose_at
from motiongpt_blender.core.retargeting.solver import solve
from motiongpt_blender.scene.pose.capture import capture_joints, capture_pose, limbs_out_of_reach
from motiongpt_blender.scene.rig.description import describe


def bend(obj, name, degrees):
    """Turn a control by angles about its own axes, in its own rotation mode."""
    bone = obj.pose.bones[name]
    turn = Euler([math.radians(d) for d in degrees])
    if bone.rotation_mode == "QUATERNION":
        bone.rotation_quaternion = turn.to_quaternion()
    else:
        bone.rotation_euler = turn.to_quaternion().to_euler(bone.rotation_mode)


def update():
    bpy.context.view_layer.update()


def use_fk(obj, on=True):
    for limb in ("thigh_parent", "upper_arm_parent"):
        for side in "LR":
            obj.pose.bones[f"{limb}.{side}"]["IK_FK"] = float(on)
    obj.update_tag()


POSE = {
    "spine": (5, 20, -4), "spine.002": (10, 0, 5), "upper_arm.L": (40, 10, -20),
    "forearm.L": (60, 0, 0), "thigh.R": (-40, 5, 3), "shin.R": (50, 0, 0), "foot.R": (-15, 0, 0),
    "shoulder.R": (0, 5, 8), "spine.005": (10, 0, 0),
}  # fmt: skip


def test_a_metarigs_own_channels_are_the_pose(metarig):
    for name, degrees in POSE.items():
        bend(metarig, name, degrees)
    metarig.pose.bones["spine"].location = (0.1, 0.2, -0.3)
    update()
    pose = capture_pose(metarig, describe(metarig))
    for name, q in pose.rotations.items():
        own = np.array(metarig.pose.bones[name].matrix_basis.to_quaternion())
        assert np.degrees(angle_between(own, np.array(q))) < 1e-3, name
    assert np.allclose(pose.root_location, (0.1, 0.2, -0.3), atol=1e-6)


def test_joints_have_the_models_bones_and_the_rigs_place(metarig):
    bend(metarig, "spine", (0, 30, 0))
    metarig.pose.bones["spine"].location = (0.5, 0.0, 1.0)
    update()
    rig = describe(metarig)
    joints = capture_joints(metarig, rig)
    assert joints.shape == (22, 3)
    assert joints.dtype == np.float32
    lengths = np.linalg.norm(joints[1:] - joints[list(PARENTS[1:])], axis=-1)
    assert np.allclose(lengths, BONE_LENGTHS[1:], atol=1e-5)
    metarig.pose.bones["spine"].matrix_basis.identity()
    update()
    still = capture_joints(metarig, rig)
    moved = (joints - still)[Joint.PELVIS]
    assert np.linalg.norm(moved) > 0.5 / rig.scale
    assert abs(math.degrees(heading(joints) - heading(still))) == pytest.approx(30, abs=2)


def test_the_model_sees_a_pose_that_solves_back_to_it(metarig):
    rig = describe(metarig)
    limbs = {n: d for n, d in POSE.items() if n.startswith(("thigh", "shin", "upper", "forearm"))}
    for name, degrees in limbs.items():
        bend(metarig, name, (degrees[0], 0, 0))
    update()
    seen = capture_joints(metarig, rig)
    motion = solve(rig, np.repeat(seen[None], 5, 0))
    again = pose_at(motion, 2)
    own = capture_pose(metarig, rig)
    for name in ("upper_arm.L", "forearm.L", "thigh.R", "shin.R"):
        away = angle_between(np.array(again.rotations[name]), np.array(own.rotations[name]))
        assert np.degrees(away) < 15, name  # the plane of the elbow is read, not stored
    assert np.linalg.norm(np.subtract(again.root_location, own.root_location)) < 0.05


def test_ik_limbs_are_read_as_fk(rigify_rig):
    rig = describe(rigify_rig)
    use_fk(rigify_rig, on=False)
    bones = rigify_rig.pose.bones
    bones["foot_ik.L"].location = (0.0, -0.25, 0.25)
    bones["hand_ik.R"].location = (0.05, -0.2, 0.15)
    bend(rigify_rig, "foot_ik.L", (25, 0, 10))
    update()
    # IK stretched the bones a little; the foot and the hand are what has to stay
    shown = {n: bones[n].matrix.copy() for n in ("ORG-foot.L", "ORG-hand.R", "ORG-thigh.L")}
    pose = capture_pose(rigify_rig, rig)
    use_fk(rigify_rig)
    for prop in ("neck_follow", "head_follow"):
        bones["torso"][prop] = 1.0
    for name, q in pose.rotations.items():
        bone = bones[name]
        if bone.rotation_mode == "QUATERNION":
            bone.rotation_quaternion = q
        else:
            bone.rotation_euler = Quaternion(q).to_euler(bone.rotation_mode)
    update()
    for name, before in shown.items():
        after = bones[name].matrix
        assert (after.translation - before.translation).length < 1e-3, name
        turn = before.to_quaternion().rotation_difference(after.to_quaternion())
        assert math.degrees(turn.angle) % 360 < (5 if "thigh" in name else 0.1), name


def test_the_torso_is_read_without_the_root_bone(rigify_rig):
    rig = describe(rigify_rig)
    bones = rigify_rig.pose.bones
    bend(rigify_rig, "torso", (10, 0, 20))
    bones["torso"].location = (0.1, 0.0, -0.1)
    update()
    plain = capture_pose(rigify_rig, rig)
    bones["root"].location = (2.0, 1.0, 0.0)
    update()
    moved = capture_pose(rigify_rig, rig)
    away = np.subtract(moved.root_location, plain.root_location)
    assert np.linalg.norm(away) == pytest.approx(math.sqrt(5), abs=1e-4)
    assert np.allclose(moved.rotations["torso"], plain.rotations["torso"], atol=1e-6)


def test_limbs_of_an_evenly_scaled_chest_are_not_stretched(smpl_rig):
    """They are longer, not bent: their rotations are read as they are."""
    rig = describe(smpl_rig)
    bones = smpl_rig.pose.bones
    bones["l_elbow"].rotation_quaternion = (0.9, 0.3, 0.0, 0.3)
    bpy.context.view_layer.update()
    before = capture_pose(smpl_rig, rig)
    bones["spine2"].scale = (1.05, 1.05, 1.05)
    bpy.context.view_layer.update()
    assert not limbs_out_of_reach(smpl_rig, rig)
    after = capture_pose(smpl_rig, rig)
    for name, rotation in before.rotations.items():
        assert np.abs(np.subtract(after.rotations[name], rotation)).max() < 1e-4, name

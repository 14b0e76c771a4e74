"""Feet on the curves that Blender plays: measured on the bones, frame by frame."""

import math

import bpy
import numpy as np
import pytest

from motiongpt_blender import registration
from motiongpt_blender.core.body.motion import MotionClip
from motiongpt_blender.core.body.rotations import angle_between, inverse, rotate
from motiongpt_blender.core.body.skeleton import Joint
from motiongpt_blender.core.feet.foot_contacts import find_foot_contacts
from motiongpt_blender.core.pose_constraints.marked_pose import MarkedPose, PoseRole
from motiongpt_blender.core.rig.rig_options import RigOptions
from motiongpt_blender.scene.pose.capture import capture_joints, capture_pose
from motiongpt_blender.scene.rig.description import describe
from motiongpt_blender.scene.take.apply import apply_clip
from tests.support.clips import as_generated, clip

pytestmark = pytest.mark.sweep

LOCKED = RigOptions(lock_feet=True)


def toe_places(obj, rig, count, start=1):
    """Where both toes are, (T, 2, 3) in model axes over the rig's floor."""
    names = [next(c.body for c in rig.controls if c.part.value == f"toe_{s}") for s in "lr"]
    out = []
    for frame in range(start, start + count):
        bpy.context.scene.frame_set(frame)
        heads = np.array([obj.pose.bones[n].head for n in names], dtype=float)
        out.append(rotate(inverse(rig.axes), heads) - [0, rig.floor, 0])
    return np.array(out)


def worst(places, joints, rig, floor=0.0):
    """The fastest (m/s) and the lowest (m under their level) of locked toes."""
    foot_contacts = find_foot_contacts(joints, 20.0)
    masks = np.stack([foot_contacts.mask(s, len(joints)) for s in "LR"], axis=1) > 0
    speeds = np.linalg.norm(np.diff(places, axis=0), axis=-1) * 20 / rig.scale
    fast = speeds[masks[1:] & masks[:-1]].max(initial=0)
    rest = np.array([rig.points[Joint.L_FOOT][1], rig.points[Joint.R_FOOT][1]]) + floor
    return fast, ((rest - places[..., 1]) / rig.scale)[masks].max(initial=0)


@pytest.mark.parametrize("name, frames", [("smpl_rig", 196), ("rigify_rig", 30)])
def test_planted_toes_stand_in_blender(request, name, frames):
    obj = request.getfixturevalue(name)
    for whole in (clip("turn"), as_generated(clip("walk"))):
        joints = whole[:frames]
        apply_clip(obj, MotionClip(joints.astype(np.float32)), (), 1, "clip", LOCKED)
        rig = describe(obj)
        speed, dip = worst(toe_places(obj, rig, len(joints)), joints, rig)
        assert speed < 0.02
        assert dip < 0.01


def test_marked_poses_are_met_to_the_float(smpl_rig):
    joints = clip("walk")
    rig = describe(smpl_rig)
    apply_clip(smpl_rig, MotionClip(joints.astype(np.float32)), (), 1, "clip")
    marked, shown = [], {}
    for frame, bend in ((1, 0.0), (14, 15.0), (30, -10.0)):
        bpy.context.scene.frame_set(frame)
        knee = smpl_rig.pose.bones["l_knee"]
        knee.rotation_quaternion.rotate(type(knee.rotation_quaternion)((1, 0, 0), bend / 60))
        smpl_rig.pose.bones["pelvis"].location.z += bend / 600
        bpy.context.view_layer.update()
        pose, stands = capture_pose(smpl_rig, rig), capture_joints(smpl_rig, rig)
        marked.append(MarkedPose(frame, PoseRole.KEY, pose, stands))
        shown[frame] = {b.name: b.matrix.copy() for b in smpl_rig.pose.bones}
    apply_clip(smpl_rig, MotionClip(joints.astype(np.float32)), marked, 1, "met", LOCKED)
    for frame, matrices in shown.items():
        bpy.context.scene.frame_set(frame)
        for bone in smpl_rig.pose.bones:
            was = matrices[bone.name]
            assert (bone.matrix.translation - was.translation).length < 1e-4
            turns = [np.array(m.to_quaternion()) for m in (bone.matrix, was)]
            assert math.degrees(angle_between(*turns)) < 0.03


@pytest.fixture
def addon():
    """The add-on switched on."""
    registration.register()
    yield
    registration.unregister()


def test_the_floor_is_a_setting(addon, smpl_rig):
    joints = clip("walk")
    smpl_rig.motiongpt.retargeting.floor = 0.4
    options = smpl_rig.motiongpt.retargeting.options()
    assert options.lock_feet
    apply_clip(smpl_rig, MotionClip(joints.astype(np.float32)), (), 1, "clip", options)
    rig = describe(smpl_rig)
    speed, dip = worst(toe_places(smpl_rig, rig, len(joints)), joints, rig, floor=0.4)
    assert speed < 0.02
    assert abs(dip) < 0.01

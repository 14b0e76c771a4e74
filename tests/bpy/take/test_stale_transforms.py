"""What animation left on the body's bones before a take replaced it is not seen in the take."""

import bpy
import numpy as np
import pytest

from motiongpt_blender.core.body.motion import MotionClip
from motiongpt_blender.core.pose_constraints.marked_pose import PoseRole
from motiongpt_blender.core.rig.rig_options import RigOptions
from motiongpt_blender.core.timeline.frame_range import Fit
from motiongpt_blender.scene.pose.mark_pose import mark_pose
from motiongpt_blender.scene.rig.description import describe
from motiongpt_blender.scene.take.apply import apply_clip
from motiongpt_blender.scene.take.remove_take import remove_take
from tests.support.clips import clip
from tests.support.rigs.posing import update

LAST = 30


def stretch(obj, *, keyed):
    """A longer thigh, and a foot that is moved aside."""
    bones = obj.pose.bones
    bones["l_hip"].scale = (1.0, 1.2, 1.0)
    bones["l_ankle"].location = (0.0, 0.0, 0.1)
    for bone, prop in (("l_hip", "scale"), ("l_ankle", "location")) if keyed else ():
        bones[bone].keyframe_insert(prop, frame=1)
    update(obj)


def muted_track(obj):
    data = obj.animation_data
    data.nla_tracks.new().strips.new("before", 1, data.action)
    data.nla_tracks[0].mute = True
    data.action = None


def lengths(obj):
    """Length of the left thigh and of the left shin as Blender shows them at the last frame."""
    bpy.context.scene.frame_set(LAST)
    heads = [np.array(obj.pose.bones[f"l_{name}"].head) for name in ("hip", "knee", "ankle")]
    return np.linalg.norm(np.diff(heads, axis=0), axis=-1)


def rest_lengths(obj):
    heads = [np.array(obj.data.bones[f"l_{n}"].head_local) for n in ("hip", "knee", "ankle")]
    return np.linalg.norm(np.diff(heads, axis=0), axis=-1)


def play(obj, marked=(), **settings):
    options = RigOptions(sparse=settings.pop("sparse", False))
    walk = MotionClip(clip("walk")[:LAST].astype(np.float32))
    return apply_clip(obj, walk, marked, 1, "walk", options, Fit(**settings))


@pytest.mark.parametrize("sparse", [False, True])
@pytest.mark.parametrize("muted", [False, True])
def test_what_replaced_animation_left_is_back_at_rest(smpl_rig, muted, sparse):
    stretch(smpl_rig, keyed=True)
    if muted:
        muted_track(smpl_rig)
    report = play(smpl_rig, sparse=sparse)
    assert np.allclose(lengths(smpl_rig), rest_lengths(smpl_rig), atol=1e-4)
    remove_take(report.action_name, report.ids)
    bpy.context.scene.frame_set(1)
    assert smpl_rig.pose.bones["l_hip"].scale[1] == pytest.approx(1.2)
    assert smpl_rig.pose.bones["l_ankle"].location[2] == pytest.approx(0.1)


def test_a_bone_between_two_of_the_body_is_back_at_rest(smpl_rig):
    bpy.ops.object.mode_set(mode="EDIT")
    bones = smpl_rig.data.edit_bones
    half = bones.new("between")
    half.head = bones["l_hip"].head.lerp(bones["l_knee"].head, 0.5)
    half.tail, half.parent = bones["l_knee"].head, bones["l_hip"]
    bones["l_knee"].parent = half
    bpy.ops.object.mode_set(mode="OBJECT")
    smpl_rig.pose.bones["between"].rotation_quaternion = (0.8, 0.6, 0.0, 0.0)
    smpl_rig.pose.bones["between"].keyframe_insert("rotation_quaternion", frame=1)
    update(smpl_rig)
    play(smpl_rig)
    assert np.allclose(lengths(smpl_rig), rest_lengths(smpl_rig), atol=1e-4)


def test_what_the_animator_changed_without_keys_stays(smpl_rig):
    stretch(smpl_rig, keyed=False)
    play(smpl_rig)
    assert lengths(smpl_rig)[0] > 1.15 * rest_lengths(smpl_rig)[0]


def test_what_goes_on_playing_and_what_a_marked_pose_holds_stay(smpl_rig):
    stretch(smpl_rig, keyed=True)
    report = play(smpl_rig, alone=False)
    assert lengths(smpl_rig)[0] > 1.15 * rest_lengths(smpl_rig)[0]
    remove_take(report.action_name, report.ids)
    bpy.context.scene.frame_set(1)
    marked = mark_pose(smpl_rig, describe(smpl_rig), 1, PoseRole.START)
    play(smpl_rig, [marked])
    assert lengths(smpl_rig)[0] > 1.15 * rest_lengths(smpl_rig)[0]

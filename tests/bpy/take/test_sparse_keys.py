"""Few keys on the curves that Blender plays, measured against a key a frame."""

import bpy
import numpy as np
import pytest

from motiongpt_blender import compat
from motiongpt_blender.core.body.motion import MotionClip
from motiongpt_blender.core.body.rotations import angle_between
from motiongpt_blender.core.pose_constraints.marked_pose import MarkedPose, PoseRole
from motiongpt_blender.core.rig.rig_options import RigOptions, RootTarget
from motiongpt_blender.scene.pose.capture import capture_joints, capture_pose
from motiongpt_blender.scene.rig.description import describe
from motiongpt_blender.scene.take.apply import apply_clip, apply_slices
from motiongpt_blender.scene.take.remove_take import remove_take
from tests.support.clips import clip as recorded
from tests.support.matrix import sweep

ENDS = ("hand_l", "hand_r", "foot_l", "foot_r", "head")


def shown(obj, rig, count):
    """Places (T, 5, 3) and turns (T, 5, 4) of hands, feet and head in the world."""
    names = [next(c.body for c in rig.controls if c.part.value == p) for p in ENDS]
    places, turns = [], []
    for frame in range(1, count + 1):
        bpy.context.scene.frame_set(frame)
        world = [obj.matrix_world @ obj.pose.bones[n].matrix for n in names]
        places.append([m.translation[:] for m in world])
        turns.append([m.to_quaternion()[:] for m in world])
    return np.array(places), np.array(turns)


def keys_of(name):
    return sum(len(c.keyframe_points) for c in compat.all_curves(bpy.data.actions[name])
               if np.ptp([k.co[1] for k in c.keyframe_points]) > 1e-6)  # fmt: skip


def both(obj, clip, sparse, marked=()):
    """What a key a frame shows, what few keys show, and how many there are of each."""
    rig = describe(obj)
    dense = RigOptions(root=sparse.root, lock_feet=sparse.lock_feet)
    out = []
    for options in (dense, sparse):
        report = apply_clip(obj, clip, marked, 1, "clip", options)
        out.append((*shown(obj, rig, len(clip.joints)), keys_of(report.action_name)))
        remove_take(report.action_name, report.ids)
        for bone in obj.pose.bones:
            bone.matrix_basis.identity()
        obj.matrix_basis.identity()
        bpy.context.view_layer.update()
    return out


@pytest.mark.parametrize("mode", sweep(["QUATERNION", "XYZ", "AXIS_ANGLE"]))
@pytest.mark.parametrize("degrees, mm, fewer", sweep([(1.0, 5.0, 2.5), (2.0, 10.0, 3.5)]))
def test_few_keys_show_the_same_motion(smpl_rig, shared, mode, degrees, mm, fewer):
    for bone in smpl_rig.pose.bones:
        bone.rotation_mode = mode
    clip = MotionClip(recorded("walk")[:70].astype(np.float32))
    options = RigOptions(sparse=True, degrees=degrees, millimetres=mm)
    (here, turned, many), (there, spun, few) = both(smpl_rig, clip, options)
    limit = mm / 1000 * describe(smpl_rig).scale
    assert np.linalg.norm(here - there, axis=-1).max() < limit
    assert np.degrees(angle_between(turned, spun).max()) < degrees
    assert many / few > (fewer if mode == "QUATERNION" else 1.5)


@pytest.mark.sweep
@pytest.mark.parametrize("root", [RootTarget.OBJECT])
def test_what_carries_the_body_counts(smpl_rig, shared, root):
    clip = MotionClip(recorded("walk")[:50].astype(np.float32))
    options = RigOptions(root=root, sparse=True, lock_feet=True)
    (here, turned, many), (there, spun, few) = both(smpl_rig, clip, options)
    assert np.linalg.norm(here - there, axis=-1).max() < 0.005 * describe(smpl_rig).scale
    assert np.degrees(angle_between(turned, spun).max()) < 1
    assert few < many / 1.8


@pytest.mark.sweep
def test_marked_poses_are_met_by_few_keys(smpl_rig):
    clip = MotionClip(recorded("walk")[:50].astype(np.float32))
    rig = describe(smpl_rig)
    bones = smpl_rig.pose.bones
    bones["l_shoulder"].rotation_quaternion = (0.9, 0.1, 0.3, 0.2)
    bones["pelvis"].location = (0.05, 0.02, -0.03)
    bpy.context.view_layer.update()
    pose = MarkedPose(21, PoseRole.KEY, capture_pose(smpl_rig, rig), capture_joints(smpl_rig, rig))
    before = {b.name: b.matrix.copy() for b in bones}
    report = apply_clip(smpl_rig, clip, [pose], 1, "c", RigOptions(sparse=True, lock_feet=True))
    bpy.context.scene.frame_set(21)
    for bone in bones:
        assert (bone.matrix.translation - before[bone.name].translation).length < 1e-4
    kinds = {k.type for c in compat.all_curves(bpy.data.actions[report.action_name])
             for k in c.keyframe_points if k.co[0] == 21}  # fmt: skip
    assert kinds == {"KEYFRAME"}


def test_written_handles_are_those_that_were_fitted(smpl_rig):
    clip = MotionClip(recorded("walk")[:40].astype(np.float32))
    report = apply_clip(smpl_rig, clip, (), 1, "clip", RigOptions(sparse=True))
    curves = list(compat.all_curves(bpy.data.actions[report.action_name]))
    assert max(len(c.keyframe_points) for c in curves) < 40
    for curve in curves:
        for left, right in zip(curve.keyframe_points, curve.keyframe_points[1:], strict=False):
            assert left.interpolation == "BEZIER"
            third = (right.co[0] - left.co[0]) / 3
            assert left.handle_right[0] - left.co[0] == pytest.approx(third, abs=1e-3)
            assert right.co[0] - right.handle_left[0] == pytest.approx(third, abs=1e-3)


@pytest.mark.sweep
def test_blender_gets_its_turn_while_few_keys_are_found(smpl_rig, shared, longest_slice):
    clip = MotionClip(recorded("walk").astype(np.float32))
    options = RigOptions(sparse=True, lock_feet=True)

    def steps():
        return apply_slices(smpl_rig, clip, (), 1, "c", options)

    assert longest_slice(steps, runs=3) < 0.05


def test_a_single_frame_takes_a_single_key(smpl_rig):
    clip = MotionClip(recorded("walk")[:1].astype(np.float32))
    report = apply_clip(smpl_rig, clip, (), 5, "c", RigOptions(sparse=True, lock_feet=True))
    for curve in compat.all_curves(bpy.data.actions[report.action_name]):
        assert [k.co[0] for k in curve.keyframe_points] == [5.0]

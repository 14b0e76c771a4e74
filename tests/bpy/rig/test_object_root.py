"""The object as root: delta transforms count, and a take is undone whole."""

import bpy
import numpy as np
import pytest

from motiongpt_blender import compat
from motiongpt_blender.core.body.motion import MotionClip
from motiongpt_blender.core.rig.rig_options import RigOptions, RootTarget
from motiongpt_blender.scene.errors import RigError
from motiongpt_blender.scene.pose.capture import capture_joints
from motiongpt_blender.scene.rig.description import describe
from motiongpt_blender.scene.take.apply import apply_clip
from motiongpt_blender.scene.take.remove_take import remove_take
from tests.support.rigs.driving import with_root
from tests.support.rigs.families import Build, Stance, build_family
from tests.support.rigs.motions import FPS, exercise

pytestmark = pytest.mark.sweep

FRAMES = (1, 12, 25, 40)


def figure(mode, deltas=True):
    """A rig that stands somewhere, most of it by its delta transform."""
    obj = build_family(Build("unreal4", Stance.A))
    with_root(obj)
    obj.rotation_mode = mode
    obj.location = (1.0, 2.0, 0.5)
    if deltas:
        obj.delta_location, obj.delta_scale = (-2.0, 0.5, 0.25), (1.5,) * 3
        obj.delta_rotation_euler = (0.0, 0.0, 1.1)
        obj.delta_rotation_quaternion = (0.8, 0.0, 0.0, 0.6)
    bpy.context.view_layer.update()
    return obj


def put(obj, root):
    bpy.context.scene.render.fps = FPS
    bpy.context.scene.frame_set(1)
    return apply_clip(obj, MotionClip(exercise(), FPS), (), 1, "t", RigOptions(root=root))


def places(obj):
    """Where feet, hands and head come to be in the scene, (F, 5, 3)."""
    parts = ("foot_l", "foot_r", "hand_l", "hand_r", "head")
    bodies = {c.part: c.body for c in describe(obj).controls}
    out = []
    for frame in FRAMES:
        bpy.context.scene.frame_set(frame)
        posed = obj.evaluated_get(bpy.context.evaluated_depsgraph_get())
        out.append([posed.matrix_world @ posed.pose.bones[bodies[p]].head for p in parts])
    return np.array(out)


@pytest.mark.parametrize("mode", ["XYZ", "ZXY", "QUATERNION", "AXIS_ANGLE"])
def test_delta_transforms_count(empty_scene, mode):
    seen = []
    for root in (RootTarget.HIPS, RootTarget.OBJECT):
        obj = figure(mode)
        put(obj, root)
        seen.append(places(obj))
        bpy.data.objects.remove(obj)
    assert np.ptp(seen[0][:, 0], axis=0).max() > 1
    assert np.abs(seen[0] - seen[1]).max() < 1e-4


def test_a_pose_is_captured_the_same_with_delta_transforms(empty_scene):
    plain, moved = figure("XYZ", deltas=False), figure("XYZ")
    joints = [capture_joints(obj, describe(obj)) for obj in (plain, moved)]
    assert np.allclose(joints[0], joints[1], atol=1e-6)


def test_an_uneven_delta_scale_is_refused(empty_scene):
    obj = figure("XYZ")
    obj.delta_scale = (1.0, 1.5, 1.0)
    bpy.context.view_layer.update()
    with pytest.raises(RigError, match="scaled unevenly"):
        put(obj, RootTarget.OBJECT)
    assert not bpy.data.actions


@pytest.mark.parametrize("mode", ["XYZ", "QUATERNION"])
def test_the_object_and_its_own_action_come_back(empty_scene, mode):
    obj = figure(mode)
    for frame, x in ((1, 0.0), (40, 3.0)):
        obj.location.x = x
        obj.keyframe_insert("location", frame=frame)
    own, slot = obj.animation_data.action, compat.active_slot(obj.animation_data)
    before = places(obj)
    bpy.context.scene.frame_set(1)
    report = put(obj, RootTarget.OBJECT)
    assert np.abs(places(obj) - before).max() > 0.5
    assert remove_take(report.action_name)
    assert np.abs(places(obj) - before).max() < 1e-6
    assert obj.animation_data.action == own
    assert compat.active_slot(obj.animation_data) == slot
    assert [a.name for a in bpy.data.actions] == [own.name]


def test_an_object_without_animation_stands_as_before(empty_scene):
    obj = figure("ZXY")
    before, basis = places(obj), obj.matrix_basis.copy()
    report = put(obj, RootTarget.OBJECT)
    bpy.context.scene.frame_set(30)
    assert remove_take(report.action_name)
    assert np.abs(places(obj) - before).max() < 1e-6
    assert np.abs(np.array(obj.matrix_basis) - np.array(basis)).max() < 1e-6
    assert not bpy.data.actions

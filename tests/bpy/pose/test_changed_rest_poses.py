"""The rest pose changed after a pose was marked: it is carried over exactly, or refused."""

import numpy as np
import pytest
from mathutils import Matrix

from motiongpt_blender.scene.rig.description import describe
from tests.support.rigs.posing import pose_at_random, update
from tests.support.takes import generate, scene_of

bpy = pytest.importorskip("bpy", reason="Blender as a module is not installed here")

FRAME = 5


def in_mode(obj, mode):
    bpy.context.view_layer.objects.active = obj
    obj.select_set(True)
    bpy.ops.object.mode_set(mode=mode)


def edited(obj, change):
    in_mode(obj, "EDIT")
    change(obj.data.edit_bones)
    in_mode(obj, "OBJECT")


def ends(obj):
    """Where every bone begins and ends in the world, (2 N, 3)."""
    update(obj)
    posed = obj.evaluated_get(bpy.context.evaluated_depsgraph_get())
    points = [posed.matrix_world @ p for b in posed.pose.bones for p in (b.head, b.tail)]
    return np.array([tuple(point) for point in points])


def skin(obj):
    """What every bone does to a mesh: its matrix in the world over its rest matrix."""
    posed = obj.evaluated_get(bpy.context.evaluated_depsgraph_get())
    bones = posed.pose.bones
    return np.array([posed.matrix_world @ b.matrix @ b.bone.matrix_local.inverted() for b in bones])


def marked(obj):
    """Mark a random pose at a frame, then leave it; how it looked."""
    bpy.context.scene.frame_set(FRAME)
    pose_at_random(obj, describe(obj), 3)
    for bone in obj.pose.bones:
        bone.scale = (1.0, 1.0 + 0.05 * (bone.name == "head"), 1.0)
    update(obj)
    assert bpy.ops.motiongpt.add_pose(role="START") == {"FINISHED"}
    looks = ends(obj), skin(obj)
    for bone in obj.pose.bones:
        bone.matrix_basis = Matrix.Identity(4)
    update(obj)
    return looks


def rolled(obj):
    def roll(bones):
        for k, bone in enumerate(bones):
            bone.roll += 0.4 * (k % 4) - 0.6

    edited(obj, roll)


def applied(obj):
    in_mode(obj, "OBJECT")
    bpy.ops.object.transform_apply(location=True, rotation=True, scale=True)


def elbow_moved(obj):
    def move(bones):
        bones["l_elbow"].head.x += 0.05

    edited(obj, move)


def pose_as_rest(obj):
    in_mode(obj, "POSE")
    obj.pose.bones["l_shoulder"].rotation_mode = "XYZ"
    obj.pose.bones["l_shoulder"].rotation_euler = (0.4, 0.0, 0.3)
    update(obj)
    bpy.ops.pose.armature_apply(selected=False)
    in_mode(obj, "OBJECT")


def other_parent(obj):
    def move(bones):
        bones["head"].parent = bones["spine1"]

    edited(obj, move)


@pytest.mark.parametrize("local", [True, False])
def test_rolled_bones_move_the_skin_as_before(addon, smpl_rig, local):
    for bone in smpl_rig.data.bones:
        bone.use_local_location = local
    points, before = marked(smpl_rig)
    rolled(smpl_rig)
    generate(addon)
    bpy.context.scene.frame_set(FRAME)
    assert np.abs(ends(smpl_rig) - points).max() < 2e-5
    assert np.abs(skin(smpl_rig) - before).max() < 1e-4
    assert bpy.ops.motiongpt.show_pose() == {"FINISHED"}
    assert np.abs(ends(smpl_rig) - points).max() < 2e-5


def test_an_applied_transform_leaves_the_pose_where_it_stood(addon, smpl_rig):
    smpl_rig.location, smpl_rig.scale = (1.0, 2.0, 0.5), (2.5, 2.5, 2.5)
    smpl_rig.rotation_euler = (np.pi / 2, 0.0, 0.0)
    update(smpl_rig)
    points, _ = marked(smpl_rig)
    applied(smpl_rig)
    generate(addon)
    assert smpl_rig.matrix_world == Matrix.Identity(4)
    bpy.context.scene.frame_set(FRAME)
    assert np.abs(ends(smpl_rig) - points).max() < 2e-4
    stored = smpl_rig.motiongpt.poses[0].load()
    assert addon.report.keys[0].frame == FRAME
    assert np.linalg.norm(stored.joints[0]) > 0.5


@pytest.mark.parametrize(
    ("change", "bone"),
    [(elbow_moved, "l_elbow"), (pose_as_rest, "l_"), (other_parent, "head")],
)
def test_what_cannot_be_carried_over_is_refused(addon, smpl_rig, change, bone):
    marked(smpl_rig)
    change(smpl_rig)
    before = scene_of(smpl_rig)
    for ask in (bpy.ops.motiongpt.generate, bpy.ops.motiongpt.show_pose):
        with pytest.raises(RuntimeError, match=f"was changed .bone '{bone}.*at frame 5 was marked"):
            ask()
    assert scene_of(smpl_rig) == before


def test_a_change_while_the_model_works_is_refused(addon, smpl_rig):
    marked(smpl_rig)
    bpy.ops.motiongpt.generate()
    rolled(smpl_rig)
    addon.wait()
    assert addon.failed
    assert "rest pose of 'smpl' was changed while" in addon.message
    assert smpl_rig.animation_data is None

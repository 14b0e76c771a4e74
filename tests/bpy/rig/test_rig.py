"""Rigs described: families, axes, what carries what; and refusals in one sentence."""

import bpy
import numpy as np
import pytest
from mathutils import Matrix

from motiongpt_blender.core.body.rotations import rotate
from motiongpt_blender.core.body.skeleton import Joint
from motiongpt_blender.core.retargeting.solver import solve
from motiongpt_blender.core.rig.bone_maps import Part
from motiongpt_blender.scene.errors import RigError
from motiongpt_blender.scene.pose.capture import capture_joints
from motiongpt_blender.scene.rig.description import describe


def parents(rig):
    return {c.name: c.parent for c in rig.controls}


def test_a_rigify_rig_is_driven_by_its_fk_controls(rigify_rig):
    rig = describe(rigify_rig)
    assert rig.label == "Rigify rig"
    assert rig.root == "torso"
    carried = parents(rig)
    assert carried["thigh_fk.L"] == "torso"
    assert carried["upper_arm_fk.R"] == "shoulder.R"
    assert carried["neck"] == "chest"
    assert {s.prop for s in rig.switches} == {
        "IK_FK",
        "FK_limb_follow",
        "neck_follow",
        "head_follow",
    }


def test_a_metarig_is_driven_by_its_bones(metarig):
    rig = describe(metarig)
    assert rig.label == "Rigify metarig"
    assert rig.root == "spine"
    shares = [c.share for c in rig.controls if c.part is Part.SPINE]
    assert shares == pytest.approx([1 / 3, 2 / 3])
    assert parents(rig)["thigh.L"] == "spine"


def test_an_smpl_armature_is_known_with_a_namespace_too(empty_scene, make_smpl_rig):
    rig = describe(make_smpl_rig(prefix="body:"))
    assert rig.label == "SMPL armature"
    assert rig.root == "body:pelvis"


@pytest.mark.parametrize("which", ["rigify_rig", "metarig", "smpl_rig"])
def test_rest_is_rest(which, request):
    obj = request.getfixturevalue(which)
    rig = describe(obj)
    motion = solve(rig, capture_joints(obj, rig)[None])
    for name, q in motion.rotations.items():
        assert np.degrees(2 * np.linalg.norm(q[0, 1:])) < 0.1, name
    assert np.linalg.norm(motion.locations) < 0.005 * rig.leg


def test_an_armature_that_lies_in_its_own_space_is_stood_up(smpl_rig):
    upright = describe(smpl_rig)
    smpl_rig.data.transform(Matrix.Rotation(-np.pi / 2, 4, "X") @ Matrix.Scale(100, 4))
    lying = describe(smpl_rig)
    assert lying.scale == pytest.approx(100 * upright.scale, rel=1e-4)
    for joint in Joint:
        if joint in upright.points:
            assert np.allclose(lying.points[joint], 100 * upright.points[joint], atol=0.01)
    up = rotate(lying.axes, np.array([0.0, 1.0, 0.0]))
    assert np.allclose(np.abs(up), [0, 1, 0], atol=1e-6)


def test_no_armature_is_a_sentence(empty_scene):
    with pytest.raises(RigError, match="No armature is chosen"):
        describe(None)
    cube = bpy.data.objects.new("cube", bpy.data.meshes.new("cube"))
    with pytest.raises(RigError, match="No armature is chosen"):
        describe(cube)


def test_unknown_names_are_told_by_the_shape(smpl_rig):
    known = {c.part: c.name for c in describe(smpl_rig).controls}
    new = {bone.name: f"thing {number}" for number, bone in enumerate(smpl_rig.data.bones)}
    for old, name in new.items():
        smpl_rig.data.bones[old].name = name
    assert {c.part: c.name for c in describe(smpl_rig).controls} == {
        part: new[name] for part, name in known.items()
    }


def test_a_knee_of_another_name_is_told_by_the_shape(smpl_rig):
    smpl_rig.data.bones["l_knee"].name = "something"
    shin = next(c for c in describe(smpl_rig).controls if c.part is Part.SHIN_L)
    assert shin.name == "something"


def test_a_missing_knee_is_named(smpl_rig):
    bpy.ops.object.mode_set(mode="EDIT")
    bones = smpl_rig.data.edit_bones
    bones.remove(bones["l_knee"])
    bpy.ops.object.mode_set(mode="OBJECT")
    with pytest.raises(RigError, match="no bone was found for shin left"):
        describe(smpl_rig)


def test_edit_mode_is_a_sentence(smpl_rig):
    bpy.ops.object.mode_set(mode="EDIT")
    with pytest.raises(RigError, match="Edit Mode: press Tab"):
        describe(smpl_rig)


def test_rest_position_is_a_sentence(smpl_rig):
    smpl_rig.data.pose_position = "REST"
    with pytest.raises(RigError, match="rest position"):
        describe(smpl_rig)


def linked(rigify_file):
    with bpy.data.libraries.load(str(rigify_file), link=True) as (_, into):
        into.objects = ["metarig"]
    obj = bpy.data.objects["metarig"]
    bpy.context.scene.collection.objects.link(obj)
    return obj


def test_a_linked_armature_is_a_sentence(rigify_file, empty_scene):
    with pytest.raises(RigError, match="is linked from another file"):
        describe(linked(rigify_file))


def test_a_library_override_is_driven(rigify_file, empty_scene):
    mine = linked(rigify_file).override_create(remap_local_usages=True)
    assert describe(mine).label == "Rigify metarig"

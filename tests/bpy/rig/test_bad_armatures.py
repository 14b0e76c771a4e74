"""Armatures that cannot take a motion: one sentence each, and nothing in the scene changes."""

import bpy
import numpy as np
import pytest

from motiongpt_blender.core.body.motion import MotionClip
from motiongpt_blender.scene.errors import RigError
from motiongpt_blender.scene.take.apply import apply_clip
from motiongpt_blender.scene.take.remove_take import remove_take
from tests.support.rigs.builders import Bone, build, plan_from_names
from tests.support.rigs.linked import linked_file
from tests.support.rigs.motions import FPS, exercise
from tests.support.rigs.names import MIXAMO

pytestmark = pytest.mark.sweep


def put_on(obj):
    bpy.context.scene.render.fps = FPS
    return apply_clip(obj, MotionClip(exercise(), FPS), (), 1, "exercise")


def whole():
    obj = build(plan_from_names(MIXAMO))
    bpy.context.scene.motiongpt.armature = obj
    return obj


def mapped():
    obj = whole()
    bpy.ops.motiongpt.find_bones()
    return obj, {row.part: row for row in obj.motiongpt.bone_map.rows}


def in_edit_mode(_):
    obj = whole()
    bpy.ops.object.mode_set(mode="EDIT")
    return obj


def in_rest_position(_):
    obj = whole()
    obj.data.pose_position = "REST"
    return obj


def with_a_bone_gone(_):
    obj, _ = mapped()
    bpy.ops.object.mode_set(mode="EDIT")
    obj.data.edit_bones.remove(obj.data.edit_bones["mixamorig:LeftLeg"])
    bpy.ops.object.mode_set(mode="OBJECT")
    return obj


def with_one_bone_for_two_roles(_):
    obj, rows = mapped()
    rows["shin_l"].bone = "mixamorig:LeftUpLeg"
    return obj


def with_two_bones_for_one_role(_):
    obj, _ = mapped()
    row = obj.motiongpt.bone_map.rows.add()
    row.part, row.bone = "shin_l", "mixamorig:LeftToeBase"
    obj.motiongpt.bone_map.rows[
        [r.part for r in obj.motiongpt.bone_map.rows].index("toe_l")
    ].bone = ""
    return obj


def without_a_shins_length(_):
    plan = plan_from_names(MIXAMO)
    plan.bone("mixamorig:LeftFoot").head = plan.bone("mixamorig:LeftLeg").head
    return build(plan)


def of_two_bones(_):
    plan = plan_from_names(MIXAMO)
    plan.bones = [
        Bone("Bone", np.zeros(3), np.array([0, 0, 1.0])),
        Bone("Bone.001", np.array([0, 0, 1.0]), np.array([0, 0, 2.0]), "Bone"),
    ]
    return build(plan)


def linked(tmp_path):
    return linked_file(tmp_path)


def overridden_by_blender(tmp_path):
    obj = linked_file(tmp_path).override_create(remap_local_usages=True)
    obj.override_library.is_system_override = True
    return obj


BAD = {
    in_edit_mode: "is in Edit Mode: press Tab to leave it",
    in_rest_position: "is shown in its rest position: set Armature > Pose Position back",
    with_a_bone_gone: "'mixamorig:LeftLeg', chosen for shin left, is no longer there: choose",
    with_one_bone_for_two_roles: "'mixamorig:LeftUpLeg' is chosen twice, for thigh left",
    with_two_bones_for_one_role: "are both chosen for shin left: clear one of them",
    without_a_shins_length: "begin at the same point, so the shin has no length: move one of them",
    of_two_bones: "it has only 2 bones: choose an armature with arms and legs",
    linked: "is linked from another file and cannot be animated here: choose Object > Library",
    overridden_by_blender: "override that is not editable, so it cannot be animated: right-click",
}  # fmt: skip


def scene_of(obj):
    """What a take could have changed."""
    data = obj.animation_data
    return (
        [a.name for a in bpy.data.actions],
        data and [t.name for t in data.nla_tracks],
        obj.mode,
        sorted(set(obj.keys()) - {"motiongpt"}),  # Blender 4.2 lists it once it was read
        [(row.part, row.bone) for row in obj.motiongpt.bone_map.rows],
        [tuple(v for row in bone.matrix_basis for v in row) for bone in obj.pose.bones],
        tuple(v for row in obj.matrix_basis for v in row),
    )


@pytest.mark.parametrize("make", BAD, ids=lambda make: make.__name__)
def test_a_sentence_and_nothing_changes(registered, tmp_path, make):
    obj = make(tmp_path)
    before = scene_of(obj)
    with pytest.raises(RigError) as error:
        put_on(obj)
    message = str(error.value)
    assert BAD[make] in message
    assert message.endswith(".")
    assert message.count(". ") == 0
    assert scene_of(obj) == before


def test_an_editable_override_plays_a_take_and_gives_it_back(registered, tmp_path):
    obj = linked_file(tmp_path).override_create(remap_local_usages=True)
    obj.override_library.is_system_override = False
    bpy.context.scene.motiongpt.armature = obj
    before = scene_of(obj)[5:]
    report = put_on(obj)
    bpy.context.scene.frame_set(20)
    assert obj.pose.bones["mixamorig:LeftUpLeg"].matrix_basis.to_quaternion().angle > 0.05
    assert remove_take(report.action_name)
    assert np.allclose(np.array(scene_of(obj)[5]), np.array(before[0]), atol=1e-6)
    assert not bpy.data.actions


def test_hidden_bones_are_driven_and_told(registered):
    obj = whole()
    hidden = obj.data.collections.new("hidden")
    for bone in obj.data.bones:
        hidden.assign(bone)
    hidden.is_visible = False
    report = put_on(obj)
    assert any("hidden now: show the bone collection" in note for note in report.notes)
    bpy.context.scene.frame_set(20)
    assert obj.pose.bones["mixamorig:LeftUpLeg"].matrix_basis.to_quaternion().angle > 0.05

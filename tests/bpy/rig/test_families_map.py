"""The map of bones in the animator's hands: changed, mirrored, saved, loaded; bad input."""

import json

import bpy
import numpy as np
import pytest

from motiongpt_blender.core.rig.bone_maps import Part
from motiongpt_blender.properties.scene import target
from motiongpt_blender.scene.errors import RigError
from motiongpt_blender.scene.rig.description import describe
from tests.support.rigs.builders import Bone, build, nameless, plan_from_names
from tests.support.rigs.linked import linked_file
from tests.support.rigs.names import MIXAMO


@pytest.fixture
def rig(registered):
    """A Mixamo rig, chosen in the panel."""
    obj = build(plan_from_names(MIXAMO))
    bpy.context.scene.motiongpt.armature = obj
    return obj


def rows(obj):
    return {row.part: row for row in obj.motiongpt.bone_map.rows}


def activate(obj, part):
    kept = obj.motiongpt.bone_map
    kept.active = next(k for k, row in enumerate(kept.rows) if row.part == part)
    return kept.rows[kept.active]


def control(obj, part):
    return next(c.name for c in describe(obj).controls if c.part is part)


def test_what_an_importer_leaves_active_leads_to_its_armature(registered):
    obj, context = build(plan_from_names(MIXAMO)), bpy.context
    active = context.view_layer.objects
    for other in context.selected_objects:
        other.select_set(False)
    mesh = bpy.data.objects.new("body", bpy.data.meshes.new("body"))
    empty = bpy.data.objects.new("Z_UP", None)
    for new in (mesh, empty):
        context.collection.objects.link(new)
    active.active = mesh
    assert target(context) is None
    mesh.modifiers.new("Armature", "ARMATURE").object = obj
    assert target(context) == obj
    active.active = empty
    assert target(context) is None
    obj.select_set(True)
    assert target(context) == obj
    second = build(plan_from_names(MIXAMO), "second")
    second.select_set(True)
    active.active = empty
    assert target(context) is None  # which one is not said


@pytest.mark.sweep
def test_the_bones_are_listed_with_how_sure_they_are(rig):
    bpy.ops.motiongpt.find_bones()
    found = rows(rig)
    assert set(found) == {p.value for p in Part}
    assert found["shin_l"].bone == "mixamorig:LeftLeg"
    assert found["shin_l"].source == "name"
    assert found["shin_l"].confidence > 0.9
    assert rig.motiongpt.bone_map.family == "mixamo"


@pytest.mark.sweep
def test_a_bone_that_the_animator_chooses_counts(rig):
    bpy.ops.motiongpt.find_bones()
    rows(rig)["hand_l"].bone = ""
    assert "hand_l" not in {c.part for c in describe(rig).controls}
    assert rows(rig)["hand_l"].note == "You cleared it."
    rows(rig)["hand_l"].bone = "mixamorig:LeftHand"
    assert control(rig, Part.HAND_L) == "mixamorig:LeftHand"
    assert rows(rig)["hand_l"].source == "user"


def test_the_active_bone_of_the_view_is_taken(rig):
    bpy.ops.motiongpt.find_bones()
    activate(rig, "toe_r").bone = ""
    rig.data.bones.active = rig.data.bones["mixamorig:RightToeBase"]
    bpy.ops.motiongpt.bone_from_selected()
    assert control(rig, Part.TOE_R) == "mixamorig:RightToeBase"


def test_every_entry_can_be_cleared_set_from_the_selected_bone_and_changed(rig):
    bpy.ops.motiongpt.find_bones()
    kept = rig.motiongpt.bone_map
    found = [(row.part, row.bone) for row in kept.rows]
    for k, (part, bone) in enumerate(found):
        kept.active = k
        kept.rows[k].bone = ""  # as the field's own button does
        assert (kept.rows[k].source, kept.rows[k].note) == ("user", "You cleared it."), part
        rig.data.bones.active = rig.data.bones[bone]
        bpy.ops.motiongpt.bone_from_selected()
        assert (kept.rows[k].bone, kept.rows[k].source) == (bone, "user"), part
        if sum(p == part for p, _ in found) == 1:
            bpy.ops.motiongpt.clear_bone()
            assert not kept.rows[k].bone
        kept.rows[k].bone = bone  # as the search field does
    assert [(row.part, row.bone) for row in kept.rows] == found
    assert {c.part for c in describe(rig).controls} == set(Part)


@pytest.mark.parametrize(("what", "side"), [("ACTIVE", "l"), ("LEFT", "l"), ("RIGHT", "r")])
def test_every_entry_of_a_side_can_be_mirrored(rig, what, side):
    bpy.ops.motiongpt.find_bones()
    limbs = [p for p in Part if p.side == side]
    wanted = {p.mirrored.value: rows(rig)[p.mirrored.value].bone for p in limbs}
    for part in limbs:
        rows(rig)[part.mirrored.value].bone = ""
    for part in limbs if what == "ACTIVE" else limbs[:1]:
        activate(rig, part.value)
        bpy.ops.motiongpt.mirror_bones(what=what)
    assert {part: rows(rig)[part].bone for part in wanted} == wanted


def test_a_mirrored_control_is_read_from_the_mirrored_body(registered, rigify_rig):
    bpy.context.scene.motiongpt.armature = rigify_rig
    bpy.ops.motiongpt.find_bones()
    row = rows(rigify_rig)["thigh_r"]
    before = (row.bone, row.body, row.raw)
    assert before[0] != before[1]
    row.bone = ""
    activate(rigify_rig, "thigh_l")
    bpy.ops.motiongpt.mirror_bones()
    row = rows(rigify_rig)["thigh_r"]
    assert (row.bone, row.body, row.raw) == before


@pytest.mark.sweep
def test_each_armature_has_a_map_of_its_own(rig):
    other = build(plan_from_names(MIXAMO), "other")
    bpy.ops.motiongpt.find_bones()
    rows(rig)["hand_l"].bone = ""
    bpy.context.scene.motiongpt.armature = other
    assert not len(other.motiongpt.bone_map.rows)
    assert Part.HAND_L in {c.part for c in describe(other).controls}
    bpy.ops.motiongpt.find_bones()
    assert rows(other)["hand_l"].bone == "mixamorig:LeftHand"
    assert not rows(rig)["hand_l"].bone


def test_without_an_active_bone_it_is_a_sentence(rig):
    bpy.ops.motiongpt.find_bones()
    rig.data.bones.active = None
    with pytest.raises(RuntimeError, match=r"No bone of 'rig' is active: click one in Pose Mode"):
        bpy.ops.motiongpt.bone_from_selected()


@pytest.mark.sweep
def test_clearing_takes_the_bone_or_the_row_of_a_chain(rig):
    bpy.ops.motiongpt.find_bones()
    kept = rig.motiongpt.bone_map
    activate(rig, "spine")
    bpy.ops.motiongpt.clear_bone()
    assert [r.bone for r in kept.rows if r.part == "spine"] == ["mixamorig:Spine1"]
    activate(rig, "neck")
    bpy.ops.motiongpt.clear_bone()
    assert [r.bone for r in kept.rows if r.part == "neck"] == [""]
    assert {c.part for c in describe(rig).controls} == set(Part) - {Part.NECK}


@pytest.mark.sweep
def test_a_chain_may_grow_and_a_limb_may_not(rig):
    bpy.ops.motiongpt.find_bones()
    kept = rig.motiongpt.bone_map
    activate(rig, "neck")
    bpy.ops.motiongpt.add_bone()
    assert [r.part for r in kept.rows].count("neck") == 2
    assert kept.rows[kept.active].part == "neck"
    activate(rig, "shin_l")
    with pytest.raises(RuntimeError, match="The shin left is one bone"):
        bpy.ops.motiongpt.add_bone()


@pytest.mark.sweep
@pytest.mark.parametrize("what", ["ACTIVE", "LEFT"])
def test_the_other_side_is_mirrored(rig, what):
    bpy.ops.motiongpt.find_bones()
    rows(rig)["thigh_r"].bone = ""
    activate(rig, "thigh_l")
    bpy.ops.motiongpt.mirror_bones(what=what)
    assert control(rig, Part.THIGH_R) == "mixamorig:RightUpLeg"


def move_away(obj, bone, name):
    """Give a bone another name, and a place that is no other's mirror image."""
    bpy.ops.object.mode_set(mode="EDIT")
    found = obj.data.edit_bones[bone]
    found.name = name
    found.head.y += 0.4
    bpy.ops.object.mode_set(mode="OBJECT")


@pytest.mark.sweep
@pytest.mark.parametrize("kind", ["nameless", "counted otherwise"])
def test_bones_whose_names_do_not_mirror_are_told_by_where_they_lie(registered, kind):
    plan = plan_from_names(MIXAMO)
    if kind == "nameless":
        plan = nameless(plan)
        obj = build(plan)
    else:  # as in CesiumMan, whose left arm counts from 2 and whose right arm from 1
        obj = build(plan)
        for k, part in enumerate(("upper_arm", "forearm", "hand")):
            obj.data.bones[plan.parts[f"{part}_l"][0]].name = f"arm_joint_L__{k + 2}_"
            obj.data.bones[plan.parts[f"{part}_r"][0]].name = f"arm_joint_R__{k + 1}_"
    bpy.context.scene.motiongpt.armature = obj
    bpy.ops.motiongpt.find_bones()
    before = {part: row.bone for part, row in rows(obj).items()}
    for part in [p for p in Part if p.side == "l"]:
        rows(obj)[part.value].bone = ""
    bpy.ops.motiongpt.mirror_bones(what="RIGHT")
    assert {part: row.bone for part, row in rows(obj).items()} == before


@pytest.mark.sweep
def test_what_cannot_be_mirrored_is_a_sentence(rig):
    bpy.ops.motiongpt.find_bones()
    activate(rig, "chest")
    with pytest.raises(RuntimeError, match="The chest has no other side"):
        bpy.ops.motiongpt.mirror_bones()
    move_away(rig, "mixamorig:RightLeg", "peg")
    activate(rig, "shin_l")
    with pytest.raises(RuntimeError, match="No bone is named as, or lies, opposite to"):
        bpy.ops.motiongpt.mirror_bones()


def test_the_map_survives_saving_the_file(rig, tmp_path):
    bpy.ops.motiongpt.find_bones()
    rows(rig)["hand_l"].bone = ""
    path = tmp_path / "rig.blend"
    bpy.ops.wm.save_as_mainfile(filepath=str(path))
    bpy.ops.wm.open_mainfile(filepath=str(path))
    again = bpy.data.objects["rig"]
    assert not rows(again)["hand_l"].bone
    assert "hand_l" not in {c.part for c in describe(again).controls}


def test_a_preset_is_saved_and_fits_another_namespace(rig, tmp_path):
    bpy.ops.motiongpt.find_bones()
    rows(rig)["toe_l"].bone = ""
    path = tmp_path / "mine"
    bpy.ops.motiongpt.save_bones(filepath=str(path))
    assert json.loads((tmp_path / "mine.json").read_text("utf-8"))["family"] == "mixamo"
    bpy.ops.motiongpt.forget_bones()
    assert not len(rig.motiongpt.bone_map.rows)
    for bone in rig.data.bones:
        bone.name = bone.name.replace("mixamorig:", "hero:")
    bpy.ops.motiongpt.load_bones(filepath=str(tmp_path / "mine.json"))
    assert control(rig, Part.SHIN_L) == "hero:LeftLeg"
    assert not rows(rig)["toe_l"].bone


@pytest.mark.sweep
@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("not json", "it is not a bone map"),
        ("{}", "it is not a bone map"),
        ('{"format": "motiongpt-bone-map", "version": 9, "bones": []}', "a version that is not"),
        ('{"format": "motiongpt-bone-map", "version": 1, "bones": [3]}', "a row of it cannot"),
        ('{"format": "motiongpt-bone-map", "version": 1, "bones": []}', "none of its bones"),
    ],
)
def test_a_broken_preset_is_a_sentence_and_nothing_changes(rig, tmp_path, text, sentence):
    bpy.ops.motiongpt.find_bones()
    path = tmp_path / "broken.json"
    path.write_text(text, "utf-8")
    with pytest.raises(RuntimeError, match=f"'broken.json' is not loaded: .*{sentence}"):
        bpy.ops.motiongpt.load_bones(filepath=str(path))
    assert rows(rig)["shin_l"].bone == "mixamorig:LeftLeg"


@pytest.mark.sweep
def test_a_missing_preset_is_a_sentence(rig, tmp_path):
    with pytest.raises(RuntimeError, match="cannot be read"):
        bpy.ops.motiongpt.load_bones(filepath=str(tmp_path / "no.json"))


def test_a_bone_deleted_after_mapping_is_a_sentence(rig):
    bpy.ops.motiongpt.find_bones()
    rig.data.bones["mixamorig:LeftLeg"].name = "renamed"
    with pytest.raises(RigError, match="'mixamorig:LeftLeg', chosen for shin left, is no longer"):
        describe(rig)


@pytest.mark.sweep
def test_two_roles_for_one_bone_are_a_sentence(rig):
    bpy.ops.motiongpt.find_bones()
    rows(rig)["shin_l"].bone = "mixamorig:LeftUpLeg"
    with pytest.raises(RigError, match="'mixamorig:LeftUpLeg' is chosen twice, for thigh left"):
        describe(rig)


@pytest.mark.sweep
def test_a_cleared_part_that_is_needed_is_a_sentence(rig):
    bpy.ops.motiongpt.find_bones()
    rows(rig)["shin_l"].bone = ""
    with pytest.raises(RigError, match="no bone was found for shin left: choose them in the panel"):
        describe(rig)


@pytest.mark.sweep
def test_a_limb_without_length_is_a_sentence(registered):
    plan = plan_from_names(MIXAMO)
    shin, foot = plan.bone("mixamorig:LeftLeg"), plan.bone("mixamorig:LeftFoot")
    foot.head = shin.head
    obj = build(plan)
    with pytest.raises(RigError, match="begin at the same point, so the shin has no length"):
        describe(obj)


@pytest.mark.sweep
def test_two_bones_are_not_a_body(registered):
    plan = plan_from_names(MIXAMO)
    plan.bones = [
        Bone("Bone", np.zeros(3), np.array([0, 0, 1.0])),
        Bone("Bone.001", np.array([0, 0, 1.0]), np.array([0, 0, 2.0]), "Bone"),
    ]
    obj = build(plan)
    with pytest.raises(RigError, match="'rig' cannot be driven: it has only 2 bones: choose an"):
        describe(obj)


@pytest.mark.sweep
def test_an_armature_without_bones_is_a_sentence(registered):
    obj = bpy.data.objects.new("empty", bpy.data.armatures.new("empty"))
    bpy.context.collection.objects.link(obj)
    with pytest.raises(RigError, match="it has no bones"):
        describe(obj)


def test_edit_mode_keeps_the_map_as_it_is(rig):
    bpy.ops.motiongpt.find_bones()
    bpy.ops.object.mode_set(mode="EDIT")
    with pytest.raises(RuntimeError, match="Edit Mode: press Tab"):
        bpy.ops.motiongpt.find_bones()


def test_a_linked_armature_says_how_to_make_it_local(registered, tmp_path):
    obj = linked_file(tmp_path)
    with pytest.raises(RuntimeError, match=r"Library Override > Make.*Make Local"):
        bpy.ops.motiongpt.find_bones()
    assert not len(obj.motiongpt.bone_map.rows)


def test_hidden_bones_are_found_and_described_all_the_same(rig):
    before = [(c.part, c.name) for c in describe(rig).controls]
    hidden = rig.data.collections.new("hidden")
    for bone in rig.data.bones:
        hidden.assign(bone)
        bone.hide = True
    hidden.is_visible = False
    assert [(c.part, c.name) for c in describe(rig).controls] == before
    bpy.ops.motiongpt.find_bones()
    assert all(row.bone for row in rig.motiongpt.bone_map.rows)

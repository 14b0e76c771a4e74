"""IK controls of Auto-Rig Pro and CloudRig on request, on rigs built with their published names."""

import math

import bpy
import pytest
from mathutils import Vector

from motiongpt_blender.core.rig.bone_maps import Part
from motiongpt_blender.core.rig.rig_options import RigOptions
from motiongpt_blender.scene.errors import RigError
from motiongpt_blender.scene.rig.description import describe
from motiongpt_blender.scene.take.remove_take import remove_take
from tests.support.rigs.driving import held_switches, put_on
from tests.support.rigs.families import Build, Stance, build_family

pytestmark = pytest.mark.sweep

#: Limb: its parts, then by family goal, pole, and (bone, property) of the switch.
LIMBS = {"leg": ("thigh", "shin", "foot"), "arm": ("upper_arm", "forearm", "hand")}
NAMES = {
    "auto_rig_pro": {
        "leg": ("c_foot_ik.{s}", "c_leg_pole.{s}", "c_foot_ik.{s}", "ik_fk_switch"),
        "arm": ("c_hand_ik.{s}", "c_arms_pole.{s}", "c_hand_ik.{s}", "ik_fk_switch"),
    },
    "cloudrig": {
        "leg": ("IK-MSTR-Foot.{s}", "IK-POLE-Thigh.{s}", "Properties_IKFK", "ik_leg_{word}"),
        "arm": ("IK-MSTR-Wrist.{s}", "IK-POLE-UpperArm.{s}", "Properties_IKFK", "ik_arm_{word}"),
    },
}  # fmt: skip
#: The switch's value for IK.
ON_IK = {"auto_rig_pro": 0.0, "cloudrig": 1.0}
SIDES = {"l": "left", "r": "right"}


def spelled(family, limb, side):
    letter = side if family == "auto_rig_pro" else side.upper()
    return [n.format(s=letter, word=SIDES[side]) for n in NAMES[family][limb]]


def limbs():
    return [(limb, side) for limb in LIMBS for side in SIDES]


@pytest.fixture(params=NAMES)
def rig(request, empty_scene):
    """A rig of FK controls with goals, poles, and bones that IK moves: ("leg l upper", ...)."""
    family = request.param
    obj = build_family(Build(family, Stance.A))
    names = {c.part: c.name for c in describe(obj).controls}
    bpy.ops.object.mode_set(mode="EDIT")
    edit = obj.data.edit_bones
    for limb, side in limbs():
        upper, lower, end = (edit[names[Part(f"{p}_{side}")]] for p in LIMBS[limb])
        goal, pole, holder, _ = spelled(family, limb, side)
        ahead = Vector((0, -0.5 if limb == "leg" else 0.5, 0))
        for name, head in ((goal, end.head), (pole, lower.head + ahead), (holder, end.head)):
            bone = edit.get(name) or edit.new(name)
            bone.head, bone.tail = head, head + Vector((0, -0.1, 0.02))
        knee = lower.head + 0.01 * ahead  # IK wants to be told where to bend
        for role, head, tail in (("upper", upper.head, knee), ("lower", knee, end.head)):
            bone = edit.new(f"{limb} {side} {role}")
            bone.head, bone.tail = head, tail
        edit[f"{limb} {side} upper"].parent = upper.parent
        edit[f"{limb} {side} lower"].parent = edit[f"{limb} {side} upper"]
    bpy.ops.object.mode_set(mode="OBJECT")
    for limb, side in limbs():
        goal, pole, holder, prop = spelled(family, limb, side)
        first, second = (obj.pose.bones[f"{limb} {side} {r}"] for r in ("upper", "lower"))
        ik = second.constraints.new("IK")
        ik.target = ik.pole_target = obj
        ik.subtarget, ik.pole_subtarget, ik.chain_count = goal, pole, 2
        ik.pole_angle = pole_angle(first.bone, second.bone, obj.data.bones[pole].head_local)
        obj.pose.bones[holder][prop] = 1.0 - ON_IK[family]
        if family == "auto_rig_pro":
            obj.pose.bones[pole]["pole_parent"] = 1
    bpy.context.view_layer.update()
    return family, obj


def pole_angle(first, second, pole):
    """The angle of an IK constraint that bends the limb to the pole as it rests."""
    away = (second.tail_local - first.head_local).cross(pole - first.head_local)
    along = first.tail_local - first.head_local
    wanted, axis = away.cross(along), first.matrix_local.to_3x3().col[0]
    angle = axis.angle(wanted)
    return -angle if axis.cross(wanted).angle(along) < 1 else angle


def test_goals_and_poles_show_what_fk_shows(rig):
    family, obj = rig
    report, _, errors = put_on(obj, RigOptions(ik_controls=True))
    assert errors.limbs.max() < 2
    controls = {c.part: c.name for c in describe(obj).controls}
    for frame in (1, 8, 15, 22, 29, 36):
        bpy.context.scene.frame_set(frame)
        bones = obj.evaluated_get(bpy.context.evaluated_depsgraph_get()).pose.bones
        for limb, side in limbs():
            upper, lower, end = (bones[controls[Part(f"{p}_{side}")]] for p in LIMBS[limb])
            shown = bones[f"{limb} {side} lower"]
            far = (shown.tail - end.head).length
            assert far < 0.005, (limb, side, frame, far)
            bent = math.degrees((shown.head - upper.head).angle(lower.head - upper.head))
            assert bent < 8, (limb, side, frame, bent)
    action = obj.animation_data.nla_tracks[0].strips[0].action
    values = held_switches(obj, action)
    for limb, side in limbs():
        _, pole, holder, prop = spelled(family, limb, side)
        assert values[holder, prop] == ON_IK[family]
        if family == "auto_rig_pro":
            assert values[pole, "pole_parent"] == 0
    remove_take(report.action_name, report.ids)
    bpy.context.scene.frame_set(2)
    for limb, side in limbs():
        _, pole, holder, prop = spelled(family, limb, side)
        assert obj.pose.bones[holder][prop] == 1.0 - ON_IK[family]
        if family == "auto_rig_pro":
            assert obj.pose.bones[pole]["pole_parent"] == 1


def test_a_missing_pole_is_a_sentence_and_nothing_changes(rig):
    family, obj = rig
    pole = spelled(family, "leg", "l")[1]
    obj.data.bones[pole].name = "elsewhere"
    with pytest.raises(RigError, match=f"has no bone '{pole}': IK controls are keyed"):
        put_on(obj, RigOptions(ik_controls=True))
    assert not bpy.data.actions
    assert not obj.animation_data or not obj.animation_data.nla_tracks

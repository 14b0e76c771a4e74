"""Rigs of controls, with their switches, and rigs that only their shape explains."""

import numpy as np
import pytest

from motiongpt_blender.core.rig.bone_maps import Part
from motiongpt_blender.core.rig.bone_maps.structure import by_structure
from motiongpt_blender.scene.rig.bones import bone_map_of, bones_of
from motiongpt_blender.scene.take.record import TakeRecord
from motiongpt_blender.scene.take.remove_take import remove_take
from tests.support.matrix import sweep
from tests.support.rigs.builders import Bone, build, nameless, names_of_table, plan_from_names
from tests.support.rigs.driving import drive, held_switches
from tests.support.rigs.names import SMPL, tables


def built(shared, table, holders, **names):
    """A rig with a table's controls; ``holders``: bone -> its switches as an animator left them."""
    plan = plan_from_names(names_of_table(tables(shared)[table]) | names)
    for k, holder in enumerate(holders):
        plan.bones.append(Bone(holder, np.array([0.5, 0.1 * k, 0]), np.array([0.5, 0.1 * k, 0.1])))
    obj = build(plan)
    for holder, props in holders.items():
        for prop, value in props.items():
            obj.pose.bones[holder][prop] = value
    return obj


CONTROLS = {
    "auto_rig_pro_control": (
        "Auto-Rig Pro",
        {f"c_{end}_ik.{s}": {"ik_fk_switch": 0.0} for end in ("hand", "foot") for s in "lr"},
        1.0,
    ),
    "cloudrig_fk": (
        "CloudRig",
        {"Properties_IKFK": {f"ik_{limb}_{s}": 1.0 for limb in ("arm", "leg")
                             for s in ("left", "right")}},
        0.0,
    ),
}  # fmt: skip


@pytest.mark.parametrize("table", CONTROLS)
def test_controls_are_driven_and_their_switches_set_to_fk(empty_scene, shared, table):
    label, holders, fk = CONTROLS[table]
    obj = built(shared, table, holders)
    assert bone_map_of(obj).label == label
    _, worst = drive(obj)
    assert worst < 6.0
    action = obj.animation_data.nla_tracks[0].strips[0].action
    wanted = {(bone, prop): fk for bone, props in holders.items() for prop in props}
    assert held_switches(obj, action) == wanted
    before = {(bone, prop): value for bone, prop, value in TakeRecord.load(action).switches}
    assert before == {(b, p): v for b, props in holders.items() for p, v in props.items()}
    assert all(obj.pose.bones[b][p] == fk for b, p in before)
    assert remove_take(action.name)
    assert {(b, p): obj.pose.bones[b][p] for b, p in before} == before


@pytest.mark.parametrize("which", ["rigify_rig", "metarig"])
def test_rigify_walks(which, request):
    obj = request.getfixturevalue(which)
    _, worst = drive(obj)
    assert worst < 6.0


def reduced(kind):
    """Names of a body and the parts that must be found, for a kind of poor skeleton."""
    names = {k: list(v) for k, v in SMPL.items()}
    gone = {
        "two spines": [], "one spine": [], "no neck": ["neck"], "no toes": ["toe_l", "toe_r"],
        "no hands": ["hand_l", "hand_r"], "no collars": ["collar_l", "collar_r"],
    }.get(kind, [])  # fmt: skip
    for part in gone:
        names[part] = []
    if kind == "two spines":
        names["spine"] = ["spine1", "spine2"]
    if kind == "one spine":
        names["spine"] = ["spine1"]
    return names


def split(plan, name, count):
    """A bone cut into ``count``: twist bones in the chain."""
    bone = plan.bone(name)
    cuts = [bone.head + (bone.tail - bone.head) * k / count for k in range(count + 1)]
    bone.tail = cuts[1]
    before = name
    for k in range(1, count):
        plan.bones.append(Bone(f"{name} twist {k}", cuts[k], cuts[k + 1], before))
        before = f"{name} twist {k}"
    for other in plan.bones:
        if other.parent == name and not other.name.startswith(f"{name} twist"):
            other.parent = before


def add_extras(kind, plan):
    """What some skeletons have beside a body's bones."""
    if kind == "twist bones":
        for side in "lr":
            for part in ("upper_arm", "forearm", "thigh", "shin"):
                split(plan, f"{part}.{side}", 2)
    if kind == "leaf bones":
        for bone in list(plan.bones):
            if not any(b.parent == bone.name for b in plan.bones):
                away = bone.tail + 0.2 * (bone.tail - bone.head)
                plan.bones.append(Bone(f"{bone.name}_end", bone.tail, away, bone.name))
    if kind == "hip bones":
        for side in "lr":
            thigh, pelvis = plan.bone(f"thigh.{side}"), plan.bone("pelvis")
            plan.bones.append(Bone(f"hip.{side}", pelvis.head, thigh.head, "pelvis"))
            thigh.parent = f"hip.{side}"
    if kind == "feet on the root":
        plan.bones.append(Bone("root", np.zeros(3), np.array([0, 0.3, 0])))
        plan.bone("pelvis").parent = "root"
        for side in "lr":
            plan.bone(f"foot.{side}").parent = "root"
    if kind == "fingers":
        for side, sign in (("l", 1), ("r", -1)):
            hand = plan.bone(f"hand.{side}")
            for k in range(5):
                start = hand.tail + [0, 0.02 * (k - 2), 0]
                for joint in range(3):
                    name, end = f"finger {k} {joint}.{side}", start + [0.03 * sign, 0, 0]
                    parent = f"finger {k} {joint - 1}.{side}" if joint else hand.name
                    plan.bones.append(Bone(name, start, end, parent))
                    start = end
    if kind == "one hand raised":
        turn = np.array([[0, 0, -1.0], [0, 1, 0], [1, 0, 0]])
        pivot = plan.bone("upper_arm.l").head.copy()
        for part in ("upper_arm", "forearm", "hand"):
            bone = plan.bone(f"{part}.l")
            bone.head, bone.tail = (pivot + turn @ (p - pivot) for p in (bone.head, bone.tail))


KINDS = (
    "whole", "two spines", "one spine", "no neck", "no toes", "no hands", "no collars",
    "twist bones", "leaf bones", "hip bones", "feet on the root", "fingers", "one hand raised",
)  # fmt: skip


@pytest.mark.parametrize("kind", sweep(KINDS))
def test_nameless_skeletons_are_told_by_their_shape_and_walk(empty_scene, kind):
    plan = plan_from_names(reduced(kind))
    add_extras(kind, plan)
    plan = nameless(plan)
    wanted = {part: names for part, names in plan.parts.items() if part not in ("neck", "spine")}
    obj = build(plan)
    found = bone_map_of(obj)
    assert found.family == "structure"
    seen = {}
    for bone in found.bones:
        seen.setdefault(bone.part.value, []).append(bone.control)
    if kind in ("leaf bones", "hip bones", "no toes"):  # a marker of an end is as good as a toe
        wanted = {p: n for p, n in wanted.items() if p[:4] not in ("toe_", "head", "coll")}
    assert {p: seen.get(p) for p in wanted} == wanted
    assert all(0.2 < b.confidence < 0.8 for b in found.bones)
    if kind == "feet on the root":
        assert all(b.detached and b.note for p in "lr" for b in found.of(Part(f"foot_{p}")))
    _, worst = drive(obj)
    assert worst < 2.0 or kind == "twist bones"


def test_a_shape_that_is_no_body_is_refused(empty_scene):
    plan = plan_from_names(SMPL)
    plan.bones = [b for b in plan.bones if "_l" not in b.name and ".l" not in b.name]
    found = by_structure(bones_of(build(nameless(plan)).data))
    assert not found.bones
    assert {f.part for f in found.failures} == set(Part)

"""Rigs for tests: made from a family's bone names, or stripped of names."""

from dataclasses import dataclass, field

import bpy
import numpy as np

from motiongpt_blender.core.body.motion import to_blender
from motiongpt_blender.core.body.neutral_pose import NEUTRAL
from motiongpt_blender.core.body.skeleton import Joint

#: Where in a body a part's bone begins and ends: joints, or (joint, other, share of the way).
SPANS = {
    "pelvis": ("PELVIS", "SPINE1"),
    "chest": ("SPINE3", "NECK"),
    "neck": ("NECK", "HEAD"),
    "head": ("HEAD", None),
    "collar": ("{}_COLLAR", "{}_SHOULDER"),
    "upper_arm": ("{}_SHOULDER", "{}_ELBOW"),
    "forearm": ("{}_ELBOW", "{}_WRIST"),
    "hand": ("{}_WRIST", None),
    "thigh": ("{}_HIP", "{}_KNEE"),
    "shin": ("{}_KNEE", "{}_ANKLE"),
    "foot": ("{}_ANKLE", "{}_FOOT"),
    "toe": ("{}_FOOT", None),
}
CARRIER = {
    "upper_arm": "collar", "forearm": "upper_arm", "hand": "forearm",
    "shin": "thigh", "foot": "shin", "toe": "foot",
}  # fmt: skip
ENDS = {"head": (0, 0, 0.18), "hand": None, "toe": (0, -0.07, 0)}


@dataclass
class Bone:
    """One bone to build: where it begins and ends, what it hangs on."""

    name: str
    head: np.ndarray
    tail: np.ndarray
    parent: str | None = None
    roll: float = 0.0


@dataclass
class Plan:
    """Bones to build, in the order of making, and what each is."""

    bones: list[Bone] = field(default_factory=list)
    parts: dict[str, list[str]] = field(default_factory=dict)

    def add(self, part, bone):
        self.bones.append(bone)
        self.parts.setdefault(part, []).append(bone.name)

    def bone(self, name):
        return next(b for b in self.bones if b.name == name)


def body_points(scale=1.0):
    """Joint name -> (3,) in Blender's axes, feet on the floor."""
    points = to_blender(NEUTRAL.astype(float))
    points = (points - [0, 0, points[:, 2].min()]) * scale
    return {j.name: points[j] for j in Joint}


def plan_from_names(names, scale=1.0):
    """A plan from ``{"pelvis": [...], "spine": [...], "thigh_l": [...], ...}``.

    Chains (spine, neck) may have any number of bones; the last of the spine is the chest.
    """
    points = body_points(scale)
    plan = Plan()
    pelvis = names["pelvis"][0]
    trunk = [pelvis, *names["spine"]]
    row = _between(points["PELVIS"], points["NECK"], len(trunk))
    for k, name in enumerate(trunk):
        part = "pelvis" if k == 0 else "chest" if k == len(trunk) - 1 else "spine"
        plan.add(part, Bone(name, row[k], row[k + 1], trunk[k - 1] if k else None, 0.2 * k))
    _add_neck(plan, names, points, trunk[-1])
    for side in "LR":
        for base, ends in SPANS.items():
            part = f"{base}_{side.lower()}"
            if names.get(part):
                _add_limb(plan, names, points, (base, side, ends), (pelvis, trunk[-1]))
    return plan


def _between(start, end, count):
    return [start + (end - start) * k / count for k in range(count + 1)]


def _add_neck(plan, names, points, chest):
    carrier = chest
    necks = names.get("neck", [])
    row = _between(points["NECK"], points["HEAD"], max(len(necks), 1))
    for k, name in enumerate(necks):
        plan.add("neck", Bone(name, row[k], row[k + 1], carrier))
        carrier = name
    for name in names.get("head", [])[:1]:
        plan.add("head", Bone(name, points["HEAD"], points["HEAD"] + ENDS["head"], carrier))


def _add_limb(plan, names, points, what, trunk):
    base, side, (start, end) = what
    name = names[f"{base}_{side.lower()}"][0]
    head = points[start.format(side)]
    if end is not None:
        tail = points[end.format(side)]
    elif base == "toe":
        tail = head + ENDS["toe"]
    else:
        tail = head + 0.3 * (head - points[f"{side}_ELBOW"])
    carrier = CARRIER.get(base)
    parent = trunk[0] if base == "thigh" else trunk[1]
    while carrier is not None:
        found = plan.parts.get(f"{carrier}_{side.lower()}")
        if found:
            parent = found[-1]
            break
        carrier = CARRIER.get(carrier)
    plan.add(f"{base}_{side.lower()}", Bone(name, head, tail, parent, 0.3 * len(plan.bones)))


def build(plan, name="rig"):
    """An armature object in the scene, made as planned; object mode."""
    armature = bpy.data.armatures.new(name)
    obj = bpy.data.objects.new(name, armature)
    bpy.context.collection.objects.link(obj)
    bpy.context.view_layer.objects.active = obj
    bpy.ops.object.mode_set(mode="EDIT")
    for bone in plan.bones:
        made = armature.edit_bones.new(bone.name)
        made.head, made.tail, made.roll = bone.head, bone.tail, bone.roll
    for bone in plan.bones:
        if bone.parent is not None:
            armature.edit_bones[bone.name].parent = armature.edit_bones[bone.parent]
    bpy.ops.object.mode_set(mode="OBJECT")
    return obj


def nameless(plan):
    """The same bones called joint_0, joint_1, ... in an order that says nothing."""
    order = np.random.default_rng(1).permutation(len(plan.bones))
    new = {b.name: f"joint_{k}" for b, k in zip(plan.bones, order, strict=True)}
    return Plan(
        [Bone(new[b.name], b.head, b.tail, new.get(b.parent), b.roll) for b in plan.bones],
        {part: [new[n] for n in bones if n in new] for part, bones in plan.parts.items()},
    )


def names_of_table(table):
    """A table {SMPL joint: [names]} as ``plan_from_names`` takes it; alternatives by the first."""
    limbs = {
        "hip": "thigh", "knee": "shin", "ankle": "foot", "foot": "toe",
        "collar": "collar", "shoulder": "upper_arm", "elbow": "forearm", "wrist": "hand",
    }  # fmt: skip
    names = {
        f"{part}_{side[0]}": table[f"{side}_{joint}"][:1]
        for joint, part in limbs.items()
        for side in ("left", "right")
    }
    spine = [table[f"spine{k}"][:1] for k in (1, 2, 3)]
    names["spine"] = [n for found in spine for n in found]
    return names | {"pelvis": table["pelvis"][:1], "neck": table["neck"][:1], "head": table["head"]}

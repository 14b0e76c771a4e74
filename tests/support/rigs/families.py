"""An armature of each family of rigs, built from the family's own bone names.

Rest pose, rolls, local axes, unit and proportions differ from one family to the next, as
they do among real rigs. Needs an open Blender file; adds one armature object to it.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from enum import Enum
from typing import Any, Final

import bpy
import numpy as np

from motiongpt_blender.core.body.motion import to_blender
from motiongpt_blender.core.body.neutral_pose import BONE_LENGTHS, DIRECTIONS
from motiongpt_blender.core.body.rotations import Array, from_log, rotate
from motiongpt_blender.core.body.skeleton import JOINT_COUNT, PARENTS, Joint
from motiongpt_blender.core.rig.bone_maps import families, mirrored_name


class Stance(Enum):
    """How the arms are at rest: degrees below level, left and right."""

    T = (0.0, 0.0)
    A = (45.0, 45.0)
    DOWN = (82.0, 82.0)
    ONE_RAISED = (-80.0, 82.0)


class Axes(Enum):
    """Where the bones point and how they are rolled."""

    ALONG = "along the limbs"
    ROLLED = "along the limbs, each with a roll of its own"
    FOREIGN = "all upwards, as importers leave them"


@dataclass(frozen=True)
class Build:
    """One armature to build.

    Attributes:
        family: name of the family's data file.
        stance: its arms at rest.
        axes: its bones' own axes.
        size: armature units a model metre.
        scale: scale of the object.
        thigh: length of the thigh over the model's, the shin makes up for it.
        arm: length of the arms over the model's.
        leg: length of the legs over the model's; a child's are about half as long.
        rename: a bone's name from the family's name without side, and the side.
    """

    family: str
    stance: Stance = Stance.T
    axes: Axes = Axes.ROLLED
    size: float = 1.05
    scale: float = 1.0
    thigh: float = 1.0
    arm: float = 1.0
    leg: float = 1.0
    rename: Callable[[str, str], str] = field(default=lambda n, s: f"{n}_{s}" if s else n)


def _camel(prefix: str) -> Callable[[str, str], str]:
    words = {"L": "Left", "R": "Right", "": ""}
    return lambda name, side: f"{prefix}{words[side]}{name}"


#: Families that are built otherwise than by default, as their rigs usually come.
USUAL: Final[dict[str, Build]] = {
    b.family: b
    for b in (
        Build("mixamo", Stance.T, Axes.FOREIGN, 100.0, 0.01, rename=_camel("mixamorig:")),
        Build("humanik", Stance.T, Axes.ROLLED, rename=_camel("")),
        Build("unreal4", Stance.A, Axes.FOREIGN, 103.0, 0.01, thigh=1.04),
        Build("unreal5", Stance.A, Axes.FOREIGN, 103.0, 0.01, thigh=1.06),
        Build("vroid", Stance.T, Axes.ALONG, 0.92, thigh=0.96, arm=0.95),
        Build("unity_humanoid", Stance.T, Axes.ALONG, rename=_camel("")),
        Build("makehuman", Stance.A, Axes.ROLLED, 1.02, thigh=1.03),
        Build("cmu", Stance.T, Axes.ROLLED, 17.0, rename=_camel("")),
        Build("character_creator", Stance.A, Axes.FOREIGN, 100.0, 0.01),
        Build("daz_genesis3_8", Stance.A, Axes.ROLLED, 106.0, 0.01, thigh=1.02),
        Build("daz_genesis9", Stance.A, Axes.ROLLED, 104.0, 0.01),
        Build("biped", Stance.A, Axes.FOREIGN, 40.0, 0.0254),
        Build("valve_biped", Stance.ONE_RAISED, Axes.FOREIGN, 40.0),
        Build("mmd", Stance.A, Axes.ALONG, 12.5, 0.08, arm=0.92),
        Build("mmd_english", Stance.A, Axes.ALONG, 12.5, 0.08, arm=0.92),
        Build("smpl", Stance.T, Axes.FOREIGN, 1.0),
        Build("meebit", Stance.DOWN, Axes.ROLLED, 1.2, 1.0, thigh=0.9, arm=1.15),
        Build("bvh_joints", Stance.DOWN, Axes.ALONG, 100.0, 0.01, rename=_camel("")),
        Build("auto_rig_pro", Stance.A, Axes.ROLLED),
        Build("auto_rig_pro_deform", Stance.A, Axes.ROLLED),
        Build("auto_rig_pro_reference", Stance.A, Axes.ROLLED),
        Build("cloudrig", Stance.A, Axes.ROLLED),
        Build("robot_expressive", Stance.DOWN, Axes.ROLLED, 0.02, 100.0, thigh=0.85, arm=1.2),
    )
}
#: Families that Blender's own add-on makes; nothing here builds them.
MADE_BY_RIGIFY: Final = ("rigify", "rigify_metarig")

_LIMBS: Final = {
    "collar": ("{}_COLLAR", "{}_SHOULDER"), "upper_arm": ("{}_SHOULDER", "{}_ELBOW"),
    "forearm": ("{}_ELBOW", "{}_WRIST"), "hand": ("{}_WRIST", ""),
    "thigh": ("{}_HIP", "{}_KNEE"), "shin": ("{}_KNEE", "{}_ANKLE"),
    "foot": ("{}_ANKLE", "{}_FOOT"), "toe": ("{}_FOOT", ""),
}  # fmt: skip


def build_of(family: str) -> Build:
    """How a family's armature is built."""
    return USUAL.get(family, Build(family))


def rest_joints(wanted: Build) -> Array:
    """The 22 joints (22, 3) of an armature at rest: y up, its own unit, toes on the floor."""
    lengths = np.array(BONE_LENGTHS)
    directions = DIRECTIONS.copy()
    for side, sign, drop in zip("LR", (1, -1), wanted.stance.value, strict=True):
        knee, ankle = Joint[f"{side}_KNEE"], Joint[f"{side}_ANKLE"]
        leg = lengths[knee] + lengths[ankle]
        lengths[knee] *= wanted.leg * wanted.thigh
        lengths[ankle] = wanted.leg * leg - lengths[knee]
        turn = from_log(np.array([0.0, 0.0, -sign * np.radians(drop)]))
        for name in ("ELBOW", "WRIST"):
            joint = Joint[f"{side}_{name}"]
            lengths[joint] *= wanted.arm
            directions[joint] = rotate(turn, directions[joint])
    joints = np.zeros((JOINT_COUNT, 3))
    for j in range(1, JOINT_COUNT):
        joints[j] = joints[PARENTS[j]] + lengths[j] * directions[j]
    return wanted.size * (joints - [0, joints[:, 1].min(), 0])


def fresh_rig(family: str, fps: float) -> Any:
    """An armature of a family, alone in a scene of so many frames a second."""
    for obj in list(bpy.data.objects):
        bpy.data.objects.remove(obj)
    bpy.context.scene.render.fps = round(fps)
    bpy.context.scene.frame_set(1)
    return build_family(build_of(family))


def build_family(wanted: Build) -> Any:
    """A new armature object with a family's bone names."""
    data = dict(families())[wanted.family]
    points = to_blender(rest_joints(wanted))
    place = {j.name: points[j] for j in Joint}
    armature = bpy.data.armatures.new(str(data["label"]))
    obj: Any = bpy.data.objects.new(str(data["label"]), armature)
    bpy.context.collection.objects.link(obj)
    bpy.context.view_layer.objects.active = obj
    bpy.ops.object.mode_set(mode="EDIT")
    _Bones(wanted, data, armature.edit_bones, place).make()
    bpy.ops.object.mode_set(mode="OBJECT")
    obj.scale = (wanted.scale,) * 3
    for bone, prop, value in data.get("switches", []):
        if bone in obj.pose.bones:
            obj.pose.bones[bone][prop] = 1.0 - value
    bpy.context.view_layer.update()
    return obj


class _Bones:
    """The edit bones of one armature in the making."""

    def __init__(
        self, wanted: Build, data: Mapping[str, Any], edit: Any, place: dict[str, Array]
    ) -> None:
        self.wanted, self.data, self.edit, self.place = wanted, data, edit, place

    def make(self) -> None:
        """Trunk first, then what hangs on it."""
        at, parts = self.place, self.data["parts"]
        rows = list(parts.get("spine", []))
        if "chest" in parts:
            rows = [*rows, parts["chest"]]
        names = [self._name(parts["pelvis"]), *(self._name(r) for r in rows)]
        joints = [at[n] for n in ("PELVIS", "SPINE1", "SPINE2", "SPINE3", "NECK")]
        trunk = _along(np.array(joints), len(names) + 1)
        last = None
        for k, name in enumerate(names):
            last = self._add(name, trunk[k], trunk[k + 1], last)
        chest = last
        necks = [self._name(r) for r in parts.get("neck", [])]
        row = _along(np.array([at["NECK"], at["HEAD"]]), max(len(necks), 1) + 1)
        for k, name in enumerate(necks):
            last = self._add(name, row[k], row[k + 1], last)
        if parts.get("head"):
            up = self.wanted.size * np.array([0.0, 0.0, 0.17])
            self._add(self._name(parts["head"]), at["HEAD"], at["HEAD"] + up, last)
        for side in "LR":
            self._arm_or_leg(("collar", "upper_arm", "forearm", "hand"), side, chest)
            self._arm_or_leg(("thigh", "shin", "foot", "toe"), side, names[0])
        for bone, *_ in self.data.get("switches", []):
            if bone not in self.edit:
                self._add(bone, np.zeros(3), self.wanted.size * np.array([0, 0, 0.1]), None)

    def _arm_or_leg(self, bases: tuple[str, ...], side: str, carrier: str | None) -> None:
        for base in bases:
            entry = self.data["parts"].get(base)
            if not entry:
                continue
            start, end = (e.format(side) for e in _LIMBS[base])
            head = self.place[start]
            if end:
                tail = self.place[end]
            elif base == "toe":
                tail = head + self.wanted.size * np.array([0.0, -0.07, 0.0])
            else:
                tail = head + 0.35 * (head - self.place[f"{side}_ELBOW"])
            carrier = self._add(self._name(entry, side), head, tail, carrier)

    def _name(self, entry: Any, side: str = "") -> str:
        name = (entry["control"] if isinstance(entry, dict) else entry)[0]
        if self.data.get("exact"):
            return _other_side(name) if side == "R" else name
        return self.wanted.rename(name, side)

    def _add(self, name: str, head: Array, tail: Array, parent: str | None) -> str:
        bone = self.edit.new(name)
        if self.wanted.axes is Axes.FOREIGN:
            tail = head + np.array([0.0, 0.0, 0.5 * float(np.linalg.norm(tail - head))])
        bone.head, bone.tail = head.tolist(), tail.tolist()
        if self.wanted.axes is not Axes.ALONG:
            bone.roll = 0.7 * len(self.edit)
        if parent is not None:
            bone.parent = self.edit[parent]
        return str(bone.name)


def _other_side(name: str) -> str:
    for left, right in ((".L", ".R"), (".l", ".r"), ("_L", "_R"), ("_l", "_r")):
        if name.endswith(left):
            return name[: -len(left)] + right
    return mirrored_name(name, [name.replace("left", "right").replace("Left", "Right")]) or name


def _along(line: Array, count: int) -> Array:
    """``count`` points (count, 3), evenly over the length of a line of points (N, 3)."""
    steps = np.linalg.norm(np.diff(line, axis=0), axis=-1)
    passed = np.concatenate([[0.0], np.cumsum(steps)])
    at = np.linspace(0, passed[-1], count)
    return np.stack([np.interp(at, passed, line[:, k]) for k in range(3)], axis=-1)

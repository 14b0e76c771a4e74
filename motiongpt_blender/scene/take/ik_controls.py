"""IK controls on request: hands, feet, toes and poles that show the same motion as FK.

For generated Rigify rigs, Auto-Rig Pro and CloudRig, by the names of their controls. Worked
out from the solved FK channels; changes nothing in the scene.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

import bpy
import numpy as np

from ...core.body.rotations import (
    IDENTITY,
    Array,
    continuous,
    inverse,
    local_basis,
    multiply,
    rotate,
)
from ...core.rig.bone_maps import Part, Switch
from ...core.rig.kinematics import forward_kinematics
from ...core.rig.rig_description import RigDescription, RigMotion
from ...core.translation import tr
from ..access import pose_bones
from ..action.action_writer import Channel, transform_channels
from ..errors import RigError
from ..rig.description import rest_in_model_axes


@dataclass(frozen=True)
class _Limb:
    """The IK controls of one kind of limb; ``{s}`` is the side, ``{word}`` the side in words.

    Attributes:
        upper: part of the upper bone.
        lower: part of the lower bone.
        end: part that the IK control moves.
        goal: the IK control at the limb's end.
        pole: the control that the middle joint points at.
        switches: bone, property and value of the switches that a take keys.
        tip: part and control beyond the end, or two empty strings.
    """

    upper: str
    lower: str
    end: str
    goal: str
    pole: str
    switches: tuple[tuple[str, str, float], ...]
    tip: tuple[str, str] = ("", "")


@dataclass(frozen=True)
class _Family:
    """Rigs whose IK controls have the same names.

    Attributes:
        sides: left and right as they stand in bone names.
        limbs: their legs and arms.
    """

    sides: tuple[str, str]
    limbs: tuple[_Limb, ...]

    def named(self, text: str, side: str) -> str:
        """A name with the side filled in; ``side`` is one of ``sides``."""
        return text.format(s=side, word="left" if side == self.sides[0] else "right")

    def goals(self) -> list[str]:
        """Names of all goals and poles."""
        return [
            self.named(n, s) for li in self.limbs for s in self.sides for n in (li.goal, li.pole)
        ]


def _rigify(switch: str) -> tuple[tuple[str, str, float], ...]:
    """Switches of a Rigify limb; 1 is the root in its lists of parents."""
    props = {"IK_FK": 0.0, "pole_vector": 1.0, "IK_parent": 1.0, "pole_parent": 1.0}
    return tuple((switch, prop, value) for prop, value in props.items())


def _auto_rig_pro(goal: str, pole: str, older: str) -> tuple[tuple[str, str, float], ...]:
    """Switches of an Auto-Rig Pro limb; older rigs have the FK/IK switch elsewhere."""
    switch = "ik_fk_switch"
    return ((goal, switch, 0.0), (older, switch, 0.0), (pole, "pole_parent", 0.0))


def _cloudrig(limb: str, end: str) -> tuple[tuple[str, str, float], ...]:
    """Switches of a CloudRig limb; 0 is the root in its lists of parents."""
    switches = {f"ik_{limb}_{{word}}": 1.0, f"ik_parents_{limb}_{{word}}": 0.0,
             f"ik_pole_follow_{end}": 0.0, f"ik_pole_follow_{limb}_{{word}}": 0.0}  # fmt: skip
    return tuple(("Properties_IKFK", prop, value) for prop, value in switches.items())


_LEG: Final = ("thigh", "shin", "foot")
_ARM: Final = ("upper_arm", "forearm", "hand")
_FAMILIES: Final = (
    _Family(("L", "R"), (
        _Limb(*_LEG, "foot_ik.{s}", "thigh_ik_target.{s}", _rigify("thigh_parent.{s}"),
              ("toe", "toe_ik.{s}")),
        _Limb(*_ARM, "hand_ik.{s}", "upper_arm_ik_target.{s}", _rigify("upper_arm_parent.{s}")),
    )),
    _Family(("l", "r"), (
        _Limb(*_LEG, "c_foot_ik.{s}", "c_leg_pole.{s}",
              _auto_rig_pro("c_foot_ik.{s}", "c_leg_pole.{s}", "c_ikfk_leg.{s}"),
              ("toe", "c_toes_ik.{s}")),
        _Limb(*_ARM, "c_hand_ik.{s}", "c_arms_pole.{s}",
              _auto_rig_pro("c_hand_ik.{s}", "c_arms_pole.{s}", "c_ikfk_arm.{s}")),
    )),
    _Family(("L", "R"), (
        _Limb(*_LEG, "IK-MSTR-Foot.{s}", "IK-POLE-Thigh.{s}", _cloudrig("leg", "feet")),
        _Limb(*_ARM, "IK-MSTR-Wrist.{s}", "IK-POLE-UpperArm.{s}", _cloudrig("arm", "hands")),
    )),
)  # fmt: skip


def check_ik(obj: bpy.types.Object) -> None:
    """Raise RigError unless the rig has the IK controls of a known rig family."""
    absent = [name for name in _family(obj).goals() if name not in pose_bones(obj)]
    if absent:
        raise RigError(
            tr(
                "'{name}' has no bone '{bone}': IK controls are keyed on generated "
                "Rigify rigs, Auto-Rig Pro and CloudRig only; switch them off under "
                "Retargeting.",
                name=obj.name,
                bone=absent[0],
            )
        )


def _family(obj: bpy.types.Object) -> _Family:
    """The rig family of which the armature has the most IK controls."""
    return max(_FAMILIES, key=lambda family: sum(n in pose_bones(obj) for n in family.goals()))


def ik_control_names(obj: bpy.types.Object) -> list[str]:
    """Names of the IK controls that the armature has; [] for a rig of another family."""
    return [name for name in _family(obj).goals() if name in pose_bones(obj)]


def ik_switches(obj: bpy.types.Object, rig: RigDescription) -> tuple[Switch, ...]:
    """The rig's switches with every limb on IK."""
    family = _family(obj)
    keyed = {
        (family.named(bone, side), family.named(prop, side)): value
        for limb in family.limbs for side in family.sides for bone, prop, value in limb.switches
    }  # fmt: skip
    others = tuple(s for s in rig.switches if (s.bone, s.prop) not in keyed)
    bones = pose_bones(obj)
    return (*others, *(Switch(b, p, value) for (b, p), value in keyed.items() if b in bones))


def ik_channels(obj: bpy.types.Object, rig: RigDescription, motion: RigMotion) -> Iterator[Channel]:
    """Channels of IK controls and poles that show what the FK channels show."""
    family, figure = _family(obj), forward_kinematics(rig, motion)
    bones = pose_bones(obj)
    rotations = {c.part: figure.rotations[c.name] for c in rig.controls}
    heads = {c.part: figure.positions[c.name] for c in rig.controls}
    rest_heads = {c.part: c.head for c in rig.controls}
    for limb in family.limbs:
        for side in family.sides:
            upper, lower, end = (
                Part(f"{part}_{side.lower()}") for part in (limb.upper, limb.lower, limb.end)
            )
            goal = bones[family.named(limb.goal, side)]
            offset = rest_in_model_axes(rig, goal)[1] - rest_heads[end]
            head = heads[end] + _rotated(rotations[end], offset)
            yield from _control_channels(rig, goal, rotations[end], head)
            pole = bones[family.named(limb.pole, side)]
            offset = rest_in_model_axes(rig, pole)[1] - rest_heads[lower]
            head = heads[lower] + _rotated(rotations[upper], offset)
            yield from _control_channels(
                rig, pole, np.broadcast_to(IDENTITY, rotations[upper].shape), head
            )
            part, name = limb.tip
            tip = bones.get(family.named(name, side)) if name else None
            if tip is not None and (toe := Part(f"{part}_{side.lower()}")) in rotations:
                rotation = multiply(inverse(rotations[end]), rotations[toe])
                rest_head = rest_in_model_axes(rig, tip)[1]
                head = np.broadcast_to(rest_head, (len(motion), 3))
                yield from _control_channels(rig, tip, rotation, head)


def _rotated(rotations: Array, offset: Array) -> Array:
    """One offset (3,) rotated by each rotation (T, 4)."""
    return rotate(rotations, np.broadcast_to(offset, (len(rotations), 3)))


def _control_channels(
    rig: RigDescription, bone: bpy.types.PoseBone, rotations: Array, heads: Array
) -> Iterator[Channel]:
    """Channels of a control with these rotations (T, 4) away from rest and heads (T, 3)."""
    rest, rest_head = rest_in_model_axes(rig, bone)
    basis = local_basis(rotations, rest)
    locations = rotate(np.broadcast_to(inverse(rest), rotations.shape), heads - rest_head)
    yield from transform_channels(bone, continuous(basis), locations)

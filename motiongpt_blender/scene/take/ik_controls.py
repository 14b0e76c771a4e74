"""Inverse kinematics on request: hands, feet, toes and poles that show the same motion.

Known for rigs that Rigify generates, Auto-Rig Pro and CloudRig, by the names that these give
their controls. Worked out from the solved FK channels; changes nothing in the scene.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Final

import numpy as np

from ...core.body.rotations import Array, continuous, inverse, multiply, rotate
from ...core.rig.bone_maps import Part, Switch
from ...core.rig.kinematics import forward_kinematics
from ...core.rig.rig_description import RigDescription, RigMotion
from ..action.action_writer import Channel, transform_channels
from ..rig.description import RigError, quaternion_of


@dataclass(frozen=True)
class _Limb:
    """The IK controls of one kind of limb; ``{s}`` is the side, ``{word}`` the side in words.

    Attributes:
        upper: part of the upper bone.
        lower: part of the lower bone.
        end: part that the goal moves.
        goal: control at the limb's end.
        pole: control to which the middle joint points.
        holds: bone, property and value of what is held while a take plays.
        tip: part and control beyond the end, or two empty strings.
    """

    upper: str
    lower: str
    end: str
    goal: str
    pole: str
    holds: tuple[tuple[str, str, float], ...]
    tip: tuple[str, str] = ("", "")


@dataclass(frozen=True)
class _Kind:
    """Rigs that call their IK controls alike.

    Attributes:
        sides: left and right as the bones' names say them.
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
    """What a limb of Rigify holds; 1 stands for the root in the lists of parents."""
    props = {"IK_FK": 0.0, "pole_vector": 1.0, "IK_parent": 1.0, "pole_parent": 1.0}
    return tuple((switch, prop, value) for prop, value in props.items())


def _auto_rig_pro(goal: str, pole: str, older: str) -> tuple[tuple[str, str, float], ...]:
    """What a limb of Auto-Rig Pro holds; older rigs have the switch elsewhere."""
    switch = "ik_fk_switch"
    return ((goal, switch, 0.0), (older, switch, 0.0), (pole, "pole_parent", 0.0))


def _cloudrig(limb: str, end: str) -> tuple[tuple[str, str, float], ...]:
    """What a limb of CloudRig holds; 0 stands for the root in the lists of parents."""
    holds = {f"ik_{limb}_{{word}}": 1.0, f"ik_parents_{limb}_{{word}}": 0.0,
             f"ik_pole_follow_{end}": 0.0, f"ik_pole_follow_{limb}_{{word}}": 0.0}  # fmt: skip
    return tuple(("Properties_IKFK", prop, value) for prop, value in holds.items())


_LEG: Final = ("thigh", "shin", "foot")
_ARM: Final = ("upper_arm", "forearm", "hand")
_KINDS: Final = (
    _Kind(("L", "R"), (
        _Limb(*_LEG, "foot_ik.{s}", "thigh_ik_target.{s}", _rigify("thigh_parent.{s}"),
              ("toe", "toe_ik.{s}")),
        _Limb(*_ARM, "hand_ik.{s}", "upper_arm_ik_target.{s}", _rigify("upper_arm_parent.{s}")),
    )),
    _Kind(("l", "r"), (
        _Limb(*_LEG, "c_foot_ik.{s}", "c_leg_pole.{s}",
              _auto_rig_pro("c_foot_ik.{s}", "c_leg_pole.{s}", "c_ikfk_leg.{s}"),
              ("toe", "c_toes_ik.{s}")),
        _Limb(*_ARM, "c_hand_ik.{s}", "c_arms_pole.{s}",
              _auto_rig_pro("c_hand_ik.{s}", "c_arms_pole.{s}", "c_ikfk_arm.{s}")),
    )),
    _Kind(("L", "R"), (
        _Limb(*_LEG, "IK-MSTR-Foot.{s}", "IK-POLE-Thigh.{s}", _cloudrig("leg", "feet")),
        _Limb(*_ARM, "IK-MSTR-Wrist.{s}", "IK-POLE-UpperArm.{s}", _cloudrig("arm", "hands")),
    )),
)  # fmt: skip


def check_ik(obj: Any) -> None:
    """Raise RigError unless the rig has IK controls that are known."""
    absent = [name for name in _kind(obj).goals() if name not in obj.pose.bones]
    if absent:
        raise RigError(
            f"'{obj.name}' has no bone '{absent[0]}': IK controls are written for generated "
            "Rigify rigs, Auto-Rig Pro and CloudRig only; switch them off under Retargeting."
        )


def _kind(obj: Any) -> _Kind:
    """The kind of rig of which the armature has the most IK controls."""
    return max(_KINDS, key=lambda kind: sum(n in obj.pose.bones for n in kind.goals()))


def ik_switches(obj: Any, rig: RigDescription) -> tuple[Switch, ...]:
    """The rig's switches with every limb on IK."""
    kind = _kind(obj)
    held = {
        (kind.named(bone, side), kind.named(prop, side)): value
        for limb in kind.limbs for side in kind.sides for bone, prop, value in limb.holds
    }  # fmt: skip
    others = tuple(s for s in rig.switches if (s.bone, s.prop) not in held)
    here = obj.pose.bones
    return (*others, *(Switch(b, p, value) for (b, p), value in held.items() if b in here))


def ik_channels(obj: Any, rig: RigDescription, motion: RigMotion) -> Iterator[Channel]:
    """Channels of goals and poles that show what the FK channels show."""
    kind, figure = _kind(obj), forward_kinematics(rig, motion)
    turns = {c.part: figure.turns[c.name] for c in rig.controls}
    places = {c.part: figure.places[c.name] for c in rig.controls}
    heads = {c.part: c.head for c in rig.controls}
    for limb in kind.limbs:
        for side in kind.sides:
            upper, lower, end = (Part(f"{p}_{side.lower()}") for p in
                                 (limb.upper, limb.lower, limb.end))  # fmt: skip
            bone = obj.pose.bones[kind.named(limb.goal, side)]
            rest, head = rest_transform(rig, bone)
            offset = np.broadcast_to(head - heads[end], places[end].shape)
            yield from _placed(bone, rest, head, turns[end],
                               places[end] + rotate(turns[end], offset))  # fmt: skip
            bone = obj.pose.bones[kind.named(limb.pole, side)]
            rest, head = rest_transform(rig, bone)
            offset = np.broadcast_to(head - heads[lower], places[lower].shape)
            still = np.broadcast_to([1.0, 0.0, 0.0, 0.0], turns[upper].shape)
            yield from _placed(bone, rest, head, still,
                               places[lower] + rotate(turns[upper], offset))  # fmt: skip
            part, name = limb.tip
            tip = obj.pose.bones.get(kind.named(name, side)) if name else None
            if tip is not None and Part(f"{part}_{side.lower()}") in turns:
                rest, head = rest_transform(rig, tip)
                turn = multiply(inverse(turns[end]), turns[Part(f"{part}_{side.lower()}")])
                yield from _placed(tip, rest, head, turn, np.broadcast_to(head, (len(motion), 3)))


def rest_transform(rig: RigDescription, bone: Any) -> tuple[Array, Array]:
    """Rest rotation (4,) and head (3,) of a bone in model axes, the floor at 0."""
    head = rotate(inverse(rig.axes), np.array(bone.bone.head_local, dtype=np.float64))
    rest = multiply(inverse(rig.axes), quaternion_of(bone.bone.matrix_local))
    return rest, head - np.array([0.0, rig.floor, 0.0])


def _placed(bone: Any, rest: Array, head: Array, turn: Array, place: Array) -> Iterator[Channel]:
    """Channels of a control that turns so from rest and has its head there."""
    basis = multiply(multiply(inverse(rest), turn), np.broadcast_to(rest, turn.shape))
    moved = rotate(np.broadcast_to(inverse(rest), turn.shape), place - head)
    yield from transform_channels(bone, continuous(basis), moved)

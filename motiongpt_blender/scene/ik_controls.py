"""Inverse kinematics on request: hands, feet, toes and poles that show the same motion.

Known for rigs that Rigify generates. Worked out from the solved FK channels; changes
nothing in the scene.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Final

import numpy as np

from ..core.bone_maps import Part, Switch
from ..core.kinematics import forward
from ..core.retarget import RigDescription, RigMotion
from ..core.rotations import Array, continuous, inverse, multiply, rotate
from .action_writer import Channel, transform_channels
from .rig import RigError, quaternion_of


@dataclass(frozen=True)
class _Goal:
    """The IK controls of one kind of limb; ``{}`` is the side.

    Attributes:
        upper: part of the upper bone.
        end: part that the goal moves.
        goal: control at the limb's end.
        pole: control to which the middle joint points.
        switch: bone with the properties of the limb.
        tip: part and control beyond the end, or two empty strings.
    """

    upper: str
    lower: str
    end: str
    goal: str
    pole: str
    switch: str
    tip: tuple[str, str] = ("", "")


_RIGIFY: Final = (
    _Goal("thigh", "shin", "foot", "foot_ik.{}", "thigh_ik_target.{}", "thigh_parent.{}",
          ("toe", "toe_ik.{}")),
    _Goal("upper_arm", "forearm", "hand", "hand_ik.{}", "upper_arm_ik_target.{}",
          "upper_arm_parent.{}"),
)  # fmt: skip
#: Properties of a limb while it plays; 1 stands for the root in the lists of parents.
_HOLD: Final = {"IK_FK": 0.0, "pole_vector": 1.0, "IK_parent": 1.0, "pole_parent": 1.0}


def check_ik(obj: Any) -> None:
    """Raise RigError unless the rig has IK controls that are known."""
    for goal in _RIGIFY:
        for side in "LR":
            for name in (goal.goal, goal.pole, goal.switch):
                if name.format(side) not in obj.pose.bones:
                    raise RigError(
                        f"'{obj.name}' has no bone '{name.format(side)}': IK controls are written "
                        "for generated Rigify rigs only; switch them off under Retargeting."
                    )


def ik_switches(rig: RigDescription) -> tuple[Switch, ...]:
    """The rig's switches with every limb on IK."""
    limbs = {goal.switch.format(side) for goal in _RIGIFY for side in "LR"}
    others = tuple(s for s in rig.switches if s.bone not in limbs)
    held = (Switch(bone, prop, value) for bone in sorted(limbs) for prop, value in _HOLD.items())
    return (*others, *held)


def ik_channels(obj: Any, rig: RigDescription, motion: RigMotion) -> Iterator[Channel]:
    """Channels of goals and poles that show what the FK channels show."""
    figure = forward(rig, motion)
    turns = {c.part: figure.turns[c.name] for c in rig.controls}
    places = {c.part: figure.places[c.name] for c in rig.controls}
    heads = {c.part: c.head for c in rig.controls}
    for goal in _RIGIFY:
        for side in "LR":
            upper, lower, end = (Part(f"{p}_{side.lower()}") for p in
                                 (goal.upper, goal.lower, goal.end))  # fmt: skip
            bone = obj.pose.bones[goal.goal.format(side)]
            rest, head = rest_of(rig, bone)
            offset = np.broadcast_to(head - heads[end], places[end].shape)
            yield from _placed(bone, rest, head, turns[end],
                               places[end] + rotate(turns[end], offset))  # fmt: skip
            bone = obj.pose.bones[goal.pole.format(side)]
            rest, head = rest_of(rig, bone)
            offset = np.broadcast_to(head - heads[lower], places[lower].shape)
            still = np.broadcast_to([1.0, 0.0, 0.0, 0.0], turns[upper].shape)
            yield from _placed(bone, rest, head, still,
                               places[lower] + rotate(turns[upper], offset))  # fmt: skip
            part, name = goal.tip
            tip = obj.pose.bones.get(name.format(side)) if name else None
            if tip is not None and Part(f"{part}_{side.lower()}") in turns:
                rest, head = rest_of(rig, tip)
                turn = multiply(inverse(turns[end]), turns[Part(f"{part}_{side.lower()}")])
                yield from _placed(tip, rest, head, turn, np.broadcast_to(head, (len(motion), 3)))


def rest_of(rig: RigDescription, bone: Any) -> tuple[Array, Array]:
    """Rest rotation (4,) and head (3,) of a bone in model axes, the floor at 0."""
    head = rotate(inverse(rig.axes), np.array(bone.bone.head_local, dtype=np.float64))
    rest = multiply(inverse(rig.axes), quaternion_of(bone.bone.matrix_local))
    return rest, head - np.array([0.0, rig.floor, 0.0])


def _placed(bone: Any, rest: Array, head: Array, turn: Array, place: Array) -> Iterator[Channel]:
    """Channels of a control that turns so from rest and has its head there."""
    basis = multiply(multiply(inverse(rest), turn), np.broadcast_to(rest, turn.shape))
    moved = rotate(np.broadcast_to(inverse(rest), turn.shape), place - head)
    yield from transform_channels(bone, continuous(basis), moved)

"""What a marked pose binds: the whole body, or some parts of it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace
from enum import StrEnum
from typing import TYPE_CHECKING, Final

import numpy as np
from numpy.typing import NDArray

from ..body.skeleton import Joint
from ..rig.bone_maps import Part

if TYPE_CHECKING:
    from .correction import RigPose


class BodyPart(StrEnum):
    """What can be bound on its own; parts may be joined and may overlap."""

    UPPER = "UPPER"
    LOWER = "LOWER"
    HIPS = "HIPS"
    ARM_L = "ARM_L"
    ARM_R = "ARM_R"
    HAND_L = "HAND_L"
    HAND_R = "HAND_R"


#: The parts that make a whole body.
WHOLE_BODY: Final = frozenset({BodyPart.UPPER, BodyPart.LOWER})

_HANDS: Final = {s: frozenset({Part(f"hand_{s}")}) for s in "lr"}
_ARMS: Final = {
    s: _HANDS[s] | {Part(f"{p}_{s}") for p in ("collar", "upper_arm", "forearm")} for s in "lr"
}
_HIPS: Final = frozenset({Part.PELVIS})
_TORSO: Final = frozenset({Part.SPINE, Part.CHEST, Part.NECK, Part.HEAD})
_LEGS: Final = frozenset(Part(f"{p}_{s}") for s in "lr" for p in ("thigh", "shin", "foot", "toe"))
_PARTS: Final[dict[BodyPart, frozenset[Part]]] = {
    BodyPart.UPPER: _TORSO | _ARMS["l"] | _ARMS["r"],
    BodyPart.LOWER: _HIPS | _LEGS,
    BodyPart.HIPS: _HIPS,
    BodyPart.ARM_L: _ARMS["l"],
    BodyPart.ARM_R: _ARMS["r"],
    BodyPart.HAND_L: _HANDS["l"],
    BodyPart.HAND_R: _HANDS["r"],
}
#: The part whose turn moves a joint.
_MOVED_BY: Final = {
    "HIP": "pelvis", "KNEE": "thigh", "ANKLE": "shin", "FOOT": "foot", "SHOULDER": "collar",
    "ELBOW": "upper_arm", "WRIST": "forearm", "SPINE1": "pelvis", "SPINE2": "spine",
    "SPINE3": "chest", "NECK": "chest", "COLLAR": "chest", "HEAD": "neck", "PELVIS": "pelvis",
}  # fmt: skip


def parts_of(body_parts: Iterable[BodyPart]) -> frozenset[Part]:
    """The parts that are bound."""
    return frozenset[Part]().union(*(_PARTS[b] for b in body_parts))


def is_whole_body(body_parts: Iterable[BodyPart]) -> bool:
    """Whether nothing of the body is free."""
    return parts_of(body_parts) >= parts_of(WHOLE_BODY)


def constrains_root(body_parts: Iterable[BodyPart]) -> bool:
    """Whether the hips, and with them place and heading, are bound."""
    return Part.PELVIS in parts_of(body_parts)


def constrained_joints(body_parts: Iterable[BodyPart]) -> NDArray[np.bool_]:
    """Which joints (22,) of the model's body the bound parts move."""
    parts = parts_of(body_parts)
    moved = np.zeros(len(Joint), dtype=bool)
    for joint in Joint:
        side, _, base = joint.name.rpartition("_")
        part = _MOVED_BY[base]
        one_sided = side and Part.PELVIS != part != Part.CHEST
        moved[joint] = Part(f"{part}_{side.lower()}" if one_sided else part) in parts
    return moved


def limit_to_parts(
    pose: RigPose, body_parts: Iterable[BodyPart], owners: Mapping[str, Part], root: str
) -> RigPose:
    """The pose with only what it binds.

    Args:
        pose: the whole of it.
        body_parts: the parts that count.
        owners: bone -> the part that it belongs to; bones of none count in whole poses alone.
        root: name of the control that also moves.
    """
    if is_whole_body(body_parts):
        return pose
    parts, root_constrained = parts_of(body_parts), constrains_root(body_parts)
    bound = frozenset(name for name, part in owners.items() if part in parts and name != root)
    if root_constrained:
        bound |= {root}
    rotations = {name: q for name, q in pose.rotations.items() if name in bound}
    return replace(
        pose, rotations=rotations, root_constrained=root_constrained, constrained_bones=bound
    )

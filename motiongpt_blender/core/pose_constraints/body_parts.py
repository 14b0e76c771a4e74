"""Which parts of the body a marked pose constrains: all of it, or some."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace
from enum import StrEnum
from typing import Final

import numpy as np
from numpy.typing import NDArray

from ..body.skeleton import Joint
from ..rig.bone_maps import Part
from ..rig.part_joints import WHOLE_LEG_PARTS, part_moving, side_parts
from .rig_pose import RigPose


class BodyPart(StrEnum):
    """What a pose can constrain on its own; body parts may be combined and may overlap."""

    UPPER = "UPPER"
    LOWER = "LOWER"
    HIPS = "HIPS"
    ARM_L = "ARM_L"
    ARM_R = "ARM_R"
    HAND_L = "HAND_L"
    HAND_R = "HAND_R"


#: The body parts that make a whole body.
WHOLE_BODY: Final = frozenset({BodyPart.UPPER, BodyPart.LOWER})

_ARMS: Final = {s: frozenset(side_parts(s, "collar", "upper_arm", "forearm", "hand")) for s in "lr"}
_LEGS: Final = frozenset(part for s in "lr" for part in side_parts(s, *WHOLE_LEG_PARTS))
_TRUNK: Final = frozenset({Part.SPINE, Part.CHEST, Part.NECK, Part.HEAD})
_PARTS: Final[dict[BodyPart, frozenset[Part]]] = {
    BodyPart.UPPER: _TRUNK | _ARMS["l"] | _ARMS["r"],
    BodyPart.LOWER: _LEGS | {Part.PELVIS},
    BodyPart.HIPS: frozenset({Part.PELVIS}),
    BodyPart.ARM_L: _ARMS["l"],
    BodyPart.ARM_R: _ARMS["r"],
    BodyPart.HAND_L: frozenset({Part.HAND_L}),
    BodyPart.HAND_R: frozenset({Part.HAND_R}),
}


def parts_of(body_parts: Iterable[BodyPart]) -> frozenset[Part]:
    """The rig's parts in some body parts."""
    return frozenset[Part]().union(*(_PARTS[part] for part in body_parts))


def is_whole_body(body_parts: Iterable[BodyPart]) -> bool:
    """Whether no part of the body is free."""
    return parts_of(body_parts) >= parts_of(WHOLE_BODY)


def constrains_root(body_parts: Iterable[BodyPart]) -> bool:
    """Whether the hips, and with them position and heading, are constrained."""
    return Part.PELVIS in parts_of(body_parts)


def constrained_joints(body_parts: Iterable[BodyPart]) -> NDArray[np.bool_]:
    """Which joints (22,) of the model's skeleton the constrained parts move."""
    parts = parts_of(body_parts)
    return np.array([part_moving(joint) in parts for joint in Joint])


def limit_to_parts(
    pose: RigPose, body_parts: Iterable[BodyPart], owners: Mapping[str, Part], root: str
) -> RigPose:
    """The pose without the controls that it does not constrain.

    Args:
        pose: all controls.
        body_parts: what it constrains.
        owners: bone -> the part that it belongs to; a bone of no part is constrained by the
            whole body only.
        root: name of the control that also moves.
    """
    body_parts = frozenset(body_parts)
    if is_whole_body(body_parts):
        return pose
    parts = parts_of(body_parts)
    bones = frozenset(name for name, part in owners.items() if part in parts and name != root)
    if constrains_root(body_parts):
        bones |= {root}
    return replace(
        pose,
        rotations={name: q for name, q in pose.rotations.items() if name in bones},
        limb_locations={name: v for name, v in pose.limb_locations.items() if name in bones},
        root_constrained=constrains_root(body_parts),
        constrained_bones=bones,
    )

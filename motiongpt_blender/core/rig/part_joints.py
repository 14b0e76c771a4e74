"""Which part of the body begins at a joint, and which part moves a joint."""

from __future__ import annotations

from typing import Final

from ..body.skeleton import Joint
from .bone_maps import Part

#: Joints of a leg and of an arm, without their side.
LEG_JOINTS: Final = ("HIP", "KNEE", "ANKLE")
ARM_JOINTS: Final = ("SHOULDER", "ELBOW", "WRIST")

#: Parts of a leg and of an arm, without their side; each begins at the joint of its index.
LEG_PARTS: Final = ("thigh", "shin", "foot")
ARM_PARTS: Final = ("upper_arm", "forearm", "hand")

#: Parts whose rotation moves a foot, without their side.
WHOLE_LEG_PARTS: Final = (*LEG_PARTS, "toe")

#: The part that begins at a joint of a limb, both without their side.
PART_AT_JOINT: Final[dict[str, str]] = {
    "COLLAR": "collar",
    **dict(zip(ARM_JOINTS, ARM_PARTS, strict=True)),
    **dict(zip(LEG_JOINTS, LEG_PARTS, strict=True)),
    "FOOT": "toe",
}

#: The part whose rotation moves a joint, both without their side.
_MOVER: Final[dict[str, str]] = {
    "PELVIS": "pelvis", "HIP": "pelvis", "KNEE": "thigh", "ANKLE": "shin", "FOOT": "foot",
    "SPINE1": "pelvis", "SPINE2": "spine", "SPINE3": "chest", "NECK": "chest", "HEAD": "neck",
    "COLLAR": "chest", "SHOULDER": "collar", "ELBOW": "upper_arm", "WRIST": "forearm",
}  # fmt: skip
_MIDDLE: Final = frozenset({"pelvis", "spine", "chest", "neck"})


def part_at(joint: Joint) -> Part:
    """The part that begins at a joint of a limb; raises KeyError for joints of the trunk."""
    side, _, base = joint.name.rpartition("_")
    return Part(f"{PART_AT_JOINT[base]}_{side.lower()}")


def part_moving(joint: Joint) -> Part:
    """The part whose rotation moves a joint: of a knee the thigh."""
    side, _, base = joint.name.rpartition("_")
    part = _MOVER[base]
    return Part(part if part in _MIDDLE else f"{part}_{side.lower()}")


def side_parts(side: str, *names: str) -> tuple[Part, ...]:
    """The parts of one side ("L" or "R"), by their names without it."""
    return tuple(Part(f"{name}_{side.lower()}") for name in names)

"""Bone maps: parts of the body, the bones that rotate them, and how certain each entry is."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import Final


class MappingError(ValueError):
    """These bones cannot be mapped; the message is one sentence for the user."""


class Part(StrEnum):
    """A part of the body that a control can rotate."""

    PELVIS = "pelvis"
    SPINE = "spine"
    CHEST = "chest"
    NECK = "neck"
    HEAD = "head"
    COLLAR_L = "collar_l"
    UPPER_ARM_L = "upper_arm_l"
    FOREARM_L = "forearm_l"
    HAND_L = "hand_l"
    THIGH_L = "thigh_l"
    SHIN_L = "shin_l"
    FOOT_L = "foot_l"
    TOE_L = "toe_l"
    COLLAR_R = "collar_r"
    UPPER_ARM_R = "upper_arm_r"
    FOREARM_R = "forearm_r"
    HAND_R = "hand_r"
    THIGH_R = "thigh_r"
    SHIN_R = "shin_r"
    FOOT_R = "foot_r"
    TOE_R = "toe_r"

    @property
    def side(self) -> str:
        """``l``, ``r``, or nothing for parts in the middle."""
        return self.value[-1] if self.value[-2] == "_" else ""

    @property
    def base(self) -> str:
        """The part without its side: ``upper_arm``."""
        return self.value[:-2] if self.side else self.value

    @property
    def mirrored(self) -> Part:
        """The same part on the other side; parts in the middle are their own."""
        return Part(f"{self.base}_{'r' if self.side == 'l' else 'l'}") if self.side else self

    @property
    def words(self) -> str:
        """The part in words, as messages write it: ``upper arm left``."""
        side = {"l": " left", "r": " right", "": ""}[self.side]
        return self.base.replace("_", " ") + side


#: Parts that may be several bones in a row.
CHAINS: Final = (Part.SPINE, Part.NECK)

#: Parts that every motion needs.
REQUIRED: Final = (
    Part.PELVIS, Part.CHEST,
    Part.UPPER_ARM_L, Part.FOREARM_L, Part.THIGH_L, Part.SHIN_L, Part.FOOT_L,
    Part.UPPER_ARM_R, Part.FOREARM_R, Part.THIGH_R, Part.SHIN_R, Part.FOOT_R,
)  # fmt: skip


class Source(StrEnum):
    """How an entry of a map was found."""

    NAME = "name"
    STRUCTURE = "structure"
    USER = "user"


@dataclass(frozen=True)
class MappedBone:
    """One control of a rig.

    Attributes:
        part: what it rotates.
        control: name of the bone that the animator rotates.
        body: name of the bone whose evaluated pose shows the part.
        raw: a marked pose keeps the control's own channels; otherwise they are computed from
            the body, which an IK limb may have moved instead.
        confidence: of the detection, 0 to 1; 1 for what the user chose.
        source: how it was found.
        note: why it is uncertain, one sentence; empty when it is certain.
        detached: the bone is not a descendant of the body part above it (a foot on
            the root), so that rotating the carrier does not move it.
    """

    part: Part
    control: str
    body: str
    raw: bool
    confidence: float = 1.0
    source: Source = Source.NAME
    note: str = ""
    detached: bool = False


@dataclass(frozen=True)
class Switch:
    """A custom property that needs a value while a generated motion plays."""

    bone: str
    prop: str
    value: float


@dataclass(frozen=True)
class Failure:
    """A part that has no bone.

    Attributes:
        part: the part.
        reason: why, one sentence.
        misplaced: whether bones have its names, but are no children of what carries it.
    """

    part: Part
    reason: str
    misplaced: bool = False

    @property
    def required(self) -> bool:
        """Whether every motion needs it."""
        return self.part in REQUIRED


@dataclass(frozen=True)
class BoneMap:
    """The bones of one armature that rotate the parts of the body.

    Attributes:
        family: name of the data file, ``structure`` or ``user``.
        label: name for people.
        bones: the controls, parents before children.
        extras: controls that no motion drives but a marked pose may use.
        switches: properties to set, for example from IK to FK.
        by_hierarchy: a control's parent is its nearest mapped ancestor; otherwise the
            control of the body part above it.
        failures: the parts that have no bone, each with the reason.
    """

    family: str
    label: str
    bones: tuple[MappedBone, ...]
    extras: tuple[str, ...] = ()
    switches: tuple[Switch, ...] = ()
    by_hierarchy: bool = True
    failures: tuple[Failure, ...] = ()

    @property
    def confidence(self) -> float:
        """Confidence of the whole map, 0 to 1: the mean over the required parts."""
        confidences = [b.confidence for b in self.bones if b.part in REQUIRED]
        return sum(confidences) / len(confidences) if confidences else 0.0

    def of(self, part: Part) -> tuple[MappedBone, ...]:
        """The bones of a part, from the lowest up."""
        return tuple(b for b in self.bones if b.part is part)


def missing(bone_map: BoneMap) -> list[Part]:
    """The required parts that a map has no bone for."""
    have = {b.part for b in bone_map.bones}
    return [part for part in REQUIRED if part not in have]

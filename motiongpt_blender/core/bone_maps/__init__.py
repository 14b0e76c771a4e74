"""Which bone of a rig does what: one small data file a family of rigs.

A file names, for each part of the body, the control that the animator turns and the
bone whose pose shows the result. ``find`` scores every family against the names of an
armature's bones and returns the best one with the rig's own spelling filled in.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from enum import StrEnum
from functools import cache
from pathlib import Path
from typing import Any, Final


class MappingError(ValueError):
    """No family of rigs fits these bones; the message is one sentence for the user."""


class Part(StrEnum):
    """A part of the body that a control can turn."""

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


#: Parts that may be several bones in a row.
CHAINS: Final = (Part.SPINE, Part.NECK)

#: Parts without which no motion can be shown.
REQUIRED: Final = (
    Part.PELVIS, Part.CHEST,
    Part.UPPER_ARM_L, Part.FOREARM_L, Part.THIGH_L, Part.SHIN_L, Part.FOOT_L,
    Part.UPPER_ARM_R, Part.FOREARM_R, Part.THIGH_R, Part.SHIN_R, Part.FOOT_R,
)  # fmt: skip


@dataclass(frozen=True)
class MappedBone:
    """One control of a rig.

    Attributes:
        part: what it turns.
        control: name of the bone that the animator turns.
        body: name of the bone whose evaluated pose shows the part.
        raw: the control's own channels are what a marked pose keeps; otherwise they are
            worked out from the body, which an IK limb may have moved instead.
    """

    part: Part
    control: str
    body: str
    raw: bool


@dataclass(frozen=True)
class Switch:
    """A custom property that has to hold a value while a generated motion plays."""

    bone: str
    prop: str
    value: float


@dataclass(frozen=True)
class BoneMap:
    """A family of rigs, spelt as one armature spells it.

    Attributes:
        family: name of the data file.
        label: name for people.
        bones: the controls, each after the part that carries it.
        extras: controls that the motion leaves alone but a marked pose may use.
        switches: properties to set, for example from IK to FK.
        by_hierarchy: a bone is carried by its nearest mapped ancestor; otherwise by
            the part that carries it in a body.
    """

    family: str
    label: str
    bones: tuple[MappedBone, ...]
    extras: tuple[str, ...]
    switches: tuple[Switch, ...]
    by_hierarchy: bool


@cache
def families() -> tuple[tuple[str, Mapping[str, Any]], ...]:
    """Every data file beside this module: (family, its contents), sorted by name."""
    files = sorted(Path(__file__).parent.glob("*.json"))
    return tuple((file.stem, json.loads(file.read_text(encoding="utf-8"))) for file in files)


def canonical(name: str) -> str:
    """A bone name without namespace, case and punctuation, its side put first.

    ``mixamorig:LeftHip``, ``hip.L``, ``L_Hip`` and ``m_avg_L_Hip`` give ``l_hip``.
    """
    name = re.sub(r"^[mf]_avg_", "", name.rsplit(":", 1)[-1])
    name = re.sub(r"(?<=[a-z])(?=[A-Z])", "_", name).lower()
    words = [w for w in re.split(r"[^a-z0-9]+", name) if w]
    words = [{"left": "l", "right": "r"}.get(w, w) for w in words]
    side = next((w for w in words if w in ("l", "r")), None)
    if side is not None:
        words.remove(side)
        words.insert(0, side)
    return "_".join(words)


def find(names: Iterable[str]) -> BoneMap:
    """The family that fits these bone names best; raises MappingError when none does."""
    spelt = list(names)
    by_canonical = {canonical(n): n for n in reversed(spelt)}
    found = [_fill(family, data, set(spelt), by_canonical) for family, data in families()]
    complete = [m for m in found if not missing(m)]
    if not complete:
        raise MappingError(_explain(max(found, key=lambda m: -len(missing(m)))))
    return max(complete, key=lambda m: len(m.bones) + len(m.extras))


def missing(bone_map: BoneMap) -> list[Part]:
    """The required parts that a map has no bone for."""
    have = {b.part for b in bone_map.bones}
    return [part for part in REQUIRED if part not in have]


def _explain(nearest: BoneMap) -> str:
    parts = missing(nearest)
    if len(parts) == len(REQUIRED):
        return (
            "none of its bone names is known: use a Rigify rig, a Rigify metarig or an "
            "armature with SMPL bone names (pelvis, l_hip, l_knee, ...)."
        )
    listed = ", ".join(p.value.replace("_l", " left").replace("_r", " right") for p in parts)
    return (
        f"it looks like a {nearest.label}, but no bone was found for {listed}: "
        "give those bones their usual names, or choose another armature."
    )


def _fill(
    family: str, data: Mapping[str, Any], exact: set[str], by_canonical: Mapping[str, str]
) -> BoneMap:
    """The family's data with this armature's spelling; parts that are not there are left out."""
    literal = bool(data.get("literal", False))

    def spell(options: list[str]) -> str | None:
        if literal:
            return next((n for n in options if n in exact), None)
        return next((by_canonical[n] for n in options if n in by_canonical), None)

    bones: list[MappedBone] = []
    for part in Part:
        entry: Any = data["parts"].get(part.value, [])
        for item in entry if part in CHAINS else [entry]:
            bone = _bone(part, item, spell)
            if bone is not None:
                bones.append(bone)
    return BoneMap(
        family=family,
        label=str(data["label"]),
        bones=tuple(bones),
        extras=tuple(n for n in data.get("extras", []) if n in exact),
        switches=tuple(Switch(*row) for row in data.get("switches", []) if row[0] in exact),
        by_hierarchy=bool(data.get("by_hierarchy", True)),
    )


def _bone(part: Part, entry: Any, spell: Callable[[list[str]], str | None]) -> MappedBone | None:
    """One entry: a list of names, or {"control", "body", "raw"} of such lists."""
    item: dict[str, Any] = {"control": entry} if isinstance(entry, list) else entry
    control = spell(item.get("control", []))
    if control is None:
        return None
    body = spell(item["body"]) if "body" in item else control
    if body is None:
        return None
    return MappedBone(part, control, body, bool(item.get("raw", False)))

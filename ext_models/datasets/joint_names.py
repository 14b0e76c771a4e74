"""Recognises the joints of a recorded skeleton by their names.

``joint_names.json`` lists the names of motion capture collections and exporters; ``%`` is the
side. The add-on's bone maps are used too, so that a BVH exported from a supported rig can be
read.
"""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any, Final

from motiongpt_blender.core.body.skeleton import Joint, joint_name
from motiongpt_blender.core.rig.bone_maps import MappingError, Part, find
from motiongpt_blender.core.rig.part_joints import PART_AT_JOINT

from .examples import DataError

TABLE: Final = Path(__file__).with_suffix(".json")
#: Joints that a recording must have; the others are computed from their neighbours.
REQUIRED: Final = (
    Joint.PELVIS,
    Joint.L_HIP, Joint.R_HIP, Joint.L_KNEE, Joint.R_KNEE, Joint.L_ANKLE, Joint.R_ANKLE,
    Joint.L_SHOULDER, Joint.R_SHOULDER, Joint.L_ELBOW, Joint.R_ELBOW,
)  # fmt: skip
_PREFIX: Final = re.compile(r"^(mixamorig\d*|character\d*|[mf]_avg|joint|valvebiped|bip\d+)[ _.]")
_BY_PART: Final = {
    Part.PELVIS: "PELVIS", Part.CHEST: "SPINE3", Part.NECK: "NECK", Part.HEAD: "HEAD",
    **{
        Part(f"{part}_{s.lower()}"): f"{s}_{joint}"
        for s in "LR"
        for joint, part in PART_AT_JOINT.items()
    },
}  # fmt: skip


@dataclass(frozen=True)
class Family:
    """The names of one kind of skeleton: joint -> canonical names, the best first."""

    name: str
    spellings: dict[Joint, tuple[str, ...]]


def canonical(name: str) -> str:
    """A joint's name without namespace, common prefixes, case and punctuation."""
    name = name.rsplit(":", 1)[-1].strip().lower()
    while (shorter := _PREFIX.sub("", name)) != name:
        name = shorter
    name = re.sub(r"^mixamorig\d*", "", name)
    return re.sub(r"[^a-z0-9]", "", name)


@cache
def families() -> tuple[Family, ...]:
    """All families of the table."""
    rows: list[dict[str, Any]] = json.loads(TABLE.read_text("utf-8"))
    return tuple(Family(str(row["family"]), _spellings(row)) for row in rows)


def _spellings(row: dict[str, Any]) -> dict[Joint, tuple[str, ...]]:
    spellings: dict[Joint, tuple[str, ...]] = {}
    for joint in Joint:
        prefix, _, rest = joint.name.lower().partition("_")
        key = rest or prefix
        side = row["sides"][prefix == "r"]
        names = [n.replace("%", side) for n in row.get(key, [])]
        spellings[joint] = tuple(canonical(n) for n in names)
    return spellings


def find_joints(names: Sequence[str]) -> dict[Joint, int]:
    """Index into ``names`` of each joint that was found; the required ones all are.

    Raises:
        DataError: naming the required joints that the best family does not find.
    """
    index = {canonical(n): k for k, n in reversed(list(enumerate(names)))}
    best: dict[Joint, int] = {}
    for family in families():
        found = {
            joint: next(index[o] for o in options if o in index)
            for joint, options in family.spellings.items()
            if any(o in index for o in options)
        }
        best = max(best, found, key=_worth)
    if lacking(best):
        best = max(best, _by_bone_map(names), key=_worth)
    if missing := lacking(best):
        listed = ", ".join(joint_name(j) for j in missing)
        raise DataError(
            f"no joint of it is known to be {listed}: its names must be those of one family "
            f"({', '.join(f.name for f in families())}, or a rig that the add-on knows)."
        )
    return best


def lacking(found: dict[Joint, int]) -> list[Joint]:
    """The required joints that were not found."""
    return [joint for joint in REQUIRED if joint not in found]


def _worth(found: dict[Joint, int]) -> tuple[int, int]:
    return -len(lacking(found)), len(found)


def _by_bone_map(names: Sequence[str]) -> dict[Joint, int]:
    """The joints by the add-on's bone maps: each part's bone begins at its joint."""
    try:
        bone_map = find(names)
    except MappingError:
        return {}
    index = {n: k for k, n in reversed(list(enumerate(names)))}
    found: dict[Joint, int] = {}
    spine = [b.body for b in bone_map.bones if b.part is Part.SPINE]
    for joint, body in zip((Joint.SPINE1, Joint.SPINE2), spine, strict=False):
        found[joint] = index[body]
    for bone in bone_map.bones:
        if bone.part in _BY_PART:
            found.setdefault(Joint[_BY_PART[bone.part]], index[bone.body])
    return found

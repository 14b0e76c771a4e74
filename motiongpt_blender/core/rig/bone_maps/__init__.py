"""Bone maps: the bone of a rig that rotates each part of the body.

``find`` tries names first: every family of rigs in ``families/`` is filled in with the
armature's own spelling, and a shin has to be a descendant of its thigh. Where names fail, the
shape of the skeleton decides (``structure``). Each entry of a map has a confidence, each part
without a bone a reason. Numpy only; never accesses an armature.
"""

from __future__ import annotations

from .bones import Bones
from .detection import explain, find, propose
from .editing import check_map, chosen, from_preset, map_of_rows, mirrored_bone, rows_of, to_preset
from .names import canonical, mirrored_name
from .parts import (
    CHAINS,
    REQUIRED,
    BoneMap,
    Failure,
    MappedBone,
    MappingError,
    Part,
    Source,
    Switch,
    missing,
)
from .tables import families

__all__ = [
    "CHAINS",
    "REQUIRED",
    "BoneMap",
    "Bones",
    "Failure",
    "MappedBone",
    "MappingError",
    "Part",
    "Source",
    "Switch",
    "canonical",
    "check_map",
    "chosen",
    "explain",
    "families",
    "find",
    "from_preset",
    "map_of_rows",
    "mirrored_bone",
    "mirrored_name",
    "missing",
    "propose",
    "rows_of",
    "to_preset",
]

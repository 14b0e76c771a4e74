"""The map of an armature: by name, by shape where names fail, or a sentence that says why."""

from __future__ import annotations

from collections.abc import Iterable

from .bones import Bones
from .parts import REQUIRED, BoneMap, MappingError, missing
from .tables import best_by_name


def find(bones: Bones | Iterable[str]) -> BoneMap:
    """The best map of these bones.

    Args:
        bones: the bones at rest, or their names alone; names alone leave the hierarchy
            unchecked and the shape unused.

    Raises:
        MappingError: when a part that no motion can do without has no bone.
    """
    if not isinstance(bones, Bones):
        bones = Bones.named(bones)
    by_name = best_by_name(bones)
    if missing(by_name):
        raise MappingError(_explain(by_name))
    return by_name


def _explain(nearest: BoneMap) -> str:
    parts = missing(nearest)
    if len(parts) == len(REQUIRED):
        return (
            "none of its bone names is known: use a Rigify rig, a Rigify metarig or an "
            "armature with SMPL bone names (pelvis, l_hip, l_knee, ...)."
        )
    listed = ", ".join(p.words for p in parts)
    return (
        f"it looks like a {nearest.label}, but no bone was found for {listed}: "
        "give those bones their usual names, or choose another armature."
    )

"""An armature's bones as plain arrays, and its bone map.

The map is the one that the animator edited, kept on the armature object; where there is none,
it is detected anew each time. Reads the armature, never changes it.
"""

from __future__ import annotations

from typing import Any

import bpy
import numpy as np
from numpy.typing import NDArray

from ...core.rig.bone_maps import (
    BoneMap,
    Bones,
    MappedBone,
    MappingError,
    Part,
    Source,
    check_made,
    explain,
    find,
    made_map,
    missing,
    propose,
)
from ..access import armature_of
from .vrm import humanoid_rows

#: Maps already proposed and detected, by the armature's bones; the newest last.
_PROPOSED: dict[tuple[Any, ...], BoneMap] = {}
_DETECTED: dict[tuple[Any, ...], BoneMap] = {}
_CACHE_SIZE = 8


def bones_of(armature: bpy.types.Armature) -> Bones:
    """The bones of an armature's data at rest, in its own space."""
    bones = armature.bones
    index = {bone.name: i for i, bone in enumerate(bones)}
    return Bones(
        names=tuple(index),
        parents=tuple(-1 if b.parent is None else index[b.parent.name] for b in bones),
        heads=_points(bones, "head_local"),
        tails=_points(bones, "tail_local"),
    )


def bone_map_of(obj: bpy.types.Object) -> BoneMap:
    """The bone map of an armature object.

    Raises:
        MappingError: when a part that every motion needs has no bone, or the map that the
            animator edited does not fit the bones any more.
    """
    bones = bones_of(armature_of(obj))
    made = edited_bone_map(obj, bones)
    if made is None:
        return _vrm_bone_map(armature_of(obj)) or _detected(bones)
    check_made(made, bones)
    if missing(made):
        raise MappingError(explain(made))
    return made


def _vrm_bone_map(armature: bpy.types.Armature) -> BoneMap | None:
    """The map in the armature's own VRM data; None where there is none or it is incomplete."""
    rows = humanoid_rows(armature)
    found = made_map(bones_of(armature), rows, "vroid") if rows else None
    return None if found is None or missing(found) else found


def _detected(bones: Bones) -> BoneMap:
    """``find``, cached: a take asks for the map more often than the bones change."""
    key = _key(bones)
    if key not in _DETECTED:
        while len(_DETECTED) >= _CACHE_SIZE:
            _DETECTED.pop(next(iter(_DETECTED)))
        _DETECTED[key] = find(bones)
    return _DETECTED[key]


def edited_bone_map(obj: bpy.types.Object, bones: Bones) -> BoneMap | None:
    """The map that the animator edited, unchecked; None when there is none."""
    kept = getattr(getattr(obj, "motiongpt", None), "bone_map", None)
    if kept is None or not len(kept.rows):
        return None
    return made_map(bones, rows_from(kept), kept.family)


def rows_from(kept: Any) -> tuple[MappedBone, ...]:
    """The rows of a map that is kept on an armature object."""
    return tuple(
        MappedBone(
            part=Part(row.part),
            control=row.bone,
            body=row.body or row.bone,
            raw=row.raw,
            confidence=row.confidence,
            source=Source(row.source),
            note=row.note,
        )
        for row in kept.rows
    )


def detect_bone_map(obj: bpy.types.Object) -> BoneMap:
    """The map in the armature's VRM data, else the one by names and shape; complete or not."""
    return _vrm_bone_map(armature_of(obj)) or propose(bones_of(armature_of(obj)))


def cached_bone_map(obj: bpy.types.Object) -> BoneMap:
    """``detect_bone_map``, cached for drawing."""
    if (found := _vrm_bone_map(armature_of(obj))) is not None:
        return found
    bones = bones_of(armature_of(obj))
    key = _key(bones)
    if key not in _PROPOSED:
        while len(_PROPOSED) >= _CACHE_SIZE:
            _PROPOSED.pop(next(iter(_PROPOSED)))
        _PROPOSED[key] = propose(bones)
    return _PROPOSED[key]


def _key(bones: Bones) -> tuple[Any, ...]:
    """What a map depends on: a bone that was moved may change it."""
    assert bones.heads is not None
    assert bones.tails is not None
    return (bones.names, bones.parents, bones.heads.tobytes(), bones.tails.tobytes())


def _points(bones: bpy.types.ArmatureBones, which: str) -> NDArray[np.float64]:
    flat = np.empty(3 * len(bones), dtype=np.float32)
    bones.foreach_get(which, flat)
    return flat.reshape(-1, 3).astype(np.float64)

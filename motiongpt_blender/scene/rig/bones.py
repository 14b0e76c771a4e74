"""An armature's bones as plain arrays, and the map that counts for it.

The map that the animator made counts, kept on the armature object; where there is none,
the bones are found anew each time. Reads the armature, never changes it.
"""

from __future__ import annotations

from typing import Any

import numpy as np

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
from .vrm import humanoid_rows

#: Proposals already worked out, by what the armature's bones are; the newest last.
_PROPOSED: dict[tuple[Any, ...], BoneMap] = {}
_FOUND: dict[tuple[Any, ...], BoneMap] = {}
_KEPT = 8


def bones_of(armature: Any) -> Bones:
    """The bones of an armature's data at rest, in its own space."""
    bones = armature.bones
    index = {bone.name: i for i, bone in enumerate(bones)}
    return Bones(
        names=tuple(index),
        parents=tuple(-1 if b.parent is None else index[b.parent.name] for b in bones),
        heads=_points(bones, "head_local"),
        tails=_points(bones, "tail_local"),
    )


def bone_map_of(obj: Any) -> BoneMap:
    """The bone map of an armature object.

    Raises:
        MappingError: when a part that no motion can do without has no bone, or the map that
            the animator made does not fit the bones any more.
    """
    bones = bones_of(obj.data)
    made = edited_bone_map(obj, bones)
    if made is None:
        told = _vrm_bone_map(obj.data)
        return _detected(bones) if told is None else told
    check_made(made, bones)
    if missing(made):
        raise MappingError(explain(made))
    return made


def _vrm_bone_map(armature: Any) -> BoneMap | None:
    """The map that the armature's own VRM data tells; None where it tells none or too little."""
    rows = humanoid_rows(armature)
    told = made_map(bones_of(armature), rows, "vroid") if rows else None
    return None if told is None or missing(told) else told


def _detected(bones: Bones) -> BoneMap:
    """``find``, remembered: a take asks for the map more often than the bones change."""
    key = _key(bones)
    if key not in _FOUND:
        while len(_FOUND) >= _KEPT:
            _FOUND.pop(next(iter(_FOUND)))
        _FOUND[key] = find(bones)
    return _FOUND[key]


def edited_bone_map(obj: Any, bones: Bones) -> BoneMap | None:
    """The map that the animator made, unchecked; None when the bones are found anew."""
    kept = getattr(getattr(obj, "motiongpt", None), "bone_map", None)
    if kept is None or not len(kept.rows):
        return None
    return made_map(bones, rows_from(kept), kept.family)


def rows_from(kept: Any) -> tuple[MappedBone, ...]:
    """The rows kept on an armature."""
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


def detect_bone_map(obj: Any) -> BoneMap:
    """What the armature's own VRM data tells, else names and shape; complete or not."""
    return _vrm_bone_map(obj.data) or propose(bones_of(obj.data))


def cached_bone_map(obj: Any) -> BoneMap:
    """``detect_bone_map``, remembered, for drawing."""
    if (told := _vrm_bone_map(obj.data)) is not None:
        return told
    bones = bones_of(obj.data)
    key = _key(bones)
    if key not in _PROPOSED:
        while len(_PROPOSED) >= _KEPT:
            _PROPOSED.pop(next(iter(_PROPOSED)))
        _PROPOSED[key] = propose(bones)
    return _PROPOSED[key]


def _key(bones: Bones) -> tuple[Any, ...]:
    """What a map hangs on: another place of a bone may be another map."""
    assert bones.heads is not None
    assert bones.tails is not None
    return (bones.names, bones.parents, bones.heads.tobytes(), bones.tails.tobytes())


def _points(bones: Any, which: str) -> np.ndarray[Any, np.dtype[np.float64]]:
    flat = np.empty(3 * len(bones), dtype=np.float32)
    bones.foreach_get(which, flat)
    return flat.reshape(-1, 3).astype(np.float64)

"""An armature's bones as plain arrays, and its bone map.

The map is the one that the animator edited, kept with the armature; where there is none,
it is detected anew each time. Reads the armature, never changes it.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Protocol

import bpy
import numpy as np
from numpy.typing import NDArray

from ...core.rig.bone_maps import (
    BoneMap,
    Bones,
    MappedBone,
    MappingError,
    check_map,
    explain,
    find,
    map_of_rows,
    missing,
    propose,
)
from ...core.translation import tr
from ..access import armature_of, bone_names
from ..kept import kept_of
from .vrm import humanoid_rows

#: Names, parents, heads and tails of bones.
_Key = tuple[tuple[str, ...], tuple[int, ...], bytes, bytes]

#: Maps already proposed and detected, by the armature's bones; the newest last.
_PROPOSED: dict[_Key, BoneMap] = {}
_DETECTED: dict[_Key, BoneMap] = {}
_CACHE_SIZE = 8


class StoredBoneMap(Protocol):
    """The map that the animator edited, as the add-on's properties keep it."""

    family: str

    def load(self) -> tuple[MappedBone, ...]:
        """Its rows."""
        ...


def bones_of(armature: bpy.types.Armature) -> Bones:
    """The bones of an armature's data at rest, in its own space.

    Raises:
        RigError: for a name that cannot be read.
    """
    bones = armature.bones
    index = {name: i for i, name in enumerate(bone_names(armature))}
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
    edited = edited_bone_map(obj, bones)
    if edited is None:
        return _vrm_bone_map(armature_of(obj)) or _cached(_DETECTED, find, bones)
    check_map(edited, bones)
    if missing(edited):
        raise MappingError(explain(edited))
    return edited


def _vrm_bone_map(armature: bpy.types.Armature) -> BoneMap | None:
    """The map in the armature's own VRM data; None where there is none or it is incomplete."""
    rows = humanoid_rows(armature)
    found = map_of_rows(bones_of(armature), rows, "vroid") if rows else None
    return None if found is None or missing(found) else found


def edited_bone_map(obj: bpy.types.Object, bones: Bones) -> BoneMap | None:
    """The map that the animator edited, unchecked; None when there is none."""
    stored: StoredBoneMap | None = getattr(kept_of(obj), "bone_map", None)
    rows = stored.load() if stored is not None else ()
    return map_of_rows(bones, rows, stored.family) if stored is not None and rows else None


def detect_bone_map(obj: bpy.types.Object) -> BoneMap:
    """The map in the armature's VRM data, else the one by names and shape; complete or not."""
    return _vrm_bone_map(armature_of(obj)) or propose(bones_of(armature_of(obj)))


def cached_bone_map(obj: bpy.types.Object) -> BoneMap:
    """``detect_bone_map``, cached for drawing."""
    if (found := _vrm_bone_map(armature_of(obj))) is not None:
        return found
    return _cached(_PROPOSED, propose, bones_of(armature_of(obj)))


def why_not_drivable(obj: bpy.types.Object) -> str:
    """Why no motion can be put on an armature's bones, or "". Panels ask at every redraw."""
    bones = bones_of(armature_of(obj))
    found = edited_bone_map(obj, bones) or cached_bone_map(obj)
    return refusal(obj, explain(found, len(bones.names))) if missing(found) else ""


def refusal(obj: bpy.types.Object, why: str) -> str:
    """The sentence that refuses an armature for its bones."""
    return tr("'{name}' cannot be driven: {why}", name=obj.name, why=why)


def _cached(
    cache: dict[_Key, BoneMap], detect: Callable[[Bones], BoneMap], bones: Bones
) -> BoneMap:
    """The result of a detection, kept: maps are asked for more often than bones change."""
    key = _key(bones)
    if key not in cache:
        while len(cache) >= _CACHE_SIZE:
            cache.pop(next(iter(cache)))
        cache[key] = detect(bones)
    return cache[key]


def _key(bones: Bones) -> _Key:
    """What a map depends on: a bone that was moved may change it."""
    assert bones.parents is not None
    assert bones.heads is not None
    assert bones.tails is not None
    return (bones.names, bones.parents, bones.heads.tobytes(), bones.tails.tobytes())


def _points(bones: bpy.types.ArmatureBones, which: str) -> NDArray[np.float64]:
    flat = np.empty(3 * len(bones), dtype=np.float32)
    bones.foreach_get(which, flat)
    return flat.reshape(-1, 3).astype(np.float64)

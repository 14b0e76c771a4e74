"""Finds the twist bones of upper arms and thighs. Reads the armature, never changes it."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

import bpy
import numpy as np

from ...core.body.rotations import Array, inverse, multiply
from ...core.rig.bone_maps import BoneMap, Part
from ...core.rig.twist_bones import TwistBone
from ..access import armature_of, pose_bones
from .bone_transforms import quaternion_of

#: The limbs whose twist a motion has, each with the part that follows.
LIMBS: Final = {"upper_arm": "forearm", "thigh": "shin"}
#: What the name of a twist bone beside the chain contains.
_WORDS: Final = ("twist", "捩")
#: How far a twist bone may begin beside its limb, over the limb's length.
MAX_OFFSET: Final = 0.1


def find_twists(obj: bpy.types.Object, bone_map: BoneMap, axes: Array) -> tuple[TwistBone, ...]:
    """The twist bones that nothing else rotates: no constraint, no driver, no mapped part.

    Rigs whose controls carry each other by constraints distribute their twist themselves.
    """
    if not bone_map.by_hierarchy:
        return ()
    found: list[TwistBone] = []
    for base, following in LIMBS.items():
        for side in "lr":
            upper, lower = (bone_map.of(Part(f"{p}_{side}")) for p in (base, following))
            if upper and lower:
                found += _of_limb(obj, bone_map, axes, upper[0].control, lower[0].control)
    return tuple(found)


def _of_limb(
    obj: bpy.types.Object, bone_map: BoneMap, axes: Array, upper: str, lower: str
) -> Iterator[TwistBone]:
    bones = armature_of(obj).bones
    used = {b.control for b in bone_map.bones} | {b.body for b in bone_map.bones}
    used |= set(bone_map.extras)
    chain: list[bpy.types.Bone] = []
    link = bones[lower].parent
    while link is not None and link.name != upper:
        chain.insert(0, link)
        link = link.parent
    if link is None:
        return
    beside = [b for b in bones[upper].children if b not in chain and b.name != lower]
    beside = [b for b in beside if any(word in b.name.lower() for word in _WORDS)]
    begin, end = (np.array(bones[n].head_local, dtype=np.float64) for n in (upper, lower))
    if any(not _is_free(obj, b, used) or _position_along(b, begin, end) is None for b in chain):
        chain = []
    for bone in (*chain, *beside):
        position = _position_along(bone, begin, end)
        if position is not None and _is_free(obj, bone, used):
            rotation = quaternion_of(bone.matrix_local)
            rest = multiply(inverse(axes), rotation)
            yield TwistBone(bone.name, upper, rest, position, in_chain=bone in chain)


def _is_free(obj: bpy.types.Object, bone: bpy.types.Bone, used: set[str]) -> bool:
    """Whether only its own channels rotate a bone, and it inherits its parent's rotation."""
    posed = pose_bones(obj)[bone.name]
    constrained = any(not c.mute and c.influence > 0 for c in posed.constraints)
    drivers = obj.animation_data.drivers if obj.animation_data is not None else ()
    driven = any(d.data_path.startswith(posed.path_from_id() + ".") for d in drivers)
    return bone.name not in used and bone.use_inherit_rotation and not constrained and not driven


def _position_along(bone: bpy.types.Bone, begin: Array, end: Array) -> float | None:
    """Where a bone begins along a limb, 0 to 1; None when it is too far off the limb."""
    along = end - begin
    length = float(np.linalg.norm(along))
    away = np.array(bone.head_local, dtype=np.float64) - begin
    position = float(away @ along) / max(length, 1e-12) ** 2
    offset = float(np.linalg.norm(away - position * along))
    if offset > MAX_OFFSET * length or not -MAX_OFFSET < position < 1 + MAX_OFFSET:
        return None
    return min(max(position, 0.0), 1.0)

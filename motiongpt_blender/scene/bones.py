"""An armature's bones as plain arrays, and the map that counts for it.

Reads the armature, never changes it.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from ..core.bone_maps import BoneMap, Bones, find


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


def map_of(obj: Any) -> BoneMap:
    """The bone map of an armature object.

    Raises:
        MappingError: when a part that no motion can do without has no bone.
    """
    return find(bones_of(obj.data))


def _points(bones: Any, which: str) -> np.ndarray[Any, np.dtype[np.float64]]:
    flat = np.empty(3 * len(bones), dtype=np.float32)
    bones.foreach_get(which, flat)
    return flat.reshape(-1, 3).astype(np.float64)

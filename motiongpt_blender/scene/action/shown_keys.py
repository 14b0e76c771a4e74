"""The bones whose keys timeline and dope sheet show.

With Blender's *Only Show Selected*, which is on at first, these are the selected ones. An animator
who has selected no bone would see no key of a take; so the take selects the bones that it keys,
and takes this selection away again when it goes.
"""

from __future__ import annotations

from collections.abc import Iterator

import bpy

from ... import compat
from ..access import bone_of_path, pose_bones


def select_unselected(obj: bpy.types.Object, action: bpy.types.Action) -> int:
    """Select the bones that an action keys, where that takes nothing from the animator.

    Returns:
        How many bones were selected: none where a bone is selected already, here or on another
        armature in Pose Mode, which the next tool would then move together with these.
    """
    posed = [other for other in _seen() if other.mode == "POSE"]
    if obj.mode == "EDIT" or any(_any_selected(other) for other in (obj, *posed)):
        return 0
    return select_keyed(obj, action)


def select_keyed(obj: bpy.types.Object, action: bpy.types.Action) -> int:
    """Select the bones that an action keys and no others; how many there are."""
    keyed, count = keyed_bones(action), 0
    for bone in pose_bones(obj):
        wanted = bone.name in keyed and not bone.bone.hide
        count += wanted
        if compat.is_selected(bone) != wanted:
            compat.select(bone, wanted)
    return count


def unselect(obj: bpy.types.Object, action: bpy.types.Action | None, count: int) -> None:
    """Select no bone, if just those are selected that a take has selected: ``count`` keyed ones."""
    if not count or obj.mode == "EDIT":
        return
    selected = list(_selected(obj))
    keyed = keyed_bones(action) if action is not None else {bone.name for bone in selected}
    if len(selected) == count and keyed.issuperset(bone.name for bone in selected):
        for bone in selected:
            compat.select(bone, False)


def keyed_bones(action: bpy.types.Action) -> set[str]:
    """The names of the bones that an action keys."""
    return {bone_of_path(curve.data_path) for curve in compat.all_curves(action)} - {""}


def _selected(obj: bpy.types.Object) -> Iterator[bpy.types.PoseBone]:
    return filter(compat.is_selected, pose_bones(obj))


def _any_selected(obj: bpy.types.Object) -> bool:
    return next(_selected(obj), None) is not None


def _seen() -> Iterator[bpy.types.Object]:
    """The armatures of the view layer in view."""
    layer = bpy.context.view_layer
    objects = layer.objects if layer is not None else ()
    return (obj for obj in objects if obj.type == "ARMATURE")

"""What an animator should know about an armature before a motion is put on it.

No warning stops a take; each is one sentence. Reads the armature only.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

import bpy

from ...core.rig.rig_description import RigDescription
from ...core.rig.rig_options import RigOptions, RootTarget
from ...core.translation import msgid, tr
from ..access import TRANSFORM_PROPERTIES, pose_bones
from .opposing_constraints import HARMLESS, keyable_constraints
from .root_bones import moved_bones

#: This many names are listed, the others are counted.
MAX_LISTED: Final = 4
#: How one, some and many names are listed, by kind.
_ONE: Final = {"bone": msgid("the bone {names}"), "constraint": msgid("the constraint {names}")}
_SOME: Final = {"bone": msgid("the bones {names}"), "constraint": msgid("the constraints {names}")}
_MANY: Final = {
    "bone": msgid("the bones {names} and {more} more"),
    "constraint": msgid("the constraints {names} and {more} more"),
}


def rig_warnings(obj: bpy.types.Object, rig: RigDescription, options: RigOptions) -> Iterator[str]:
    """Sentences about constraints, drivers and hidden bones that touch what a take keys."""
    if names := [c.name for c in _acting(obj)]:
        yield (
            tr(
                "'{name}' is itself moved by {constraints}: they decide its place in the "
                "scene, and the take moves within it.",
                name=obj.name,
                constraints=listed(names, "constraint"),
            )
        )
    if options.root is RootTarget.OBJECT and _is_driven(obj):
        yield (
            tr(
                "Drivers hold '{name}' itself, on which the take keys its path: they "
                "decide its place in the scene; mute them, or choose another root under "
                "Retargeting.",
                name=obj.name,
            )
        )
    moved = moved_bones(obj, rig, options)
    controls = [pose_bones(obj)[c.name] for c in rig.controls]
    keyable = keyable_constraints(obj, {*moved, *(b.name for b in controls)}, moved)
    if off := list(dict.fromkeys(b.name for b, c in keyable if c.influence > 0)):
        yield (
            tr(
                "Constraints on {bones} are switched off while the take plays, because "
                "the take keys what they move.",
                bones=listed(off, "bone"),
            )
        )
    if hidden := [b.name for b in controls if _is_hidden(obj, b)]:
        yield (
            tr(
                "The take keys {bones}, hidden now: show the bone collection to edit the keys.",
                bones=listed(hidden, "bone"),
            )
        )


def listed(names: list[str], kind: str) -> str:
    """Names in a sentence: ``the bones 'a', 'b' and 3 more``."""
    quoted = ", ".join(f"'{n}'" for n in names[:MAX_LISTED])
    if len(names) == 1:
        return tr(_ONE[kind], names=quoted)
    if len(names) <= MAX_LISTED:
        return tr(_SOME[kind], names=quoted)
    return tr(_MANY[kind], names=quoted, more=len(names) - MAX_LISTED)


def _acting(obj: bpy.types.Object) -> Iterator[bpy.types.Constraint]:
    """The constraints that move or rotate an object."""
    for constraint in obj.constraints:
        known = isinstance(constraint, bpy.types.Constraint)
        acts = known and not constraint.mute and constraint.is_valid and constraint.influence > 0
        if acts and constraint.type not in HARMLESS:
            yield constraint


def _is_driven(obj: bpy.types.Object) -> bool:
    """Whether a driver holds where an object is, or how it is rotated."""
    data = obj.animation_data
    drivers = data.drivers if data is not None else ()
    return any(d.data_path in TRANSFORM_PROPERTIES and not d.mute for d in drivers)


def _is_hidden(obj: bpy.types.Object, bone: bpy.types.PoseBone) -> bool:
    if bone.bone.hide or getattr(bone, "hide", False):
        return True
    collections = bone.bone.collections
    return len(collections) > 0 and not any(c.is_visible_effectively for c in collections)

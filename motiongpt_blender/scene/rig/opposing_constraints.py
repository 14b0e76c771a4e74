"""Constraints on the bones that a take keys, and what they do to it. Reads the armature only.

A constraint that moves or rotates a keyed bone shows something else than the keys: a take
switches it off by its influence. Constraints that carry a bone as a parent does stay on, and so
does what a driver holds: no action can key that.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator
from typing import Final

import bpy

from ..access import pose_bones

#: Constraints that change no rotation, and no location where a bone has none of its own.
HARMLESS: Final = frozenset({"LIMIT_SCALE", "MAINTAIN_VOLUME", "COPY_SCALE"})
#: Those that limit a location: the root has one, other bones have none.
LIMIT_LOCATION: Final = frozenset({"LIMIT_LOCATION", "LIMIT_DISTANCE"})
#: Those that carry a bone as a parent does, so that its keys still count.
CARRYING: Final = frozenset({"ARMATURE", "CHILD_OF"})

BoneConstraint = tuple[bpy.types.PoseBone, bpy.types.Constraint]


def constraints_of(bone: bpy.types.PoseBone) -> Iterator[bpy.types.Constraint]:
    """The constraints of a bone that this Blender knows and evaluates."""
    for constraint in bone.constraints:
        # A type of another Blender is a constraint without any property.
        known = isinstance(constraint, bpy.types.Constraint)
        if known and not constraint.mute and constraint.is_valid:
            yield constraint


def opposing_constraints(
    obj: bpy.types.Object, bones: Iterable[str], moved: Collection[str]
) -> list[BoneConstraint]:
    """Each constraint that shows one of these bones elsewhere than its keys, with its owner.

    Args:
        obj: the armature object.
        bones: names of the bones that a take keys.
        moved: those of them that are also moved.
    """
    wanted = set(bones)
    return [
        (bone, constraint)
        for bone in pose_bones(obj)
        for constraint in constraints_of(bone)
        if _opposes(bone, constraint, wanted, moved)
    ]


def keyable_constraints(
    obj: bpy.types.Object, bones: Iterable[str], moved: Collection[str]
) -> list[BoneConstraint]:
    """The same, without those whose influence a driver holds."""
    return [(b, c) for b, c in opposing_constraints(obj, bones, moved) if not is_driven(obj, c)]


def carrying_constraints(obj: bpy.types.Object, bones: Iterable[str]) -> list[BoneConstraint]:
    """Each constraint that carries one of these bones, with the bone."""
    owners = [pose_bones(obj)[name] for name in bones]
    return [(b, c) for b in owners for c in constraints_of(b) if c.type in CARRYING]


def is_driven(obj: bpy.types.Object, constraint: bpy.types.Constraint) -> bool:
    """Whether a driver holds the influence."""
    path = constraint.path_from_id("influence")
    data = obj.animation_data
    return data is not None and any(d.data_path == path for d in data.drivers)


def _opposes(
    bone: bpy.types.PoseBone,
    constraint: bpy.types.Constraint,
    wanted: set[str],
    moved: Collection[str],
) -> bool:
    if isinstance(constraint, bpy.types.KinematicConstraint | bpy.types.SplineIKConstraint):
        return bool(wanted & _chain_of(bone, constraint))
    if bone.name not in wanted or constraint.type in HARMLESS | CARRYING:
        return False
    return bone.name in moved or constraint.type not in LIMIT_LOCATION


def _chain_of(
    bone: bpy.types.PoseBone,
    constraint: bpy.types.KinematicConstraint | bpy.types.SplineIKConstraint,
) -> set[str]:
    """Names of the bones that an IK constraint moves."""
    out: set[str] = set()
    link = bone if getattr(constraint, "use_tail", True) else bone.parent
    remaining = constraint.chain_count  # 0: up to the root
    while link is not None:
        out.add(link.name)
        remaining -= 1
        link = link.parent if remaining else None
    return out

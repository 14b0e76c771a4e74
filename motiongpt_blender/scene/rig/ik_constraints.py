"""IK constraints on the bones that a take keys. Reads the armature only.

Rigs as MikuMikuDance makes them drive their legs by IK constraints on the very bones that are
mapped; a take that keys these bones shows only with the constraints off. Rigs with FK/IK
switches have none on their FK controls.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

import bpy

from ..access import pose_bones


def ik_constraints_on(
    obj: bpy.types.Object, bones: Iterable[str]
) -> Iterator[tuple[bpy.types.PoseBone, bpy.types.KinematicConstraint]]:
    """Each IK constraint that moves one of these bones, with the bone that owns it."""
    wanted = set(bones)
    for bone in pose_bones(obj):
        for constraint in bone.constraints:
            if (
                isinstance(constraint, bpy.types.KinematicConstraint)
                and not constraint.mute
                and constraint.is_valid
                and wanted & chain_of(bone, constraint)
            ):
                yield bone, constraint


def keyable_ik_constraints(
    obj: bpy.types.Object, bones: Iterable[str]
) -> list[tuple[bpy.types.PoseBone, bpy.types.KinematicConstraint]]:
    """The same, without those whose influence a driver holds: no action can key these."""
    return [(b, c) for b, c in ik_constraints_on(obj, bones) if not is_driven(obj, c)]


def chain_of(bone: bpy.types.PoseBone, constraint: bpy.types.KinematicConstraint) -> set[str]:
    """Names of the bones that an IK constraint moves."""
    out: set[str] = set()
    link = bone if constraint.use_tail else bone.parent
    remaining = constraint.chain_count  # 0: up to the root
    while link is not None:
        out.add(link.name)
        remaining -= 1
        link = link.parent if remaining else None
    return out


def is_driven(obj: bpy.types.Object, constraint: bpy.types.Constraint) -> bool:
    """Whether a driver holds the influence."""
    path = constraint.path_from_id("influence")
    data = obj.animation_data
    return data is not None and any(d.data_path == path for d in data.drivers)

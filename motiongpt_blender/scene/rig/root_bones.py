"""The bones above the hips: the one that carries the whole rig, and all that the hips hang on."""

from __future__ import annotations

from typing import Final

import bpy

from ...core.rig.rig_description import RigDescription
from ...core.rig.rig_options import RigOptions, RootTarget
from ...core.translation import tr
from ..access import pose_bones
from ..errors import RigError

#: Names of bones that carry a whole rig, in the order in which they are looked for.
ROOT_BONE_NAMES: Final = (
    "root",
    "Root",
    "ROOT",
    "c_traj",
    "c_pos",
    "MSTR-Root",
    "master",
    "全ての親",
)


def root_bone(obj: bpy.types.Object, rig: RigDescription) -> bpy.types.PoseBone:
    """The bone that carries the whole rig; raises RigError when there is none."""
    used = {c.name for c in rig.controls}
    bones = pose_bones(obj)
    for name in ROOT_BONE_NAMES:
        if name in bones and name not in used:
            return bones[name]
    top = bones[rig.root]
    while top.parent is not None:
        top = top.parent
    if top.name == rig.root:
        raise RigError(
            tr(
                "'{name}' has no bone that carries its hips '{root}': choose Hips or "
                "Object as the root under Retargeting.",
                name=obj.name,
                root=rig.root,
            )
        )
    return top


def moved_bones(obj: bpy.types.Object, rig: RigDescription, options: RigOptions) -> set[str]:
    """Names of the bones that a take moves over the floor: the hips, and a root bone below them."""
    if options.root is not RootTarget.BONE:
        return {rig.root}
    return {rig.root, root_bone(obj, rig).name}


def check_root(obj: bpy.types.Object, rig: RigDescription, options: RigOptions) -> None:
    """Raise RigError unless the chosen root can move."""
    if options.root is RootTarget.BONE:
        root_bone(obj, rig)
    elif options.root is RootTarget.HIPS and pose_bones(obj)[rig.root].bone.use_connect:
        raise RigError(
            tr(
                "'{root}' of '{name}' is connected to its parent and cannot move: choose "
                "Root Bone or Object as the root under Retargeting, or disconnect it in "
                "Edit Mode.",
                root=rig.root,
                name=obj.name,
            )
        )


def hip_ancestors(obj: bpy.types.Object, rig: RigDescription) -> set[str]:
    """Names of the bones that carry the hips, by parent or by constraint."""
    bones = pose_bones(obj)
    found = {name for name in ROOT_BONE_NAMES if name in bones and name != rig.root}
    pending = [bones[rig.root]]
    while pending:
        bone = pending.pop()
        above = [bone.parent] if bone.parent is not None else []
        for constraint in bone.constraints if bone.name != rig.root else ():
            named = [getattr(constraint, "subtarget", "")]
            named += [t.subtarget for t in getattr(constraint, "targets", ())]
            above += [bones[n] for n in named if n in bones]
        for ancestor in above:
            if ancestor.name not in found and ancestor.name != rig.root:
                pending.append(ancestor)
            found.add(ancestor.name)
    return found - {rig.root}

"""The hands and feet of an armature that are not children of their limbs."""

from __future__ import annotations

import bpy

from ...core.rig.detached_limb import DetachedLimb
from ...core.rig.rig_description import RigDescription
from ..access import pose_bones
from .description import rest_in_model_axes


def detached_limbs(obj: bpy.types.Object, rig: RigDescription) -> tuple[DetachedLimb, ...]:
    """The hands and feet that a take has to move; a connected bone cannot move."""
    heads = {c.name: c.head for c in rig.controls}
    found: list[DetachedLimb] = []
    for control in rig.controls:
        bone = pose_bones(obj)[control.name]
        if control.carrier is None or bone.bone.use_connect:
            continue
        rest, head = rest_in_model_axes(rig, bone)
        parent_head = heads[control.parent or rig.root]
        found.append(DetachedLimb(control, control.carrier, rest, head, parent_head))
    return tuple(found)

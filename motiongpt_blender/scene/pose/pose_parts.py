"""Which bones belong to which part of the body, and what marked poses constrain of them."""

from __future__ import annotations

from collections.abc import Sequence

import bpy

from ...core.pose_constraints.body_parts import is_whole_body, limit_to_parts
from ...core.pose_constraints.marked_pose import MarkedPose
from ...core.pose_constraints.rig_pose import RigPose
from ...core.rig.bone_maps import Part
from ...core.rig.rig_description import RigDescription
from ...core.translation import tr
from ..access import pose_bones
from ..errors import RigError


def constrained_poses(
    obj: bpy.types.Object, rig: RigDescription, marked: Sequence[MarkedPose], start_frame: float
) -> dict[int, RigPose]:
    """Index of a frame, from ``start_frame`` on -> what the marked pose there constrains."""
    whole = all(is_whole_body(m.body_parts) for m in marked)
    owners = {} if whole else parts_by_bone(obj, rig)
    return {
        round(m.frame - start_frame): limit_to_parts(m.pose, m.body_parts, owners, rig.root)
        for m in marked
    }


def check_bones(obj: bpy.types.Object, marked: Sequence[MarkedPose]) -> None:
    """Raise RigError when a pose has a control that is gone or was renamed."""
    for mark in marked:
        gone = next((name for name in mark.pose.rotations if name not in pose_bones(obj)), None)
        if gone is not None:
            raise RigError(
                tr(
                    "The pose at frame {frame:g} was marked with the bone '{gone}', which is "
                    "gone or has another name now: rename it back, or mark the pose again.",
                    frame=mark.frame,
                    gone=gone,
                )
            )


def parts_by_bone(obj: bpy.types.Object, rig: RigDescription) -> dict[str, Part]:
    """Bone -> the part whose control carries it; bones that none carries are left out.

    A bone that copies the transforms of another one is carried by that one, not by its parent:
    the hands and the head of a generated Rigify rig carry its fingers and face in this way.
    """
    controlled = {c.body: c.part for c in rig.controls} | {c.name: c.part for c in rig.controls}
    parts: dict[str, Part] = {}
    for bone in pose_bones(obj):
        above, seen = bone, set[str]()
        while above is not None and above.name not in controlled and above.name not in seen:
            seen.add(above.name)
            above = _copied_bone(obj, above) or above.parent
        if above is not None and above.name in controlled:
            parts[bone.name] = controlled[above.name]
    return parts


def _copied_bone(obj: bpy.types.Object, bone: bpy.types.PoseBone) -> bpy.types.PoseBone | None:
    """The bone of the same armature whose transforms a bone copies entirely, or None."""
    for constraint in bone.constraints:
        if (
            isinstance(constraint, bpy.types.CopyTransformsConstraint)
            and not constraint.mute
            and constraint.influence == 1.0
            and constraint.target == obj
        ):
            return pose_bones(obj).get(constraint.subtarget)
    return None

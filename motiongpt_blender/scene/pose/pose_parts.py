"""What marked poses bind of an armature: its bones sorted by the parts of the body."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from ...core.pose_constraints.body_parts import is_whole_body, limit_to_parts
from ...core.pose_constraints.correction import RigPose
from ...core.pose_constraints.marked_pose import MarkedPose
from ...core.rig.bone_maps import Part
from ...core.rig.rig_description import RigDescription
from ..rig.description import RigError


def constrained_poses(
    obj: Any, rig: RigDescription, marked: Sequence[MarkedPose], start_frame: float
) -> dict[int, RigPose]:
    """What each marked pose binds, by the index of its frame in a motion from ``start_frame``."""
    whole = all(is_whole_body(m.body_parts) for m in marked)
    owners = {} if whole else parts_by_bone(obj, rig)
    return {
        round(m.frame - start_frame): limit_to_parts(m.pose, m.body_parts, owners, rig.root)
        for m in marked
    }


def check_bones(obj: Any, marked: Sequence[MarkedPose]) -> None:
    """Raise RigError when a pose speaks of a control that is gone or is called otherwise now."""
    for mark in marked:
        gone = next((name for name in mark.pose.rotations if name not in obj.pose.bones), None)
        if gone is not None:
            raise RigError(
                f"The pose at frame {mark.frame:g} was marked with the bone '{gone}', which is "
                "gone or has another name now: rename it back, or mark the pose again."
            )


def parts_by_bone(obj: Any, rig: RigDescription) -> dict[str, Part]:
    """Bone -> the part whose control carries it; bones that hang on none are left out.

    A bone that copies another one's transforms is carried by that one, not by its parent:
    so do the fingers and the face of a generated Rigify rig hang on its hands and its head.
    """
    owned = {c.body: c.part for c in rig.controls} | {c.name: c.part for c in rig.controls}
    parts: dict[str, Part] = {}
    for bone in obj.pose.bones:
        above, seen = bone, set[str]()
        while above is not None and above.name not in owned and above.name not in seen:
            seen.add(above.name)
            above = _copied(obj, above) or above.parent
        if above is not None and above.name in owned:
            parts[bone.name] = owned[above.name]
    return parts


def _copied(obj: Any, bone: Any) -> Any:
    """The bone of the same armature that a bone is always where, or None."""
    for constraint in bone.constraints:
        if (
            constraint.type == "COPY_TRANSFORMS"
            and not constraint.mute
            and constraint.influence == 1.0
            and constraint.target == obj
        ):
            return obj.pose.bones.get(constraint.subtarget)
    return None

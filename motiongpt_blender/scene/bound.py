"""What marked poses bind of an armature: its bones sorted by the parts of the body."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from ..core.binding import is_whole, limited
from ..core.bone_maps import Part
from ..core.keys import RigPose
from ..core.poses import MarkedPose
from ..core.retarget import RigDescription


def bound_poses(
    obj: Any, rig: RigDescription, marked: Sequence[MarkedPose], start_frame: float
) -> dict[int, RigPose]:
    """What each marked pose binds, by the index of its frame in a motion from ``start_frame``."""
    whole = all(is_whole(m.binds) for m in marked)
    owners = {} if whole else part_of_bones(obj, rig)
    return {
        round(m.frame - start_frame): limited(m.pose, m.binds, owners, rig.root) for m in marked
    }


def part_of_bones(obj: Any, rig: RigDescription) -> dict[str, Part]:
    """Bone -> the part whose control carries it; bones that hang on none are left out."""
    owned = {c.body: c.part for c in rig.controls} | {c.name: c.part for c in rig.controls}
    parts: dict[str, Part] = {}
    for bone in obj.pose.bones:
        above = bone
        while above is not None and above.name not in owned:
            above = above.parent
        if above is not None:
            parts[bone.name] = owned[above.name]
    return parts

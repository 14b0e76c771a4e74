"""What the panel shows of the demo's character: its marked poses, its request, its take.

Only while the add-on is registered has Blender a place for them, so it is for a moment.
"""

from __future__ import annotations

from collections.abc import Sequence

import bpy

from .. import registration
from ..core.pose_constraints.marked_pose import MarkedPose
from ..core.timeline.plan import Plan
from ..properties import armature


def save_with_panel(
    path: str, obj: bpy.types.Object, planned: Plan, marked: Sequence[MarkedPose], seed: int
) -> None:
    """Save the file so that the add-on's panel shows what the take was made from.

    Raises:
        RuntimeError: the file cannot be written.
    """
    registration.register()
    try:
        kept = armature.of(obj)
        kept.request.prompt, kept.request.seed = planned.prompt, seed
        for pose in marked:
            kept.poses.add().store(pose)
        kept.takes.adopt(kept.takes.unlisted(obj))
        bpy.ops.wm.save_as_mainfile(filepath=path, compress=True)
    finally:
        registration.unregister()

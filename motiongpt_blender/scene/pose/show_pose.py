"""A marked pose on the armature again: to look at, to change, and to mark anew.

A pose keeps the own channels of every bone, targets of inverse kinematics too. So it is shown
as it was made, and not by the FK controls that a take shows it with. Keys stay as they are:
the next change of frame shows them again.
"""

from __future__ import annotations

import math
from typing import Any

from ...core.body.transforms import rest_transform
from ...core.pose_constraints.marked_pose import MarkedPose
from ...core.rig.rig_description import RigDescription
from ..rig.description import RigError
from ..rig.ik_constraints import ik_influences
from .pose_parts import check_bones
from .undriven_bones import in_mode, own_transform, set_transform


def show_pose(scene: Any, obj: Any, rig: RigDescription, marked: MarkedPose) -> None:
    """Go to the pose's frame; bones, switches and IK constraints become as they were marked.

    Raises:
        RigError: for a pose that was kept without all bones, or with one that is gone; nothing
            has changed then.
    """
    pose, frame = marked.pose, math.floor(marked.frame)
    if pose.transforms is None:
        raise RigError(
            "This pose was kept without all bones and cannot be shown: go to its frame and mark "
            "it again."
        )
    check_bones(obj, (marked,))
    scene.frame_set(frame, subframe=marked.frame - frame)
    bones = obj.pose.bones
    for bone in bones:
        mode = str(bone.rotation_mode)
        wanted = in_mode(pose.transforms.get(bone.name, rest_transform(mode)), mode)
        if own_transform(bone) != wanted:
            set_transform(bone, wanted)
    for name, prop, value in pose.switches:
        if name in bones and prop in bones[name]:
            bones[name][prop] = type(bones[name][prop])(value)
    told = pose.influences or ik_influences(obj, [c.name for c in rig.controls])
    for name, constraint, influence in told:
        solver = bones[name].constraints.get(constraint) if name in bones else None
        if solver is not None:
            solver.influence = influence
    obj.update_tag()  # drivers do not see a property that is set from Python

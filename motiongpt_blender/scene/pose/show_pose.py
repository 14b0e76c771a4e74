"""A marked pose shown on the armature again: to look at it, to change it and to mark it anew.

A pose keeps the own channels of every bone, IK controls too, so it is shown as it was made and
not by the FK controls that a take keys. Keys stay as they are: the next change of frame shows
them again.
"""

from __future__ import annotations

import math

import bpy

from ...core.body.transforms import rest_transform
from ...core.pose_constraints.marked_pose import MarkedPose
from ...core.translation import tr
from ..access import pose_bones
from ..errors import RigError
from ..rig.bone_transforms import in_mode, own_transform, set_transform
from .pose_parts import check_bones
from .rest_pose import carried_over


def show_pose(scene: bpy.types.Scene, obj: bpy.types.Object, marked: MarkedPose) -> None:
    """Go to the pose's frame and set bones, switches and IK constraints as they were marked.

    Raises:
        RigError: for a pose that was kept without all bones, with one that is gone, or made with
            another rest pose; nothing has changed then.
    """
    frame = math.floor(marked.frame)
    if marked.pose.transforms is None:
        raise RigError(
            tr(
                "This pose was kept without all bones and cannot be shown: go to its "
                "frame and mark it again."
            )
        )
    check_bones(obj, (marked,))
    marked = carried_over(obj, (marked,))[0]
    scene.frame_set(frame, subframe=marked.frame - frame)
    pose, bones = marked.pose, pose_bones(obj)
    transforms = pose.transforms or {}
    for bone in bones:
        mode = str(bone.rotation_mode)
        transform = in_mode(transforms.get(bone.name, rest_transform(mode)), mode)
        if own_transform(bone) != transform:
            set_transform(bone, transform)
    for name, prop, value in pose.switches:
        if name in bones and prop in bones[name]:
            bones[name][prop] = type(bones[name][prop])(value)
    for name, constraint, influence in pose.influences:
        if name in bones and constraint in bones[name].constraints:
            bones[name].constraints[constraint].influence = influence
    obj.update_tag()  # drivers do not notice a property that is set from Python

"""What the add-on keeps on an armature object: request, poses, way, bones, options, takes."""

from __future__ import annotations

import math
from typing import cast

import bpy

from ..core.timeline.mark_frames import free_frame
from ..scene.kept import PROPERTY, kept_of
from .bone_map import MotionGPTBoneMap
from .marked_pose import MotionGPTPose
from .request import OVERRIDABLE, MotionGPTRequest
from .retargeting import MotionGPTRetargeting
from .sequence import MotionGPTSequence
from .takes import MotionGPTTakes
from .way import MotionGPTWay


def _frame(group: MotionGPTArmature) -> int:
    return group.active_pose.frame if group.active_pose is not None else 0


def _set_frame(group: MotionGPTArmature, frame: int) -> None:
    """Move the chosen pose by whole frames."""
    if (pose := group.active_pose) is not None:
        group.move_pose(group.active, frame + pose.at - pose.frame)
        group.sort_poses()


class MotionGPTArmature(bpy.types.PropertyGroup):
    """Request, marked poses, way, bone map, options, sequence and takes of one armature."""

    request: bpy.props.PointerProperty(type=MotionGPTRequest, override=OVERRIDABLE)
    poses: bpy.props.CollectionProperty(type=MotionGPTPose)
    active: bpy.props.IntProperty(name="Active pose")
    active_frame: bpy.props.IntProperty(
        name="Frame",
        description="Frame of the chosen pose. Two poses cannot share one",
        get=_frame,
        set=_set_frame,
    )
    bone_map: bpy.props.PointerProperty(type=MotionGPTBoneMap)
    retargeting: bpy.props.PointerProperty(type=MotionGPTRetargeting)
    sequence: bpy.props.PointerProperty(type=MotionGPTSequence)
    takes: bpy.props.PointerProperty(type=MotionGPTTakes)
    way: bpy.props.PointerProperty(type=MotionGPTWay)

    @property
    def active_pose(self) -> MotionGPTPose | None:
        """The chosen pose, or None."""
        return self.poses[self.active] if 0 <= self.active < len(self.poses) else None

    def move_pose(self, index: int, frame: float) -> float:
        """Move a pose to a frame, or to the nearest one that no other pose has; returns it.

        The list's order stays: see ``sort_poses``.
        """
        others = [pose.at for k, pose in enumerate(self.poses) if k != index]
        pose, at = self.poses[index], free_frame(frame, others)
        pose.frame = math.floor(at)
        pose.subframe = at - pose.frame
        return pose.at

    def sort_poses(self) -> None:
        """Bring the list into time order. The active pose stays the active one."""
        active = self.active_pose.at if self.active_pose is not None else None
        for end in range(len(self.poses), 1, -1):
            for k in range(end - 1):
                if self.poses[k].at > self.poses[k + 1].at:
                    self.poses.move(k, k + 1)
        for k, pose in enumerate(self.poses):
            if pose.at == active:
                self.active = k


def of(obj: bpy.types.Object) -> MotionGPTArmature:
    """What the add-on keeps of an armature object, to be read."""
    return cast("MotionGPTArmature", kept_of(obj))


def is_librarys(obj: bpy.types.Object) -> bool:
    """Whether what is kept of a library override is still what its library has."""
    return obj.override_library is not None and of(obj).id_data == obj


def editable_of(obj: bpy.types.Object) -> MotionGPTArmature:
    """What the add-on keeps of an armature object, to be changed; a library override gets its own.

    Blender lets no panel and no ``poll`` call this.
    """
    if not is_librarys(obj):
        return of(obj)
    scene = next(s for s in (*obj.users_scene, *bpy.data.scenes) if s.library is None)
    entry = getattr(scene, PROPERTY).overrides.add()
    entry.fill_in(obj, of(obj))
    return of(obj)

"""Where a clip begins on an armature, and how many of the scene's frames it lasts."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from ...core.body.motion import MotionClip, heading, place_at_origin
from ...core.body.resampling import resample_motion
from ...core.body.rotations import Array, about_y, rotate
from ...core.pose_constraints.body_parts import constrains_root
from ...core.pose_constraints.marked_pose import MarkedPose, PoseRole
from ..scene_time import scene_fps


def place_clip(
    clip: MotionClip,
    marked: Sequence[MarkedPose],
    start_frame: float,
    standing: Array,
    count: int | None = None,
    *,
    placed: bool = False,
) -> Array:
    """The clip's joints (T, 22, 3) at the scene's frame rate, moved to where it begins.

    Args:
        clip: the generated clip.
        marked: poses; the first one that constrains the hips says where the motion is.
        start_frame: scene frame of the motion's first frame.
        standing: (22, 3) metres, where it begins without a pose.
        count: scene frames to write; None: up to the end pose, else as long as the clip.
        placed: the clip lies where it belongs already.
    """
    fps = scene_fps()
    count = count or _frame_count(clip, marked, start_frame, fps)
    joints = resample_motion(np.asarray(clip.joints, dtype=np.float64), clip.fps, fps, count)
    if placed:
        return joints
    with_root = (m for m in marked if constrains_root(m.body_parts))
    first = min(with_root, key=lambda m: m.frame, default=None)
    if first is not None and first.frame - start_frame < count:
        index, standing = max(round(first.frame - start_frame), 0), first.joints
    else:
        index = 0
    return _moved_to(joints, index, standing)


def _frame_count(
    clip: MotionClip, marked: Sequence[MarkedPose], start_frame: float, fps: float
) -> int:
    """Scene frames to write: up to the end pose where one is marked, else the clip's own."""
    ends = [m.frame for m in marked if m.role is PoseRole.END and m.frame > start_frame]
    if ends:
        return round(max(ends) - start_frame) + 1
    return max(round(clip.seconds * fps) + 1, 1)


def _moved_to(joints: Array, index: int, standing: Array) -> Array:
    """The motion (T, 22, 3) moved on the floor so that its frame ``index`` is at a pose (22, 3)."""
    target = np.asarray(standing, dtype=np.float64)
    joints = place_at_origin(joints)
    body = joints[index]
    rotation = about_y(heading(target) - heading(body))
    level = np.array([1.0, 0.0, 1.0])
    rotated = rotate(np.broadcast_to(rotation, (*joints.shape[:-1], 4)), joints - body[0] * level)
    return rotated + target[0] * level

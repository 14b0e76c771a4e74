"""Where the motion that is being written would play. Reads the scene, never changes it."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import bpy
import numpy as np

from ...core.body.motion import MotionClip, MotionError
from ...core.body.rotations import Array
from ...core.overlays.sketch import in_armature
from ...core.pose_constraints.marked_pose import MarkedPose
from ...core.rig.rig_description import RigDescription
from ...core.timeline.frame_range import Fit
from ..scene_time import scene_fps
from .place_clip import place_clip
from .trails import parent_matrix


def load_sketch(folder: Path, name: str) -> MotionClip | None:
    """The motion so far from a job's folder; None where it cannot be read, or is gone already."""
    if not name or Path(name).name != name:
        return None
    try:
        return MotionClip.load(folder / name)
    except (MotionError, OSError):
        return None


def sketched_joints(
    rig: RigDescription,
    clip: MotionClip,
    marked: Sequence[MarkedPose],
    start_frame: float,
    standing: Array,
) -> Array:
    """Joints (T, 22, 3) of the motion so far, one a scene frame, in the armature's space.

    Args:
        rig: its description.
        clip: the motion so far.
        marked: poses; as in ``place_clip``, but the motion ends where it has come to.
        start_frame: scene frame of its first frame.
        standing: (22, 3) metres, where it begins without a pose.
    """
    count = max(round(clip.seconds * scene_fps()) + 1, 1)
    return in_armature(rig, place_clip(clip, marked, start_frame, standing, count))


def sketch_matrix(obj: bpy.types.Object, fit: Fit) -> Array:
    """Matrix (4, 4) from the space of a take's joints to the world."""
    if fit.object_matrix is None:
        return np.array(obj.matrix_world, dtype=np.float64)
    return parent_matrix(obj) @ fit.object_matrix

"""How the armature is posed and moves beside a take, and what comes before it.

The scene's frame and the armature's pose are put back afterwards; nothing else is touched.
"""

from __future__ import annotations

from collections.abc import Sequence

import bpy
import numpy as np
from mathutils import Matrix
from numpy.typing import NDArray

from ...core.body.motion import MODEL_FPS
from ...core.pose_constraints.marked_pose import MarkedPose, PoseRole
from ...core.pose_constraints.rig_pose import RigPose
from ...core.rig.rig_description import RigDescription
from ...core.timeline.frame_range import Join
from ..pose.capture import capture_joints, capture_pose, standing_pose
from ..pose.mark_pose import fit_fk_pose
from ..pose.object_space import transform_joints, transform_pose
from ..pose.rest_pose import rest_pose_of
from ..scene_time import preserving_frame, scene_fps


def motion_history(obj: bpy.types.Object, rig: RigDescription, start: float) -> NDArray[np.float32]:
    """The second before a frame as the model sees it: (20, 22, 3) metres, up to the step before."""
    step = scene_fps() / MODEL_FPS
    with preserving_frame(obj) as show:
        joints: list[NDArray[np.float32]] = []
        for k in range(round(MODEL_FPS), 0, -1):
            show(start - k * step)
            joints.append(capture_joints(obj, rig))
    return np.stack(joints)


def standing_pose_at(obj: bpy.types.Object, rig: RigDescription, frame: float) -> MarkedPose:
    """How the armature is posed at a frame, as the pose in which a take begins there."""
    with preserving_frame(obj) as show:
        show(frame)
        return standing_pose(obj, rig, frame)


def object_matrix_at(obj: bpy.types.Object, frame: float) -> NDArray[np.float64]:
    """The object's own matrix (4, 4) at a frame."""
    with preserving_frame(obj) as show:
        show(frame)
        return np.array(obj.matrix_basis, dtype=np.float64)


def surrounding_poses(
    obj: bpy.types.Object,
    rig: RigDescription,
    ends: Sequence[tuple[float, PoseRole]],
    object_matrix: NDArray[np.float64] | None = None,
) -> tuple[tuple[MarkedPose, ...], tuple[Join, ...]]:
    """The poses at which a take joins the animation beside it, and how that moves there.

    Args:
        obj: the armature object.
        rig: its description.
        ends: first frame (START) and last frame (END) of the take, or one of them.
        object_matrix: (4, 4) the object's own matrix at the take's start, where it travels.
    """
    poses: list[MarkedPose] = []
    joins: list[Join] = []
    with preserving_frame(obj) as show:

        def capture_at(frame: float) -> tuple[RigPose, NDArray[np.float32]]:
            show(frame)
            pose, joints = capture_pose(obj, rig), capture_joints(obj, rig)
            if object_matrix is None:
                return pose, joints
            change = Matrix(object_matrix.tolist()).inverted() @ obj.matrix_basis
            return transform_pose(obj, rig, pose, change), transform_joints(joints, change, rig)

        for frame, role in ends:
            outward = -1 if role is PoseRole.START else 1
            outside = capture_at(frame + outward)[0], capture_at(frame + 2 * outward)[0]
            pose, joints = capture_at(frame)
            _, fk_mismatches = fit_fk_pose(obj, rig)
            poses.append(
                MarkedPose(
                    frame,
                    role,
                    pose,
                    joints,
                    fk_mismatches=fk_mismatches,
                    rest=rest_pose_of(obj, rig, pose),
                )
            )
            joins.append(Join(frame, outside))
    return tuple(poses), tuple(joins)

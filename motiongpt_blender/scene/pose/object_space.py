"""Poses re-expressed in an armature object's space after the object has moved."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import replace

import bpy
import numpy as np
from mathutils import Matrix, Quaternion
from numpy.typing import NDArray

from ...core.body.rotations import inverse, local_basis, rotate
from ...core.pose_constraints.marked_pose import MarkedPose
from ...core.pose_constraints.rig_pose import RigPose
from ...core.rig.rig_description import RigDescription
from ..access import TRANSFORM_PROPERTIES, armature_of
from ..rig.bone_transforms import quaternion_of


def poses_in_object_space(
    obj: bpy.types.Object,
    rig: RigDescription,
    marked: Sequence[MarkedPose],
    object_matrix: NDArray[np.float64] | None,
    animated: Collection[tuple[str, int]],
) -> tuple[MarkedPose, ...]:
    """Marked poses where they were in the scene, for an object that has been moved since.

    Args:
        obj: the armature object.
        rig: its description.
        marked: each in the object's space at the time of marking.
        object_matrix: (4, 4) the object's own matrix at the take's start, where the object
            travels; None: its present one.
        animated: path and index of what is animated; the poses of an object that other
            animation moves stay in its space.
    """
    if object_matrix is None and any(path in TRANSFORM_PROPERTIES for path, _ in animated):
        return tuple(marked)
    now = obj.matrix_basis if object_matrix is None else Matrix(object_matrix.tolist())
    out: list[MarkedPose] = []
    for mark in marked:
        if mark.object_matrix is None:
            out.append(mark)
            continue
        change = now.inverted_safe() @ _with_scale_of(Matrix(mark.object_matrix.tolist()), now)
        if np.allclose(np.array(change), np.eye(4), atol=1e-6):
            out.append(mark)
            continue
        pose = transform_pose(obj, rig, mark.pose, change)
        out.append(replace(mark, pose=pose, joints=transform_joints(mark.joints, change, rig)))
    return tuple(out)


def _with_scale_of(matrix: Matrix, now: Matrix) -> Matrix:
    """A matrix with the present scale: rescaling a character does not move its poses."""
    location, rotation, _ = matrix.decompose()
    return Matrix.LocRotScale(location.to_tuple(), rotation, now.to_scale().to_tuple())


def transform_pose(
    obj: bpy.types.Object, rig: RigDescription, pose: RigPose, change: Matrix
) -> RigPose:
    """A pose transformed by a change of the object's space; what hangs on nothing turns along."""
    rotations = dict(pose.rotations)
    for control in rig.controls:
        if control.parent is None and control.name in rotations:
            basis = Matrix.LocRotScale(None, Quaternion(rotations[control.name]), None)
            q = _moved_basis(obj, control.name, basis, change).to_quaternion()
            rotations[control.name] = (q.w, q.x, q.y, q.z)
    root = Quaternion(pose.rotations.get(rig.root, (1.0, 0.0, 0.0, 0.0)))
    basis = Matrix.LocRotScale(pose.root_location, root, None)
    x, y, z = (float(v) for v in _moved_basis(obj, rig.root, basis, change).translation)
    return replace(pose, rotations=rotations, root_location=(x, y, z))


def _moved_basis(obj: bpy.types.Object, name: str, basis: Matrix, change: Matrix) -> Matrix:
    """The basis with which a bone that nothing carries stands where a change puts it."""
    rest = armature_of(obj).bones[name].matrix_local
    return rest.inverted() @ change @ rest @ basis


def transform_joints(
    joints: NDArray[np.float32], change: Matrix, rig: RigDescription
) -> NDArray[np.float32]:
    """Joints (22, 3) transformed by a change of the object's space.

    Args:
        joints: metres, y up.
        change: matrix from the space in which the joints are to the one that is asked for.
        rig: its axes, unit and floor.
    """
    rotation = local_basis(quaternion_of(change), rig.axes)
    translation = rotate(inverse(rig.axes), np.array(change.translation, dtype=np.float64))
    floor = np.array([0.0, rig.floor, 0.0])
    points = joints * rig.scale + floor
    rotated = rotate(np.broadcast_to(rotation, (len(points), 4)), points)
    return ((rotated + translation - floor) / rig.scale).astype(np.float32)

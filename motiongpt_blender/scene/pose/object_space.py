"""Poses seen from another place of the armature object than they were read at."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import replace
from typing import Any

import numpy as np
from mathutils import Matrix, Quaternion, Vector
from numpy.typing import NDArray

from ...core.body.rotations import inverse, multiply, rotate
from ...core.pose_constraints.correction import RigPose
from ...core.pose_constraints.marked_pose import MarkedPose
from ...core.rig.rig_description import RigDescription
from ..rig.description import quaternion_of

#: Properties that move an object.
_MOVES = ("location", "scale", "rotation_quaternion", "rotation_euler", "rotation_axis_angle")


def poses_in_object_space(
    obj: Any,
    rig: RigDescription,
    marked: Sequence[MarkedPose],
    carrier: NDArray[np.float64] | None,
    animated: Collection[tuple[str, int]],
) -> tuple[MarkedPose, ...]:
    """Marked poses where they stood in the scene, for an object that has been moved since.

    Args:
        obj: the armature object.
        rig: its description.
        marked: as they were marked, each in the object's own space at that time.
        carrier: (4, 4) where the object is at the take's start, where it travels; None: now.
        animated: path and index of what is animated; an object that moves by itself carries
            each pose along.
    """
    if carrier is None and any(path in _MOVES for path, _ in animated):
        return tuple(marked)
    now = obj.matrix_basis if carrier is None else Matrix(carrier.tolist())
    out: list[MarkedPose] = []
    for mark in marked:
        if mark.carrier is None:
            out.append(mark)
            continue
        change = now.inverted_safe() @ _of_size(Matrix(mark.carrier.tolist()), now)
        if np.allclose(np.array(change), np.eye(4), atol=1e-6):
            out.append(mark)
            continue
        pose = transform_pose(obj, rig, mark.pose, change)
        out.append(replace(mark, pose=pose, joints=transform_joints(mark.joints, change, rig)))
    return tuple(out)


def _of_size(carrier: Any, now: Any) -> Any:
    """Where an object was, at the size that it has now: a rescaled character stands as it did."""
    place, turn, _ = carrier.decompose()
    return Matrix.LocRotScale(place, turn, now.to_scale())


def transform_pose(obj: Any, rig: RigDescription, pose: RigPose, change: Any) -> RigPose:
    """A pose of the armature's space where the object itself has moved by ``change``."""
    rest = obj.data.bones[rig.root].matrix_local
    root = pose.rotations.get(rig.root, (1.0, 0.0, 0.0, 0.0))
    basis = Matrix.LocRotScale(Vector(pose.root_location), Quaternion(root), None)
    moved = rest.inverted() @ change @ rest @ basis
    w, x, y, z = (float(v) for v in moved.to_quaternion())
    place = moved.translation
    return replace(
        pose,
        rotations={**pose.rotations, rig.root: (w, x, y, z)},
        root_location=(float(place[0]), float(place[1]), float(place[2])),
    )


def transform_joints(
    joints: NDArray[np.float32], change: Any, rig: RigDescription
) -> NDArray[np.float32]:
    """Joints (22, 3) of the armature's space where the object itself has moved to.

    Args:
        joints: metres, y up.
        change: matrix of the object now in its own space at another frame.
        rig: its axes, unit and floor.
    """
    turn = multiply(multiply(inverse(rig.axes), quaternion_of(change)), rig.axes)
    way = rotate(inverse(rig.axes), np.array(change.translation, dtype=np.float64))
    floor = np.array([0.0, rig.floor, 0.0])
    points = joints * rig.scale + floor
    turned = rotate(np.broadcast_to(turn, (len(points), 4)), points)
    return ((turned + way - floor) / rig.scale).astype(np.float32)

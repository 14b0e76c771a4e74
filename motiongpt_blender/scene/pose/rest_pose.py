"""Marked poses carried over to the present rest pose, or refused.

A pose says how bones stand away from their rest pose: see ``core.pose_constraints.rest_pose``.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace

import bpy
import numpy as np
from mathutils import Matrix, Quaternion

from ...core.body.rotations import IDENTITY, inverse, multiply, rotate
from ...core.body.transforms import TOLERANCE, Transform
from ...core.pose_constraints.marked_pose import MarkedPose
from ...core.pose_constraints.rest_pose import (
    RestBone,
    RestChange,
    RestPose,
    RestPoseError,
    rest_change,
)
from ...core.pose_constraints.rig_pose import RigPose, Vector
from ...core.rig.rig_description import RigDescription
from ...core.translation import tr
from ..access import armature_of
from ..errors import RigError
from ..rig.bone_transforms import location_axes_of, quaternion_in, quaternion_of, rotation_in_mode


def rest_pose_of(obj: bpy.types.Object, rig: RigDescription, pose: RigPose) -> RestPose:
    """The rest pose of the bones that a pose depends on: what it moves, and what shows it."""
    names = (*pose.rotations, *(c.body for c in rig.controls), *(pose.transforms or {}))
    return _rest_bones(obj, names)


def carried_over(
    obj: bpy.types.Object, marked: Sequence[MarkedPose], rig: RigDescription | None = None
) -> tuple[MarkedPose, ...]:
    """Marked poses as the present rest pose shows them.

    Args:
        obj: the armature object.
        marked: the poses; one without a known rest pose stays as it is.
        rig: the armature's description; None: only the bones' own channels are needed.

    Raises:
        RigError: when the rest pose was changed so that a pose cannot be carried over.
    """
    return tuple(_carried_over(obj, mark, rig) for mark in marked)


def check_rest_pose(obj: bpy.types.Object, marked: Sequence[MarkedPose]) -> None:
    """Raise RigError when the rest pose is not that of the poses any more."""
    for mark in marked:
        if mark.rest is not None and not _change_since(obj, mark, mark.rest).nothing:
            raise RigError(
                tr(
                    "The rest pose of '{name}' was changed while its motion was made: press "
                    "Generate again.",
                    name=obj.name,
                )
            )


def _carried_over(
    obj: bpy.types.Object, mark: MarkedPose, rig: RigDescription | None
) -> MarkedPose:
    if mark.rest is None:
        return mark
    change = _change_since(obj, mark, mark.rest)
    if change.nothing:
        return mark
    rest = _rest_bones(obj, mark.rest)
    try:
        root = rig.root if rig is not None else ""
        pose = _carried_pose(mark.pose, root, mark.rest, rest, change)
    except RestPoseError as error:
        raise _refused(obj, mark, error) from None
    joints, object_matrix = mark.joints, mark.object_matrix
    if change.moved and rig is not None:
        away = rotate(inverse(rig.axes), change.translation) / rig.scale
        joints = (joints + away * np.array([1.0, 0.0, 1.0])).astype(np.float32)
    if change.moved and object_matrix is not None:
        object_matrix = object_matrix @ np.array(_matrix(change).inverted(), dtype=np.float64)
    return replace(mark, pose=pose, joints=joints, object_matrix=object_matrix, rest=rest)


def _change_since(obj: bpy.types.Object, mark: MarkedPose, rest: RestPose) -> RestChange:
    try:
        return rest_change(rest, _rest_bones(obj, rest))
    except RestPoseError as error:
        raise _refused(obj, mark, error) from None


def _refused(obj: bpy.types.Object, mark: MarkedPose, error: RestPoseError) -> RigError:
    return RigError(
        tr(
            "The rest pose of '{name}' was changed (bone '{bone}') since the pose at "
            "frame {frame:g} was marked, so the pose is another one now: mark it "
            "again, or undo the change.",
            name=obj.name,
            bone=error.bone,
            frame=mark.frame,
        )
    )


def _rest_bones(obj: bpy.types.Object, names: Iterable[str]) -> RestPose:
    """These bones at rest, those that are gone left out."""
    bones = armature_of(obj).bones
    found = (bones[name] for name in dict.fromkeys(names) if name in bones)
    return {
        bone.name: RestBone(
            quaternion_of(bone.matrix_local),
            np.array(bone.head_local, dtype=np.float64),
            bone.parent.name if bone.parent is not None else "",
            quaternion_of(location_axes_of(bone)),
        )
        for bone in found
    }


def _matrix(change: RestChange) -> Matrix:
    """The move, turn and growth of the whole armature, (4, 4)."""
    rotation = Quaternion(change.rotation.tolist())
    return Matrix.LocRotScale(change.translation.tolist(), rotation, (change.scale,) * 3)


def _carried_pose(
    pose: RigPose, root: str, before: RestPose, after: RestPose, change: RestChange
) -> RigPose:
    """A pose that looks the same on the changed rest pose."""
    rotations = dict(pose.rotations)
    for name in rotations.keys() & change.rolls.keys():
        w, x, y, z = _rolled(np.array(rotations[name]), change.rolls[name])
        rotations[name] = (w, x, y, z)
    location = change.scale * np.array(pose.root_location)
    if root in change.rolls:
        location = rotate(inverse(change.rolls[root]), location)
    beside: dict[str, Vector] = {}
    for name, own in pose.limb_locations.items():
        x, y, z = (
            float(v)
            for v in change.scale * rotate(inverse(change.rolls.get(name, IDENTITY)), np.array(own))
        )
        beside[name] = (x, y, z)
    transforms = pose.transforms
    if transforms is not None:
        transforms = {
            name: _carried_transform(name, own, before[name], after[name], change)
            if name in after
            else own
            for name, own in transforms.items()
        }
    x, y, z = (float(v) for v in location)
    return replace(
        pose,
        rotations=rotations,
        root_location=(x, y, z),
        transforms=transforms,
        limb_locations=beside,
    )


def _carried_transform(
    name: str, own: Transform, before: RestBone, after: RestBone, change: RestChange
) -> Transform:
    """A bone's own channels on the changed rest pose; raises RestPoseError for a skewed scale."""
    location = rotate(inverse(before.location_axes), np.array(own.location))
    roll = change.rolls.get(name)
    rotation = own.rotation
    if roll is not None:
        if abs(own.scale[0] - own.scale[2]) > TOLERANCE:
            raise RestPoseError(name)
        location = rotate(inverse(roll), location)
        away = np.array(quaternion_in(own), dtype=np.float64)
        rotation = rotation_in_mode(Quaternion(_rolled(away, roll)), own.mode)
    x, y, z = (float(v) for v in rotate(after.location_axes, change.scale * location))
    return Transform(own.mode, (x, y, z), rotation, own.scale)


def _rolled(rotation: np.ndarray, roll: np.ndarray) -> tuple[float, ...]:
    """A basis rotation (4,) in the axes of a bone that was rolled."""
    return tuple(float(v) for v in multiply(multiply(inverse(roll), rotation), roll))

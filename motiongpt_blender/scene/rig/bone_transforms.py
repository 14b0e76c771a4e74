"""The own channels of a bone or an object: location, rotation in its mode, and scale."""

from __future__ import annotations

from typing import Final, Literal, cast

import bpy
import numpy as np
from mathutils import Euler, Matrix, Quaternion

from ...core.body.rotations import Array
from ...core.body.transforms import Transform
from ..access import pose_bones

#: Values of these at rest, whatever the rotation mode.
_AT_REST: Final = {
    "location": (0.0, 0.0, 0.0),
    "scale": (1.0, 1.0, 1.0),
    "rotation_quaternion": (1.0, 0.0, 0.0, 0.0),
    "rotation_euler": (0.0, 0.0, 0.0),
    "rotation_axis_angle": (0.0, 0.0, 1.0, 0.0),
}
_EulerOrder = Literal["XYZ", "XZY", "YXZ", "YZX", "ZXY", "ZYX"]
_RotationMode = Literal["QUATERNION", "AXIS_ANGLE"] | _EulerOrder
_ROTATION_PROPERTIES: Final = {
    "QUATERNION": "rotation_quaternion",
    "AXIS_ANGLE": "rotation_axis_angle",
}


def rotation_property(mode: str) -> str:
    """The property that holds the rotation in a rotation mode."""
    return _ROTATION_PROPERTIES.get(mode, "rotation_euler")


def own_transform(owner: bpy.types.PoseBone | bpy.types.Object) -> Transform:
    """The own channels of a bone or an object."""
    mode = str(owner.rotation_mode)
    return Transform(
        mode,
        tuple(float(v) for v in owner.location),
        tuple(float(v) for v in getattr(owner, rotation_property(mode))),
        tuple(float(v) for v in owner.scale),
    )


def location_axes(bone: bpy.types.PoseBone) -> Matrix:
    """(3, 3) from a location in a bone's own axes to the one that its property holds.

    A bone without Local Location moves along the axes of its parent, or of the armature.
    """
    return location_axes_of(bone.bone)


def location_axes_of(bone: bpy.types.Bone) -> Matrix:
    """The same of a bone of the armature's data."""
    if bone.use_local_location:
        return Matrix.Identity(3)
    rest, parent = bone.matrix_local.to_3x3(), bone.parent
    return parent.matrix_local.to_3x3().inverted() @ rest if parent is not None else rest


def carrying_matrix(bone: bpy.types.PoseBone) -> Matrix:
    """Where a bone stands in the armature with its own channels at rest, as evaluated last."""
    own = bone.matrix_basis.copy()
    own.translation = location_axes(bone).inverted() @ own.translation
    return bone.matrix @ own.inverted()


def rest_below_ancestors(bone: bpy.types.PoseBone) -> Matrix:
    """The basis with which a bone stands as at rest, below bones that are not."""
    return carrying_matrix(bone).inverted_safe() @ bone.bone.matrix_local


def own_transforms(obj: bpy.types.Object) -> dict[str, Transform]:
    """The own channels of every bone that is not at rest."""
    bones = pose_bones(obj)
    moved = np.zeros(len(bones), dtype=bool)
    for prop, rest in _AT_REST.items():  # all bones at once: one by one is slow on large rigs
        values = np.empty(len(bones) * len(rest), dtype=np.float32)
        bones.foreach_get(prop, values)
        moved |= (values.reshape(-1, len(rest)) != rest).any(-1)
    names = [bone.name for bone in bones]
    found = {names[i]: own_transform(bones[int(i)]) for i in np.flatnonzero(moved)}
    return {name: transform for name, transform in found.items() if not transform.at_rest}


def set_transform(owner: bpy.types.PoseBone | bpy.types.Object, transform: Transform) -> None:
    """Set the own channels of a bone or an object, its rotation mode included."""
    owner.rotation_mode = cast("_RotationMode", transform.mode)
    owner.location, owner.scale = transform.location, transform.scale
    setattr(owner, rotation_property(transform.mode), transform.rotation)


def in_mode(transform: Transform, mode: str) -> Transform:
    """The same transform in another rotation mode."""
    if transform.mode == mode:
        return transform
    rotation = rotation_in_mode(quaternion_in(transform), mode)
    return Transform(mode, transform.location, rotation, transform.scale)


def rotation_in_mode(rotation: Quaternion, mode: str) -> tuple[float, ...]:
    """A rotation as the property of a rotation mode holds it."""
    if mode == "QUATERNION":
        return (rotation.w, rotation.x, rotation.y, rotation.z)
    if mode == "AXIS_ANGLE":
        axis, angle = rotation.to_axis_angle()
        return (angle, axis.x, axis.y, axis.z)
    euler = rotation.to_euler(cast("_EulerOrder", mode))
    return (euler.x, euler.y, euler.z)


def quaternion_in(transform: Transform) -> Quaternion:
    """The rotation of a transform."""
    if transform.mode == "QUATERNION":
        return Quaternion(transform.rotation).normalized()
    if transform.mode == "AXIS_ANGLE":
        return Quaternion(transform.rotation[1:], transform.rotation[0])
    return Euler(transform.rotation, transform.mode).to_quaternion()


def quaternion_of(matrix: Matrix) -> Array:
    """Rotation (4,) of a Blender matrix, its scale left out."""
    return np.array(matrix.to_quaternion(), dtype=np.float64)

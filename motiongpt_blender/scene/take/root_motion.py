"""Root motion: a motion's path on the floor goes to the hips, the root bone, the object or a curve.

Works on channels that are solved already; changes nothing in the scene.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import Final

import bpy
import numpy as np
from mathutils import Euler, Matrix

from ...core.body.rotations import (
    IDENTITY,
    Array,
    about_y,
    continuous,
    from_local_basis,
    inverse,
    local_basis,
    multiply,
    rotate,
    yaw_angle,
)
from ...core.body.smoothing import gaussian_smooth
from ...core.rig.kinematics import root_transform, with_root_transform
from ...core.rig.rig_description import RigDescription, RigMotion
from ...core.rig.rig_options import RigOptions, RootTarget
from ...core.timeline.frame_range import Fit
from ..access import pose_bones
from ..action.action_writer import Channel, property_channels, transform_channels
from ..rig.bone_transforms import quaternion_of
from ..rig.root_bones import root_bone
from .record import ROOT_MOTION_KEY

#: Seconds over which the root's path is smoothed; single steps stay with the hips.
SMOOTHING: Final = 0.25


def split_root_motion(
    obj: bpy.types.Object,
    rig: RigDescription,
    motion: RigMotion,
    options: RigOptions,
    fit: Fit | None = None,
    anchor_frame: int | None = None,
) -> tuple[RigMotion, list[Channel]]:
    """The motion without its path on the floor, and the channels that take the path.

    Args:
        obj: the armature object, for rest data and its own transform.
        rig: its description.
        motion: all of it on the hips.
        options: which root.
        fit: a loop's path is smoothed around the loop.
        anchor_frame: index of the frame whose position a motion in place keeps, beside other
            animation; None: it keeps the rest position.
    """
    fit = fit or Fit()
    on_carrier = options.root is not RootTarget.HIPS
    if not on_carrier and not options.in_place:
        return motion, []
    rotations, positions = root_transform(motion)
    connected = bool(pose_bones(obj)[rig.root].bone.use_connect)
    yaw = _smooth_yaw(rotations, motion.fps, loop=fit.loop)
    root_rotations = about_y(yaw) if on_carrier else about_y(0 * yaw)
    path = _root_path(positions, root_rotations, motion, connected=connected, loop=fit.loop)
    if options.in_place and anchor_frame is not None:
        path = path - path[anchor_frame]
    unrotated = inverse(root_rotations)
    hips_only = with_root_transform(
        motion, multiply(unrotated, rotations), rotate(unrotated, positions - path)
    )
    if options.in_place:
        values = np.stack([path[:, 0], path[:, 2], yaw], axis=-1)
        return hips_only, list(property_channels(ROOT_MOTION_KEY, values))
    if options.root is RootTarget.OBJECT:
        return hips_only, list(_object_channels(obj, rig, path, root_rotations, fit.object_matrix))
    bone = root_bone(obj, rig)
    hips_only = with_unridden(hips_only, motion, obj, bone)
    return hips_only, list(_bone_channels(bone, rig, path, root_rotations))


def with_unridden(
    hips_only: RigMotion, whole: RigMotion, obj: bpy.types.Object, bone: bpy.types.PoseBone
) -> RigMotion:
    """The motion below a root bone; what does not turn with that bone is as in the whole one."""
    kept = {
        name: whole.rotations[name]
        for name in whole.unparented
        if not turns_with(pose_bones(obj)[name].bone, bone.name)
    }
    return replace(hips_only, rotations={**hips_only.rotations, **kept})


def turns_with(bone: bpy.types.Bone, name: str) -> bool:
    """Whether a bone inherits the rotation of one above it."""
    while bone.parent is not None and bone.use_inherit_rotation:
        bone = bone.parent
        if bone.name == name:
            return True
    return False


def _smooth_yaw(rotations: Array, fps: float, *, loop: bool) -> Array:
    """Headings (T,) in radians of rotations (T, 4), unwrapped and smoothed."""
    yaw = np.unwrap(yaw_angle(rotations))
    return _smooth(yaw, SMOOTHING * fps, loop=loop)


def _smooth(values: Array, sigma: float, *, loop: bool) -> Array:
    """Values (T, ...) smoothed along time; they keep their speed at both ends.

    Those of a loop are continued by the next cycle, which begins where this one ends.
    """
    if len(values) < 2:
        return values
    if loop:
        cycle = values[-1] - values[0]
        before, after = values[:-1] - cycle, values[1:] + cycle
    else:
        before, after = 2 * values[0] - values[:0:-1], 2 * values[-1] - values[-2::-1]
    smooth = gaussian_smooth(np.concatenate([before, values, after]), sigma)
    return smooth[len(before) : len(before) + len(values)]


def _root_path(
    positions: Array, root_rotations: Array, motion: RigMotion, *, connected: bool, loop: bool
) -> Array:
    """Positions (T, 3) of the root so that it stays below the hips.

    Hips that cannot move by themselves are carried entirely, steps and heights too.
    """
    head = np.broadcast_to(motion.root_head, positions.shape)
    if connected:
        return positions - rotate(root_rotations, head)
    level = np.array([1.0, 0.0, 1.0])
    smooth = _smooth(positions, SMOOTHING * motion.fps, loop=loop)
    return (smooth - rotate(root_rotations, head)) * level


def _bone_channels(
    bone: bpy.types.PoseBone, rig: RigDescription, path: Array, rotations: Array
) -> Iterator[Channel]:
    rest = multiply(inverse(rig.axes), quaternion_of(bone.bone.matrix_local))
    head = rotate(inverse(rig.axes), np.array(bone.bone.head_local, dtype=np.float64))
    head = np.broadcast_to(head, path.shape)
    locations = rotate(inverse(rest), rotate(rotations, head) + path - head)
    yield from transform_channels(bone, continuous(local_basis(rotations, rest)), locations)


def _object_channels(
    obj: bpy.types.Object,
    rig: RigDescription,
    path: Array,
    rotations: Array,
    object_matrix: Array | None,
) -> Iterator[Channel]:
    """The object's own channels, from its given matrix (4, 4) or its present one."""
    start = obj.matrix_basis if object_matrix is None else Matrix(object_matrix.tolist())
    matrix = np.array(start, dtype=np.float64)
    in_object_axes = from_local_basis(rotations, rig.axes)
    locations = rotate(rig.axes, path) @ matrix[:3, :3].T + matrix[:3, 3]
    own = multiply(inverse(_delta_rotation(obj)), multiply(quaternion_of(start), in_object_axes))
    yield from transform_channels(obj, continuous(own), locations - np.array(obj.delta_location))


def _delta_rotation(obj: bpy.types.Object) -> Array:
    """Rotation (4,) that the object's delta transform puts before its own."""
    mode = str(obj.rotation_mode)
    if mode == "QUATERNION":
        return np.array(obj.delta_rotation_quaternion.normalized(), dtype=np.float64)
    if mode == "AXIS_ANGLE":  # Blender has no delta of an axis and an angle
        return IDENTITY
    euler = obj.delta_rotation_euler
    rotation = Euler((euler.x, euler.y, euler.z), mode).to_quaternion()
    return np.array(rotation, dtype=np.float64)

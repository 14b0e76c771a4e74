"""Where a motion's way over the floor goes: hips, root bone, the object, or a curve alone.

Works on channels that are solved already; changes nothing in the scene.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import Final

import bpy
import numpy as np
from mathutils import Euler, Matrix

from ...core.body.rotations import IDENTITY, Array, about_y, continuous, inverse, multiply, rotate
from ...core.retargeting.part_rotations import gaussian_smooth
from ...core.rig.rig_description import RigDescription, RigMotion
from ...core.rig.rig_options import RigOptions, RootTarget
from ...core.timeline.frame_range import Fit
from ..access import pose_bones
from ..action.action_writer import Channel, property_channels, transform_channels
from ..rig.bone_transforms import quaternion_of
from ..rig.root_bones import root_bone
from .record import ROOT_MOTION_KEY

#: Seconds over which the root's way is smoothed; steps stay with the hips.
SMOOTHING: Final = 0.25


def split_root_motion(
    obj: bpy.types.Object,
    rig: RigDescription,
    motion: RigMotion,
    options: RigOptions,
    fit: Fit | None = None,
    staying: int | None = None,
) -> tuple[RigMotion, list[Channel]]:
    """The motion without its way over the floor, and the channels that the way goes to.

    Args:
        obj: the armature object, for rest data and where it stands.
        rig: its description.
        motion: carried by nothing but the hips.
        options: which root.
        fit: a loop's way is smoothed round the loop.
        staying: frame whose place a motion in place keeps, beside other animation; else it
            stays where the rig is at rest.
    """
    fit = fit or Fit()
    carried = options.root is not RootTarget.HIPS
    if not carried and not options.in_place:
        return motion, []
    place, turn = _hips(motion)
    connected = bool(pose_bones(obj)[rig.root].bone.use_connect)
    yaw = _heading(turn, motion.fps, loop=fit.loop)
    kept = about_y(yaw) if carried else about_y(0 * yaw)
    way = _way(place, kept, motion, connected=connected, loop=fit.loop)
    if options.in_place and staying is not None:
        way = way - way[staying]
    back = inverse(kept)
    left = replace(
        motion,
        locations=rotate(inverse(motion.root_rest), rotate(back, place - way) - motion.root_head),
        rotations={
            **motion.rotations,
            motion.root: continuous(_to_local(multiply(back, turn), motion.root_rest)),
        },
    )
    if options.in_place:
        values = np.stack([way[:, 0], way[:, 2], yaw], axis=-1)
        return left, list(property_channels(ROOT_MOTION_KEY, values))
    if options.root is RootTarget.OBJECT:
        return left, list(_object_channels(obj, rig, way, kept, fit.carrier))
    return left, list(_bone_channels(root_bone(obj, rig), rig, way, kept))


def _hips(motion: RigMotion) -> tuple[Array, Array]:
    """Place (T, 3) of the root's head and turn (T, 4) away from rest, model axes."""
    rest = np.broadcast_to(motion.root_rest, (len(motion), 4))
    turn = multiply(multiply(rest, motion.rotations[motion.root]), inverse(rest))
    return motion.root_head + rotate(rest, motion.locations), turn


def _to_local(turn: Array, rest: Array) -> Array:
    return multiply(multiply(inverse(rest), turn), rest)


def _heading(turn: Array, fps: float, *, loop: bool) -> Array:
    """Headings (T,) in radians of turns, unwrapped and smooth."""
    yaw = np.unwrap(2 * np.arctan2(turn[:, 2], turn[:, 0]))
    return _smooth(yaw, SMOOTHING * fps, loop=loop)


def _smooth(values: Array, sigma: float, *, loop: bool) -> Array:
    """Values (T, ...) smoothed along time; they keep their speed at both ends.

    Those of a loop go on at its end as they began, from where they have come to.
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


def _way(place: Array, kept: Array, motion: RigMotion, *, connected: bool, loop: bool) -> Array:
    """Places (T, 3) of what carries the rig, so that it stays below the hips.

    A root that cannot move by itself is carried all the way, steps and heights too.
    """
    head = np.broadcast_to(motion.root_head, place.shape)
    if connected:
        return place - rotate(kept, head)
    level = np.array([1.0, 0.0, 1.0])
    return (_smooth(place, SMOOTHING * motion.fps, loop=loop) - rotate(kept, head)) * level


def _bone_channels(
    bone: bpy.types.PoseBone, rig: RigDescription, way: Array, turn: Array
) -> Iterator[Channel]:
    rest = multiply(inverse(rig.axes), quaternion_of(bone.bone.matrix_local))
    head = rotate(inverse(rig.axes), np.array(bone.bone.head_local, dtype=np.float64))
    head = np.broadcast_to(head, way.shape)
    moved = rotate(inverse(rest), rotate(turn, head) + way - head)
    yield from transform_channels(bone, continuous(_to_local(turn, rest)), moved)


def _object_channels(
    obj: bpy.types.Object, rig: RigDescription, way: Array, turn: Array, carrier: Array | None
) -> Iterator[Channel]:
    """The object's own channels; it goes on from its matrix (4, 4), or from where it stands."""
    stood = obj.matrix_basis if carrier is None else Matrix(carrier.tolist())
    now, stands = np.array(stood, dtype=np.float64), quaternion_of(stood)
    turned = multiply(multiply(rig.axes, turn), inverse(rig.axes))
    moved = rotate(rig.axes, way) @ now[:3, :3].T + now[:3, 3]
    wanted = multiply(inverse(_delta_turn(obj)), multiply(stands, turned))
    yield from transform_channels(obj, continuous(wanted), moved - np.array(obj.delta_location))


def _delta_turn(obj: bpy.types.Object) -> Array:
    """Rotation (4,) that the object's delta transform puts before its own."""
    mode = str(obj.rotation_mode)
    if mode == "QUATERNION":
        return np.array(obj.delta_rotation_quaternion.normalized(), dtype=np.float64)
    if mode == "AXIS_ANGLE":  # Blender lets nobody set one
        return IDENTITY
    euler = obj.delta_rotation_euler
    turn = Euler((euler.x, euler.y, euler.z), mode).to_quaternion()
    return np.array(turn, dtype=np.float64)

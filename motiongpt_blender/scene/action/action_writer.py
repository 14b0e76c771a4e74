"""Channels of a rig written as one new action, all keys of a curve at once.

Nothing of the user's is touched; an action that could not be finished is removed again.
"""

from __future__ import annotations

import time
from collections.abc import Collection, Generator, Iterator, Mapping
from dataclasses import dataclass
from typing import Final

import bpy
import numpy as np
from mathutils import Euler, Quaternion

from ... import compat
from ...core.body.rotations import Array
from ...core.body.slices import run_to_end
from ...core.keyframes.hermite import Curve
from ...core.rig.rig_description import RigMotion
from ...core.translation import tr
from ..access import block_of, keyframe_enum, pose_bones
from ..errors import WriteError
from ..rig.bone_transforms import location_axes

#: Seconds of work after which a slice ends and Blender handles its events.
SLICE_SECONDS: Final = 0.008


_Owner = bpy.types.PoseBone | bpy.types.Object


@dataclass(frozen=True)
class Channel:
    """One animated number.

    Attributes:
        path: the property's data path on the object.
        index: element of the property; -1 for a single number that is held.
        group: name of the curve's group: the bone's.
        values: (T,) a value a frame, or (1,) for a value that holds.
    """

    path: str
    index: int
    group: str
    values: Array


@dataclass(frozen=True)
class WrittenAction:
    """A new action and, from Blender 4.4 on, its slot for the armature."""

    action: bpy.types.Action
    slot: bpy.types.ActionSlot | None


def channels_of(obj: bpy.types.Object, motion: RigMotion) -> Iterator[Channel]:
    """A motion's channels, each bone in its own rotation mode."""
    for name in motion.rotations:
        yield from rotation_channels(obj, name, motion)
    yield from location_channels(obj, motion)


def rotation_channels(obj: bpy.types.Object, name: str, motion: RigMotion) -> Iterator[Channel]:
    """The channels of one control's rotation."""
    bone = pose_bones(obj)[name]
    path, values = rotation_values(bone, motion.rotations[name])
    yield from _columns(bone, path, values)


def location_channels(obj: bpy.types.Object, motion: RigMotion) -> Iterator[Channel]:
    """The channels of the root's location."""
    yield from location_channels_of(pose_bones(obj)[motion.root], motion.locations)


def transform_channels(owner: _Owner, rotations: Array, locations: Array) -> Iterator[Channel]:
    """Rotation (T, 4) and location (T, 3) of a bone or an object, in its own rotation mode."""
    path, values = rotation_values(owner, rotations)
    yield from _columns(owner, path, values)
    yield from location_channels_of(owner, locations)


def location_channels_of(owner: _Owner, locations: Array) -> Iterator[Channel]:
    """Location (T, 3), in its own axes, of a bone or an object."""
    yield from _columns(owner, "location", _as_stored(owner, locations))


def _as_stored(owner: _Owner, locations: Array) -> Array:
    """Locations (T, 3) in a bone's own axes as its property stores them."""
    if not isinstance(owner, bpy.types.PoseBone):
        return locations
    return locations @ np.array(location_axes(owner), dtype=np.float64).T


def property_channels(name: str, values: Array) -> Iterator[Channel]:
    """A custom property of the object that holds several numbers, values (T, N)."""
    for index in range(values.shape[1]):
        yield Channel(f'["{name}"]', index, "Root Motion", values[:, index])


def property_channel(bone: bpy.types.PoseBone, name: str, value: float) -> Channel:
    """A custom property of a bone that holds a value."""
    quoted = bpy.utils.escape_identifier(name)
    return Channel(bone.path_from_id() + f'["{quoted}"]', -1, bone.name, np.array([value]))


def write_action(
    obj: bpy.types.Object,
    name: str,
    channels: Collection[Channel],
    start_frame: float,
    marked: Collection[int] = (),
) -> WrittenAction:
    """A new action with a key a frame.

    Args:
        obj: the armature object it is for; not changed.
        name: the action's name; Blender numbers it when taken.
        channels: what to write.
        start_frame: scene frame of the first value.
        marked: indices of frames whose pose is the animator's own; all other keys are
            of the type GENERATED, so that the two can be told apart.
    """
    return run_to_end(write_slices(obj, name, channels, start_frame, marked))


def write_slices(
    obj: bpy.types.Object,
    name: str,
    channels: Collection[Channel],
    start_frame: float,
    marked: Collection[int] = (),
    sparse: Mapping[tuple[str, int], Curve] | None = None,
    like: int = 0,
) -> Generator[None, None, WrittenAction]:
    """``write_action`` in slices of about ``SLICE_SECONDS`` seconds; closing it removes the action.

    Between two slices Blender may do anything, so nothing of it is held but session ids. A channel
    whose path and index ``sparse`` knows is written as that curve's column of that index. ``like``
    is the session id of an action whose curves are copied where they are the same, or 0.
    """
    action, slot = _with_curves(obj, name, channels, like)
    written = compat.session_id(action)
    try:
        yield  # Blender builds its dependency graph anew
        action, slot = _found_again(name, written)
        began = time.perf_counter()
        for channel in channels:
            if time.perf_counter() - began > SLICE_SECONDS:
                yield
                action, slot = _found_again(name, written)
                began = time.perf_counter()
            curve = compat.curves(action, slot).find(channel.path, index=max(channel.index, 0))
            assert curve is not None
            keys = (sparse or {}).get((channel.path, channel.index))
            if keys is None:
                write_every_frame(curve, channel, start_frame, marked)
            else:
                write_sparse(curve, channel, keys, start_frame, marked)
        action.use_fake_user = False
    except BaseException:
        if (left := block_of(bpy.data.actions, written)) is not None:
            bpy.data.actions.remove(left)
        raise
    return WrittenAction(action, slot)


def _with_curves(
    obj: bpy.types.Object, name: str, channels: Collection[Channel], like: int
) -> tuple[bpy.types.Action, bpy.types.ActionSlot | None]:
    """A new action with a curve for each channel, without keys.

    All curves come at once, or with a copy: after each new curve Blender builds its dependency
    graph anew, which on a large rig takes longer than all else here; a copy needs none.
    """
    pattern = block_of(bpy.data.actions, like) if like else None
    wanted = {(channel.path, max(channel.index, 0)) for channel in channels}
    if pattern is not None and wanted == {
        (curve.data_path, curve.array_index) for curve in compat.all_curves(pattern)
    }:
        action = pattern.copy()
        assert action is not None  # of an action there is always a copy
        action.name = name
        for curve in compat.all_curves(action):
            curve.keyframe_points.clear()
        return action, compat.only_slot(action)
    action, slot = compat.new_action(name, obj)
    for channel in channels:
        new_curve(action, slot, channel)
    return action, slot


def _found_again(name: str, written: int) -> tuple[bpy.types.Action, bpy.types.ActionSlot | None]:
    """The action and its slot, looked up anew: Blender may have moved them in memory."""
    action = block_of(bpy.data.actions, written)
    if action is None:
        raise WriteError(
            tr(
                "The take '{name}' was undone while it was written: press Generate again.",
                name=name,
            )
        )
    return action, compat.only_slot(action)


def new_curve(
    action: bpy.types.Action, slot: bpy.types.ActionSlot | None, channel: Channel
) -> bpy.types.FCurve:
    """A new curve for a channel, without keys, in its group."""
    curve = compat.curves(action, slot).new(channel.path, index=max(channel.index, 0))
    groups = compat.groups(action, slot)
    curve.group = groups.get(channel.group) or groups.new(channel.group)
    return curve


def write_every_frame(
    curve: bpy.types.FCurve, channel: Channel, start_frame: float, marked: Collection[int]
) -> None:
    """Give an empty curve a key a frame; those at ``marked`` are not of the type GENERATED."""
    count = len(channel.values)
    points = curve.keyframe_points
    points.add(count)
    co = np.empty((count, 2), dtype=np.float32)
    co[:, 0] = start_frame + np.arange(count)
    co[:, 1] = channel.values
    types = np.full(count, _enum("type", "GENERATED"), dtype=np.int32)
    types[[i for i in marked if i < count]] = _enum("type", "KEYFRAME")
    interpolation = _enum("interpolation", "CONSTANT" if channel.index < 0 else "LINEAR")
    points.foreach_set("co", co.ravel())
    points.foreach_set("type", types)
    points.foreach_set("interpolation", np.full(count, interpolation, dtype=np.int32))
    curve.update()


def write_sparse(
    curve: bpy.types.FCurve,
    channel: Channel,
    keys: Curve,
    start_frame: float,
    marked: Collection[int],
) -> None:
    """One column of a curve of few keys, as Bezier keys, handles at thirds of the intervals."""
    count, column = len(keys), channel.index
    points = curve.keyframe_points
    points.add(count)
    values, third = keys.values[:, column], np.diff(keys.frames) / 3
    before, after = np.append(third[:1], third), np.append(third, third[-1:])
    if count == 1:
        before = after = np.ones(1)
    for name, away, slopes in (
        ("co", np.zeros(count), keys.leaving),
        ("handle_left", -before, keys.arriving),
        ("handle_right", after, keys.leaving),
    ):
        at = np.empty((count, 2), dtype=np.float32)
        at[:, 0] = start_frame + keys.frames + away
        at[:, 1] = values + away * slopes[:, column]
        points.foreach_set(name, at.ravel())
    types = [_enum("type", "KEYFRAME" if f in marked else "GENERATED") for f in keys.frames]
    points.foreach_set("type", np.array(types, dtype=np.int32))
    for name, item in (
        ("interpolation", "BEZIER"), ("handle_left_type", "FREE"), ("handle_right_type", "FREE"),
    ):  # fmt: skip
        points.foreach_set(name, np.full(count, _enum(name, item), dtype=np.int32))
    curve.update()


def _enum(prop: str, item: str) -> int:
    value = keyframe_enum(prop, item)
    if value is None:  # early 4.2 releases have no GENERATED type; a plain key is right there
        value = keyframe_enum(prop, "KEYFRAME")
    assert value is not None
    return value


def _columns(owner: _Owner, prop: str, values: Array) -> Iterator[Channel]:
    path = owner.path_from_id(prop)
    for index in range(values.shape[1]):
        yield Channel(path, index, owner.name, values[:, index])


def rotation_values(bone: _Owner, rotations: Array) -> tuple[str, Array]:
    """A bone's rotation property and its values (T, 3 or 4), without jumps."""
    mode = bone.rotation_mode
    if mode == "QUATERNION":
        return "rotation_quaternion", rotations
    if mode == "AXIS_ANGLE":
        return "rotation_axis_angle", _axis_angles(rotations)
    last = Euler((0.0, 0.0, 0.0), mode)
    values = np.empty((len(rotations), 3))
    for i, q in enumerate(rotations):
        last = Quaternion(q.tolist()).to_euler(mode, last)
        values[i] = last
    return "rotation_euler", values


def _axis_angles(rotations: Array) -> Array:
    """(T, 4) angle and axis; the axis keeps its side, so that the angle passes through 0."""
    axes = rotations[:, 1:].copy()
    lengths = np.linalg.norm(axes, axis=-1)
    last = np.array([0.0, 1.0, 0.0])
    values = np.empty((len(rotations), 4))
    for i, (axis, length) in enumerate(zip(axes, lengths, strict=True)):
        unit = axis / length if length > 1e-9 else last
        side = 1.0 if unit @ last >= 0 else -1.0
        angle = 2 * side * np.arctan2(length, rotations[i, 0])
        before = values[i - 1, 0] if i else 0.0
        angle += 2 * np.pi * np.round((before - angle) / (2 * np.pi))
        last = side * unit
        values[i] = (angle, *last)
    return values

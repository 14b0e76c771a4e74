"""Few keys for the channels of a take, within the limits that the animator sets.

Sorts channels by what they rotate or move and lets ``core.keyframes`` find the keys; changes
nothing in the scene.
"""

from __future__ import annotations

from collections.abc import Collection, Generator, Sequence
from dataclasses import replace
from typing import Final

import bpy
import numpy as np

from ...core.body.rotations import Array
from ...core.body.skeleton import SIDES
from ...core.feet.foot_contacts import FootContacts
from ...core.keyframes.hermite import Curve, transform_curve
from ...core.keyframes.reduction import Limits, reduce_keys_slices
from ...core.keyframes.sampled_channel import SampledChannel, reduce_channel
from ...core.rig.rig_description import RigDescription
from ...core.rig.rig_options import RigOptions, RootTarget
from ..access import ArmatureHandle, pose_bones
from ..rig.bone_transforms import location_axes
from ..scene_time import scene_fps
from .action_writer import Channel, rotation_values

#: Share of the limits for the root bone or the object, where one carries the body.
_CARRIER_SHARE: Final = 0.3

#: Path and index of a channel -> the curve of all numbers of that path.
SparseKeys = dict[tuple[str, int], Curve]


def sparse_key_slices(
    obj: bpy.types.Object,
    rig: RigDescription,
    channels: Sequence[Channel],
    foot_contacts: FootContacts,
    marked: Collection[int],
    options: RigOptions,
) -> Generator[None, None, SparseKeys]:
    """The keys of a take's channels, in slices of some milliseconds.

    Args:
        obj: the armature object.
        rig: its description.
        channels: a value a frame; those that hold one value are left alone.
        foot_contacts: when each foot is in contact with the floor.
        marked: indices of frames that keep their keys.
        options: the limits, and the root.
    """
    paths: dict[str, list[Channel]] = {}
    frames = max(len(channel.values) for channel in channels)
    for channel in channels:
        if channel.index >= 0 and len(channel.values) == frames:
            paths.setdefault(channel.path, []).append(channel)
    kinds = {path: _kind(obj, path, rows[0].group) for path, rows in paths.items()}
    rotation_paths, location_path, axes = _body_paths(obj, rig, kinds)
    carried = options.root is not RootTarget.HIPS
    share = 1 - _CARRIER_SHARE if carried else 1.0
    distance = options.millimetres / 1000 * rig.scale
    contact_ends = {
        s.lower(): {frame for stand in foot_contacts.of(s) for frame in (stand.first, stand.last)}
        for s in SIDES
    }

    def track(path: str, keys: Collection[int]) -> SampledChannel:
        values = np.stack([c.values for c in paths[path]], axis=1)
        return SampledChannel(values, kinds[path], frozenset(keys))

    legs = {
        c.name: contact_ends[c.part.value[-1]]
        for c in rig.controls
        if c.part.base in ("thigh", "shin", "foot", "toe")
    }
    rotations = {
        name: track(path, {*marked, *legs.get(name, ())}) for name, path in rotation_paths.items()
    }
    own = track(location_path, marked)
    location = SampledChannel(own.values @ axes, own.kind, own.keys)
    limits = Limits(share * options.degrees, share * distance)
    handle = ArmatureHandle(obj)

    def resampled(name: str, values: Array) -> SampledChannel:
        bone = pose_bones(handle.obj)[name]
        return replace(rotations[name], values=rotation_values(bone, values)[1])

    curves, moved, _ = yield from reduce_keys_slices(
        rig, rotations, location, foot_contacts, limits, scene_fps(), resampled
    )
    found = {rotation_paths[name]: curve for name, curve in curves.items()}
    found[location_path] = transform_curve(moved, axes)
    other_share = _CARRIER_SHARE if carried else 1.0
    for path in paths:
        if path not in found:
            yield
            found[path] = reduce_channel(
                track(path, marked), other_share * options.degrees, other_share * distance
            )
    return {(c.path, c.index): found[path] for path, rows in paths.items() for c in rows}


def _kind(obj: bpy.types.Object, path: str, group: str) -> str:
    """What a path's numbers mean, as ``Track`` names it."""
    prop = path.rsplit(".", 1)[-1]
    if prop == "rotation_quaternion":
        return "QUATERNION"
    if prop == "rotation_axis_angle":
        return "AXIS_ANGLE"
    if prop == "rotation_euler":
        owner = pose_bones(obj)[group] if path.startswith("pose") else obj
        return str(owner.rotation_mode)
    return "LOCATION" if prop == "location" else "PLAIN"


def _body_paths(
    obj: bpy.types.Object, rig: RigDescription, kinds: dict[str, str]
) -> tuple[dict[str, str], str, Array]:
    """The controls' rotation paths by name, the root's location path, and its axes (3, 3)."""
    rotation_paths: dict[str, str] = {}
    names = [*(c.name for c in rig.controls), *rig.extras]
    for name in names:
        for prop in ("rotation_quaternion", "rotation_euler", "rotation_axis_angle"):
            path = pose_bones(obj)[name].path_from_id(prop)
            if path in kinds:
                rotation_paths[name] = path
    root = pose_bones(obj)[rig.root]
    axes = np.array(location_axes(root), dtype=np.float64)
    return rotation_paths, root.path_from_id("location"), axes

"""Few keys for the channels of a take, as near to all of them as the animator asks.

Sorts channels by what they turn or move and has ``core.reduction`` find the keys; changes
nothing in the scene.
"""

from __future__ import annotations

from collections.abc import Collection, Generator, Sequence
from dataclasses import replace
from typing import Any, Final

import bpy
import numpy as np

from ...core.body.skeleton import SIDES
from ...core.feet.foot_contacts import FootContacts
from ...core.keyframes.hermite import Curve, turned
from ...core.keyframes.reduction import Limits, reduce_keys_slices
from ...core.keyframes.sampled_channel import SampledChannel, reduce_channel
from ...core.rig.rig_description import RigDescription
from ...core.rig.rig_options import RigOptions, RootTarget
from ..scene_time import scene_fps
from .action_writer import Channel, rotation_values

#: Share of the limits that what carries the body may use up, where something does.
_CARRIER_SHARE: Final = 0.3

#: Path and index of a channel -> the curve of all numbers of that path.
SparseKeys = dict[tuple[str, int], Curve]


def sparse_key_slices(
    obj: Any,
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
        foot_contacts: when each foot stands.
        marked: indices of frames that keep their keys.
        options: the limits, and what carries the body.
    """
    paths: dict[str, list[Channel]] = {}
    for channel in channels:
        if channel.index >= 0:
            paths.setdefault(channel.path, []).append(channel)
    kinds = {path: _kind(obj, path, rows[0].group) for path, rows in paths.items()}
    turns, place, axes = _of_body(obj, rig, kinds)
    carried = options.root is not RootTarget.HIPS
    share = 1 - _CARRIER_SHARE if carried else 1.0
    distance = options.millimetres / 1000 * rig.scale
    stands = {s.lower(): {f for stand in foot_contacts.of(s) for f in (stand.first, stand.last)}
              for s in SIDES}  # fmt: skip

    def track(path: str, keys: Collection[int]) -> SampledChannel:
        values = np.stack([c.values for c in paths[path]], axis=1)
        return SampledChannel(values, kinds[path], frozenset(keys))

    legs = {c.name: stands[c.part.value[-1]] for c in rig.controls
            if c.part.base in ("thigh", "shin", "foot", "toe")}  # fmt: skip
    rotations = {name: track(path, {*marked, *legs.get(name, ())}) for name, path in turns.items()}
    own = track(place, marked)
    location = SampledChannel(own.values @ axes, own.kind, own.keys)
    limits = Limits(share * options.degrees, share * distance)
    who = obj.name

    def again(name: str, turns: Any) -> SampledChannel:
        bone = bpy.data.objects[who].pose.bones[name]
        return replace(rotations[name], values=rotation_values(bone, turns)[1])

    curves, moved, _ = yield from reduce_keys_slices(
        rig, rotations, location, foot_contacts, limits, scene_fps(), again
    )
    found = {turns[name]: curve for name, curve in curves.items()}
    found[place] = turned(moved, axes)
    alone = _CARRIER_SHARE if carried else 1.0
    for path in paths:
        if path not in found:
            yield
            found[path] = reduce_channel(
                track(path, marked), alone * options.degrees, alone * distance
            )
    return {(c.path, c.index): found[path] for path, rows in paths.items() for c in rows}


def _kind(obj: Any, path: str, group: str) -> str:
    """What a path's numbers mean, as ``Track`` names it."""
    prop = path.rsplit(".", 1)[-1]
    if prop == "rotation_quaternion":
        return "QUATERNION"
    if prop == "rotation_axis_angle":
        return "AXIS_ANGLE"
    if prop == "rotation_euler":
        owner = obj.pose.bones[group] if path.startswith("pose") else obj
        return str(owner.rotation_mode)
    return "LOCATION" if prop == "location" else "PLAIN"


def _of_body(
    obj: Any, rig: RigDescription, kinds: dict[str, str]
) -> tuple[dict[str, str], str, Any]:
    """Paths of the controls' rotations by name, the root's location's, and its axes (3, 3)."""
    turns: dict[str, str] = {}
    names = [*(c.name for c in rig.controls), *rig.extras]
    for name in names:
        for prop in ("rotation_quaternion", "rotation_euler", "rotation_axis_angle"):
            path = obj.pose.bones[name].path_from_id(prop)
            if path in kinds:
                turns[name] = path
    root = obj.pose.bones[rig.root]
    axes = np.eye(3)
    if not root.bone.use_local_location:
        axes = np.array(root.bone.matrix_local, dtype=np.float64)[:3, :3]
    return turns, root.path_from_id("location"), axes

"""A take as an additive layer: an NLA track that adds to the animation below what is missing.

At full influence the character shows the take; with less it comes nearer to the animation below.
"""

from __future__ import annotations

from typing import Any

import bpy
import numpy as np

from ... import compat
from ...core.body.rotations import Array, continuous, inverse, multiply, normalise
from ..action import nla
from ..action.action_writer import Channel, write_action
from ..action.curve_edits import own_frames
from ..scene_time import preserving_frame
from .placing import record_before
from .provenance import show_terms
from .record import ROOT_MOTION_KEY, add_root_motion_property

_Key = tuple[str, int]


def add_layer(obj: bpy.types.Object, take: bpy.types.Action, name: str) -> bpy.types.Action:
    """Put a take on the rig as an additive layer.

    Args:
        obj: the armature object; the take does not play on it.
        take: the take's action, which stays as it is.
        name: of the track.

    Returns:
        The layer's action. It keeps how the armature was before, and is removed like a take.
    """
    if any(ROOT_MOTION_KEY in curve.data_path for curve in compat.all_curves(take)):
        add_root_motion_property(obj)
    first, last = (float(frame) for frame in take.curve_frame_range)
    frames = first + np.arange(round(last - first) + 1)
    curves = {(c.data_path, c.array_index): c for c in compat.all_curves(take)}
    moving = {key: c for key, c in curves.items() if len(c.keyframe_points) > 1}
    below = _values_below(obj, list(moving), frames)
    values = {k: np.array([c.evaluate(float(f)) for f in frames]) for k, c in moving.items()}
    added = [
        Channel(*key, _group(curves[key]), column)
        for key, column in _differences(obj, values, below).items()
    ]
    marked = set().union(*(own_frames(c, first) for c in moving.values()))
    record = record_before(obj, take)
    layer = write_action(obj, f"{name} (layer)", added, first, marked)
    held = None
    if len(moving) < len(curves):  # switches do not add up
        rows = [
            Channel(path, -1, _group(c), np.full(len(frames), c.evaluate(first)))
            for (path, index), c in curves.items()
            if (path, index) not in moving
        ]
        held = write_action(obj, f"{name} (switches)", rows, first)
    tracks = nla.join_take(obj, layer, held, first, name, holds=False)
    data = obj.animation_data
    assert data is not None
    data.nla_tracks[tracks.track].strips[0].blend_type = "COMBINE"
    if tracks.held:
        data.nla_tracks[tracks.held].strips[0].extrapolation = "NOTHING"
    record.with_tracks(tracks.stashed, tracks.held, tracks.before).save(layer.action)
    for key in list(take.keys()):  # prompt, licence and credits
        if key not in layer.action:
            layer.action[key] = take[key]
    show_terms(obj)
    return layer.action


def _values_below(obj: bpy.types.Object, keys: list[_Key], frames: Array) -> dict[_Key, Array]:
    """Values (T,) of properties at frames, as the animation that plays shows them."""
    out = {key: np.empty(len(frames)) for key in keys}
    with preserving_frame(obj) as show:
        for k, frame in enumerate(frames):
            show(float(frame))
            for path in {path for path, _ in keys}:
                now: Any = obj.path_resolve(path)
                numbers = np.atleast_1d(np.array(now, dtype=np.float64))
                for index, number in enumerate(numbers):
                    if (path, index) in out:
                        out[path, index][k] = number
    return out


def _differences(
    obj: bpy.types.Object, values: dict[_Key, Array], below: dict[_Key, Array]
) -> dict[_Key, Array]:
    """What Blender's blend type COMBINE has to add to the values below, by property."""
    out: dict[_Key, Array] = {}
    for (path, index), own in values.items():
        name = path.rsplit(".", 1)[-1]
        if name == "rotation_quaternion" and all((path, k) in values for k in range(4)):
            if index == 0:
                full, under = (
                    normalise(np.stack([d[path, k] for k in range(4)], axis=1))
                    for d in (values, below)
                )
                added = continuous(multiply(inverse(under), full))
                out.update({(path, k): added[:, k] for k in range(4)})
            continue
        under = below[path, index]
        if name == "scale":
            out[path, index] = own / np.where(np.abs(under) < 1e-9, 1.0, under)
        else:
            out[path, index] = own - under + (name == "rotation_axis_angle" and index == 2)
    return out


def _group(curve: bpy.types.FCurve) -> str:
    return curve.group.name if curve.group is not None else ""

"""Curves of an action that exist already, given other keys; what does not change is not touched."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from typing import Final

import bpy
import numpy as np

from ... import compat
from ...core.keyframes.hermite import Curve
from ..access import keyframe_enum
from .action_writer import Channel, new_curve, write_every_frame, write_sparse

#: Values that differ by no more are the same, as a share of the largest or of 1.
SAME_VALUE: Final = 1e-6


def rewrite_curves(
    action: bpy.types.Action,
    slot: compat.Slot,
    channels: Iterable[Channel],
    start: float,
    marked: Collection[int] = (),
    sparse: Mapping[tuple[str, int], Curve] | None = None,
) -> None:
    """Give curves the values of channels; a channel without a curve gets one.

    A curve that has these values at all frames keeps its keys. Keys of the animator's stay his.

    Args:
        action: the action; other curves of it stay.
        slot: its slot for the armature.
        channels: a value a frame each.
        start: frame of the first value.
        marked: indices of frames whose pose is the animator's own.
        sparse: the curves of few keys, by path and index of the channel.
    """
    known = {(c.data_path, c.array_index): c for c in compat.slot_curves(action, slot)}
    for channel in channels:
        key = channel.path, max(channel.index, 0)
        curve = known.get(key)
        own = set(marked)
        if curve is None:
            curve = new_curve(action, slot, channel)
        elif _plays(curve, channel, start):
            continue
        else:
            own |= own_frames(curve, start)
            curve.keyframe_points.clear()
        few = (sparse or {}).get((channel.path, channel.index))
        if few is None:
            write_every_frame(curve, channel, start, own)
        else:
            write_sparse(curve, channel, few, start, own)


def remove_curves(
    action: bpy.types.Action, slot: compat.Slot, keys: Collection[tuple[str, int]]
) -> None:
    """Remove the curves of these paths and indices."""
    for curve in list(compat.slot_curves(action, slot)):
        if (curve.data_path, curve.array_index) in keys:
            compat.curves(action, slot).remove(curve)


def stretch_curve(curve: bpy.types.FCurve, start: float, factor: float) -> None:
    """Move the keys of a curve so that it plays ``factor`` times as long from ``start`` on."""
    points = curve.keyframe_points
    for name in ("co", "handle_left", "handle_right"):
        values = np.empty(2 * len(points), dtype=np.float32)
        points.foreach_get(name, values)
        values[::2] = start + (values[::2] - start) * factor
        points.foreach_set(name, values)
    curve.update()


def own_frames(curve: bpy.types.FCurve, start: float) -> set[int]:
    """Indices of the frames from ``start`` on at which a curve has a key of the animator's."""
    count, generated = len(curve.keyframe_points), keyframe_enum("type", "GENERATED")
    types, co = np.empty(count, dtype=np.int32), np.empty(2 * count, dtype=np.float32)
    curve.keyframe_points.foreach_get("type", types)
    curve.keyframe_points.foreach_get("co", co)
    if generated is None:
        return set()
    return {round(float(frame) - start) for frame in co[::2][types != generated]}


def _plays(curve: bpy.types.FCurve, channel: Channel, start: float) -> bool:
    """Whether a curve has the values of a channel at all frames already."""
    points = curve.keyframe_points
    frames = start + np.arange(len(channel.values))
    co = np.empty(2 * len(points), dtype=np.float32)
    points.foreach_get("co", co)
    if len(points) == len(frames) and np.abs(co[::2] - frames).max(initial=0) < 1e-3:
        values = co[1::2].astype(np.float64)
    else:
        values = np.array([curve.evaluate(float(frame)) for frame in frames])
    size = max(1.0, float(np.abs(channel.values).max(initial=0)))
    return bool(np.abs(values - channel.values).max(initial=0) < SAME_VALUE * size)

"""The animation that plays on an armature: its curves, its keys and where they lie in the scene.

Counts what Blender evaluates, and nothing else: no muted curve, group, strip or track, no curve
of a bone that is gone, no action without a slot. Reads only.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

import bpy
import numpy as np
from numpy.typing import NDArray

from ... import compat
from ...core.translation import tr
from ..access import keyframe_enum
from ..errors import RigError

#: Value of the key type GENERATED; None in early 4.2 releases.
_GENERATED: Final = keyframe_enum("type", "GENERATED")


def keyed_frames(obj: bpy.types.Object, *, generated: bool = True) -> list[float]:
    """Scene frames at which the animation that plays has keys, ascending.

    Args:
        obj: the armature object.
        generated: count keys that a model wrote too; without them the animator's alone,
            where there are any.
    """
    by_animator: set[float] = set()
    by_model: set[float] = set()
    for frames, types in _keys(obj):
        is_generated = types == (-1 if _GENERATED is None else _GENERATED)
        by_animator.update(frames[~is_generated].tolist())
        by_model.update(frames[is_generated].tolist())
    return sorted(by_animator | by_model if generated or not by_animator else by_animator)


def selected_frames(obj: bpy.types.Object) -> tuple[float, float] | None:
    """First and last selected key of the active action, or None when none is."""
    data = obj.animation_data
    if data is None or data.action is None:
        return None
    found: list[float] = []
    for curve in compat.slot_curves(data.action, compat.active_slot(data)):
        points = curve.keyframe_points
        selected = np.zeros(len(points), dtype=bool)
        points.foreach_get("select_control_point", selected)
        found += _key_frames(points)[selected].tolist()
    if not found:
        return None
    first, last = min(found), max(found)
    if data.use_tweak_mode:  # the keys of a strip's action are in the action's own time
        first, last = sorted(map(data.nla_tweak_strip_time_to_scene, (first, last)))
    return first, last


def check_no_solo(obj: bpy.types.Object) -> None:
    """Raise RigError when a soloed NLA track would keep a take beside it from playing."""
    data = obj.animation_data
    if data is not None and data.use_nla and any(t.is_solo for t in data.nla_tracks):
        raise RigError(
            tr(
                "An NLA track of '{name}' is soloed: put its star out in the NLA editor, "
                "then generate again.",
                name=obj.name,
            )
        )


def animated_properties(obj: bpy.types.Object) -> set[tuple[str, int]]:
    """Data path and index of every property that the animation that plays moves."""
    return {(curve.data_path, curve.array_index) for curve, _ in _played_curves(obj)}


def stored_paths(obj: bpy.types.Object) -> set[str]:
    """Data paths of all curves of an armature's actions and tracks, those that are muted too."""
    data = obj.animation_data
    if data is None:
        return set()
    found = [(data.action, compat.active_slot(data))]
    found += [(s.action, compat.strip_slot(s)) for t in data.nla_tracks for s in _strips(t.strips)]
    return {
        curve.data_path
        for action, slot in found
        if action is not None
        for curve in compat.slot_curves(action, slot)
    }


def audible_actions(obj: bpy.types.Object) -> Iterator[bpy.types.Action]:
    """The active action, and those of the NLA tracks and strips that are not muted."""
    data = obj.animation_data
    if data is None:
        return
    if data.action is not None:
        yield data.action
    for track in data.nla_tracks:
        for strip in _audible_strips(track.strips) if not track.mute else ():
            assert strip.action is not None
            yield strip.action


def _played_curves(
    obj: bpy.types.Object,
) -> Iterator[tuple[bpy.types.FCurve, bpy.types.NlaStrip | None]]:
    """Every curve that plays, with its NLA strip or None."""
    known: dict[str, bool] = {}
    data = obj.animation_data
    heeds_groups = data is not None and compat.heeds_muted_groups(data)
    for action, slot, strip in _played_actions(obj):
        for curve in compat.slot_curves(action, slot):
            muted = heeds_groups and curve.group is not None and curve.group.mute
            if _is_evaluated(curve) and not muted and _leads_somewhere(obj, curve.data_path, known):
                yield curve, strip


def _played_actions(
    obj: bpy.types.Object,
) -> Iterator[tuple[bpy.types.Action, compat.Slot, bpy.types.NlaStrip | None]]:
    """Every action that plays, its slot, and its NLA strip or None."""
    data = obj.animation_data
    if data is None:
        return
    tracks = [t for t in data.nla_tracks if not t.mute] if data.use_nla else []
    soloed = [t for t in tracks if t.is_solo]
    if data.action is not None and not soloed:
        yield data.action, compat.active_slot(data), None
    for track in soloed or tracks:
        for strip in _audible_strips(track.strips):
            assert strip.action is not None
            yield strip.action, compat.strip_slot(strip), strip


def _is_evaluated(curve: bpy.types.FCurve) -> bool:
    """Whether Blender evaluates a curve, its group aside."""
    return curve.is_valid and not curve.mute and not curve.is_empty


def _leads_somewhere(obj: bpy.types.Object, path: str, known: dict[str, bool]) -> bool:
    """Whether a property has this path; Blender marks a curve without one only later.

    Args:
        obj: the armature object.
        path: the data path.
        known: paths that were looked up before.
    """
    if path not in known:
        try:
            obj.path_resolve(path)
        except ValueError:
            known[path] = False
        else:
            known[path] = True
    return known[path]


def _audible_strips(
    strips: bpy.types.bpy_prop_collection[bpy.types.NlaStrip],
) -> Iterator[bpy.types.NlaStrip]:
    """Strips that play an action, those in meta strips too; their frames are the scene's."""
    for strip in strips:
        if strip.mute or _without_influence(strip):
            continue
        if strip.type == "META":
            yield from _audible_strips(strip.strips)
        elif strip.action is not None:
            yield strip


def _without_influence(strip: bpy.types.NlaStrip) -> bool:
    """Whether a strip has an influence of zero from its first frame to its last."""
    if not strip.use_animated_influence or strip.influence > 0:
        return False
    curve = strip.fcurves.find("influence")
    return curve is None or all(key.co[1] == 0 for key in curve.keyframe_points)


def _strips(
    strips: bpy.types.bpy_prop_collection[bpy.types.NlaStrip],
) -> Iterator[bpy.types.NlaStrip]:
    """All strips, those in meta strips too."""
    for strip in strips:
        yield strip
        if strip.type == "META":
            yield from _strips(strip.strips)


def _keys(obj: bpy.types.Object) -> Iterator[tuple[NDArray[np.float64], NDArray[np.int32]]]:
    """Scene frames and key types, a pair of arrays for each curve that plays.

    A curve that was baked to samples has no keys: its first and last sample count.
    """
    for curve, strip in _played_curves(obj):
        if len(curve.sampled_points):
            ends = curve.sampled_points[0].co[0], curve.sampled_points[-1].co[0]
            frames = np.round(np.array(ends, dtype=np.float64), 3)
            types = np.full(2, keyframe_enum("type", "KEYFRAME"), dtype=np.int32)
        else:
            frames, types = _key_frames(curve.keyframe_points), _key_types(curve.keyframe_points)
        yield (frames, types) if strip is None else _keys_of_strip(strip, frames, types)


def _keys_of_strip(
    strip: bpy.types.NlaStrip, frames: NDArray[np.float64], types: NDArray[np.int32]
) -> tuple[NDArray[np.float64], NDArray[np.int32]]:
    """Keys of a strip's action where they play, as the strip's time says."""
    first, last = strip.action_frame_start, strip.action_frame_end
    played = (frames >= first - 1e-4) & (frames <= last + 1e-4)
    frames, types = frames[played], types[played]
    if strip.use_animated_time:
        frames, types = _keys_in_animated_time(strip, frames, types)
    else:
        frames = last - frames if strip.use_reverse else frames - first
        starts = (last - first) * np.arange(max(int(np.ceil(strip.repeat - 1e-4)), 1))
        frames = (starts[:, None] + frames).ravel() * strip.scale + strip.frame_start
        types = np.tile(types, len(starts))
    inside = (frames >= strip.frame_start - 1e-4) & (frames <= strip.frame_end + 1e-4)
    return np.round(frames[inside], 3), types[inside]


def _keys_in_animated_time(
    strip: bpy.types.NlaStrip, frames: NDArray[np.float64], types: NDArray[np.int32]
) -> tuple[NDArray[np.float64], NDArray[np.int32]]:
    """Keys where the curve of a strip's own time passes them, once or several times."""
    curve = strip.fcurves.find("strip_time")
    if curve is None:
        return frames[:0], types[:0]
    scene = np.arange(np.floor(strip.frame_start), np.ceil(strip.frame_end) + 1)
    time = np.array([curve.evaluate(float(frame)) for frame in scene])
    wraps = np.zeros(len(time) - 1, dtype=bool)
    if strip.use_animated_time_cyclic:
        first = strip.action_frame_start
        length = max(strip.action_frame_end - first, 1e-6)
        time = np.fmod(time - first, length)  # as Blender has it: without the first frame again
        wraps = np.abs(np.diff(time)) > length / 2
    low, high = np.minimum(time[:-1], time[1:]), np.maximum(time[:-1], time[1:])
    passes = (low < high) & ~wraps
    key, step = np.nonzero((frames[:, None] >= low) & (frames[:, None] <= high) & passes)
    share = (frames[key] - time[step]) / (time[step + 1] - time[step])
    return scene[step] + share, types[key]


def _key_frames(points: bpy.types.FCurveKeyframePoints) -> NDArray[np.float64]:
    co = np.empty(2 * len(points), dtype=np.float32)
    points.foreach_get("co", co)
    # Single precision moves keys of long actions off their frames; rounding moves them back.
    return np.round(co[::2].astype(np.float64), 3)


def _key_types(points: bpy.types.FCurveKeyframePoints) -> NDArray[np.int32]:
    types = np.empty(len(points), dtype=np.int32)
    points.foreach_get("type", types)
    return types

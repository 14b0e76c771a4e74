"""NLA tracks: a new take on its own track, the user's earlier action kept safe on another."""

from __future__ import annotations

import itertools
import json
from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import Any, Final

import bpy

from ... import compat
from ..rig.ik_constraints import restore_influences
from .action_writer import SWITCHES_KEY, WrittenAction

#: Frames by which a strip is drawn out on both sides when its curves go on beyond their keys.
WIDE: Final = 10_000


@dataclass(frozen=True)
class NlaState:
    """How an armature was animated before a take, as far as the take changes it.

    Attributes:
        evaluated: whether its NLA played at all.
        star: name of the soloed track, or "".
        silenced: tracks that were muted because they did not play before.
        active: name and slot of the active action where a track had it already, or ().
        aside: (muted track, strip) of each strip that lay where the take is.
    """

    evaluated: bool = True
    star: str = ""
    silenced: tuple[str, ...] = ()
    active: tuple[str, ...] = ()
    aside: tuple[tuple[str, str], ...] = ()


UNCHANGED: Final = NlaState()


@dataclass(frozen=True)
class AddedTracks:
    """What ``push_take`` added.

    Attributes:
        track: the new track's name.
        stashed: name of the track that holds the earlier action, or "".
        around: name of the track that keeps the take's curves outside it, or "".
        before: how the armature was animated until then.
    """

    track: str
    stashed: str
    around: str = ""
    before: NlaState = UNCHANGED


def push_take(obj: Any, written: WrittenAction, start_frame: float, name: str) -> AddedTracks:
    """Put an action on a new track on top; the active action goes to a muted one below.

    Nothing is left half done: when a step fails, tracks and active action are as before.
    """
    had_data = obj.animation_data is not None
    data = obj.animation_data or obj.animation_data_create()
    earlier, earlier_slot = data.action, compat.active_slot(data)
    before, silent = _playing(data), _silent(data)
    added: list[Any] = []
    try:
        if earlier is not None and not before.active:
            added.append(_stash(data, earlier, earlier_slot))
        track = _new_track(data, written.action, written.slot, start_frame, name)
        added.append(track)
        data.action = None
        _let_play(data, track, silent)
    except Exception:
        _take_back(obj, added, earlier, earlier_slot, had_data=had_data)
        raise
    return AddedTracks(track.name, added[0].name if len(added) > 1 else "", before=before)


def _take_back(obj: Any, added: list[Any], earlier: Any, slot: Any, *, had_data: bool) -> None:
    """Tracks and active action as they were."""
    data = obj.animation_data
    for track in reversed(added):
        drop_track(data, track)
    if data.action is not earlier:
        compat.assign_action(data, earlier, slot)
    if not had_data:
        obj.animation_data_clear()


def join_take(
    obj: Any,
    written: WrittenAction,
    held: WrittenAction | None,
    start: float,
    name: str,
    *,
    holds: bool,
) -> AddedTracks:
    """Put an action on a new track on top, for its own frames only; the rest plays on as it did.

    Args:
        obj: the armature object.
        written: the take.
        held: what keeps curves of the take where they are outside it, or None.
        start: first frame of the take.
        name: of the track.
        holds: its last pose stays after it.
    """
    had_data = obj.animation_data is not None
    data = obj.animation_data or obj.animation_data_create()
    earlier, earlier_slot = data.action, compat.active_slot(data)
    before, silent = replace(_playing(data), active=()), _silent(data)
    added: list[Any] = []
    try:
        if earlier is not None:
            added.append(_push_down(data, earlier, earlier_slot))
        if held is not None:
            added.append(_new_track(data, held.action, held.slot, start, f"{name} (around)"))
            added[-1].strips[0].extrapolation = "HOLD"
        track = _new_track(data, written.action, written.slot, start, name)
        added.append(track)
        track.strips[0].extrapolation = "HOLD_FORWARD" if holds else "NOTHING"
        data.action = None
        for lit in (t for t in data.nla_tracks if t.is_solo):
            lit.is_solo = False  # of an NLA that did not play: see check_no_solo
        _let_play(data, track, silent)
    except Exception:
        _take_back(obj, added, earlier, earlier_slot, had_data=had_data)
        raise
    around = added[-2].name if held is not None else ""
    return AddedTracks(track.name, added[0].name if earlier is not None else "", around, before)


def add_block(
    obj: Any, written: WrittenAction, start: float, name: str, track_name: str
) -> AddedTracks:
    """Put an action on the track of that name, made when absent.

    What the track has at these frames already goes to a muted track and is kept.
    """
    data = obj.animation_data
    track = data.nla_tracks.get(track_name) if data is not None else None
    if data is None or track is None:
        pushed = push_take(obj, written, start, track_name)
        obj.animation_data.nla_tracks[pushed.track].strips[0].name = name
        return pushed
    end = start + _length(written.action)
    earlier, earlier_slot = data.action, compat.active_slot(data)
    before, silent = _playing(data), [t for t in _silent(data) if t != track]
    keep = earlier is not None and not before.active
    stashed = _stash(data, earlier, earlier_slot).name if keep else ""
    aside = tuple(
        _set_aside(data, track, strip)
        for strip in list(track.strips)
        if strip.frame_start < end - 1e-3 and strip.frame_end > start + 1e-3
    )
    _new_strip(track, written.action, written.slot, start, name)
    data.action = None
    _let_play(data, track, silent)
    return AddedTracks(track.name, stashed, before=replace(before, aside=aside))


def put_back(data: Any, track: Any, aside: Iterable[tuple[str, str]]) -> None:
    """Strips that a block had pushed aside, on their track again where it is free by now."""
    for below, name in aside:
        if below not in data.nla_tracks or name not in data.nla_tracks[below].strips:
            continue
        muted = data.nla_tracks[below]
        strip = muted.strips[name]
        start, end = strip.frame_start, strip.frame_end
        if any(s.frame_start < end - 1e-3 and s.frame_end > start + 1e-3 for s in track.strips):
            continue
        action, slot = strip.action, compat.strip_slot(strip)
        muted.strips.remove(strip)
        _new_strip(track, action, slot, start, name)
        if not len(muted.strips):
            drop_track(data, muted)


def drop_track(data: Any, track: Any) -> None:
    """Remove a track, its star first: Blender else plays none of the tracks from then on."""
    if track.is_solo:
        track.is_solo = False
    data.nla_tracks.remove(track)


def has_strips(obj: Any, track_name: str, start: float, end: float) -> list[Any]:
    """The strips of a track that lie over these frames; touching does not count."""
    data = obj.animation_data
    track = data.nla_tracks.get(track_name) if data is not None else None
    if track is None:
        return []
    return [s for s in track.strips if s.frame_start < end - 1e-3 and s.frame_end > start + 1e-3]


def tracks_above(obj: Any, track_name: str) -> tuple[list[str], float]:
    """Takes above that play over this track from a frame on, and that frame; [] for none.

    Takes that were made to join it end where they end, and do not count.
    """
    data = obj.animation_data
    if data is None:
        return [], 0.0
    names = [t.name for t in data.nla_tracks]
    if track_name not in names or not data.nla_tracks[track_name].strips:
        return [], 0.0
    own = data.nla_tracks[track_name].strips
    start, end = own[0].frame_start, own[-1].frame_end
    found: dict[str, float] = {}
    for track in list(data.nla_tracks)[names.index(track_name) + 1 :]:
        for strip in track.strips if not track.mute else ():
            if strip.extrapolation == "HOLD_FORWARD" and strip.frame_start < end:
                found.setdefault(track.name, max(float(strip.frame_start), float(start)))
    return list(found), min(found.values(), default=0.0)


def make_cyclic(action: Any, strip: Any, last: float, *, beyond: bool) -> None:
    """Give every curve of a loop a Cycles modifier; what travels goes on from cycle to cycle.

    Args:
        action: the loop, from its first key to its last.
        strip: that plays it.
        last: frame up to which the strip is drawn out.
        beyond: whether the strip may be longer than the loop.
    """
    start, end = action.frame_range
    for curve in compat.all_curves(action):
        values = [p.co[1] for p in (curve.keyframe_points[0], curve.keyframe_points[-1])]
        cycles = curve.modifiers.new("CYCLES")
        travels = abs(values[1] - values[0]) > 1e-4 and "rotation" not in curve.data_path
        mode = "REPEAT_OFFSET" if travels else "REPEAT"
        cycles.mode_before = cycles.mode_after = mode
    action.use_frame_range = True
    action.frame_start, action.frame_end = start, end
    action.use_cyclic = True
    if beyond and last > strip.frame_end:
        strip.action_frame_end = strip.action_frame_start + last - strip.frame_start
        strip.frame_end_raw = last


def remove_take(obj: Any, track_name: str) -> None:
    """Take a generated track off again, with its action, and turn its switches back."""
    data = obj.animation_data
    if data is None or (track := data.nla_tracks.get(track_name)) is None:
        return
    actions = [s.action for s in track.strips if s.action is not None]
    drop_track(data, track)
    for action in actions:
        restore_switches(obj, action)
        if action.users == 0:
            bpy.data.actions.remove(action)


def restore_switches(obj: Any, action: Any) -> None:
    """Give the properties that an action switched the values they had before it."""
    for bone, prop, value in json.loads(action.get(SWITCHES_KEY, "[]")):
        target = obj.pose.bones.get(bone)
        if target is not None and prop in target:
            target[prop] = value
    restore_influences(obj, action)
    obj.update_tag()


def _playing(data: Any) -> NlaState:
    star = next((str(t.name) for t in data.nla_tracks if t.is_solo), "")
    active: tuple[str, ...] = ()
    if data.action is not None and _is_stashed(data, data.action):
        active = (str(data.action.name), compat.slot_name(compat.active_slot(data)))
    silenced = tuple(str(t.name) for t in _silent(data))
    return NlaState(bool(data.use_nla), star, silenced, active)


def _silent(data: Any) -> list[Any]:
    """Tracks that play only once the NLA is evaluated, which it is not yet."""
    return [t for t in data.nla_tracks if not t.mute] if not data.use_nla else []


def _let_play(data: Any, track: Any, silent: Iterable[Any]) -> None:
    """A take must show: NLA evaluation on, and the solo star, if one is lit, on this track.

    What was ``silent`` without evaluation stays so.
    """
    for other in silent:
        other.mute = True
    data.use_nla = True
    if any(t.is_solo for t in data.nla_tracks):
        track.is_solo = True


def _is_stashed(data: Any, action: Any) -> bool:
    strips = (s for t in data.nla_tracks for s in t.strips)
    return any(s.action == action for s in strips)


def _stash(data: Any, action: Any, slot: Any) -> Any:
    start = int(action.frame_range[0])
    track = _new_track(data, action, slot, start, f"{action.name} (before)")
    track.mute = True
    return track


def _push_down(data: Any, action: Any, slot: Any) -> Any:
    """The active action as a track that plays just as it did; what it does beyond its keys too."""
    cut, action.use_frame_range = action.use_frame_range, False  # it plays beyond that range
    try:
        track = _new_track(data, action, slot, float(action.frame_range[0]), action.name)
    finally:
        action.use_frame_range = cut
    strip = track.strips[0]
    strip.blend_type, strip.extrapolation = data.action_blend_type, data.action_extrapolation
    if data.action_influence < 1:
        _set_influence(strip, data.action_influence)
    goes_on = any(c.modifiers or c.extrapolation != "CONSTANT" for c in compat.all_curves(action))
    if goes_on:
        strip.action_frame_start -= WIDE
        strip.action_frame_end += WIDE
        strip.frame_end_raw += WIDE
        strip.frame_start_raw -= WIDE
    return track


def _set_influence(strip: Any, influence: float) -> None:
    """Blender reads a strip's influence from a curve of its own only."""
    strip.use_animated_influence = True
    for point in strip.fcurves.find("influence").keyframe_points:
        point.co[1] = influence
    strip.influence = influence


def _set_aside(data: Any, track: Any, strip: Any) -> tuple[str, str]:
    """Move a strip to a muted track, where its frames are free; names of that and of the strip."""
    name = f"{track.name} (before)"
    start, end = strip.frame_start, strip.frame_end
    action, slot, own = strip.action, compat.strip_slot(strip), strip.name
    below = [t for t in data.nla_tracks if t.mute and t.name.startswith(name)]
    free = [t for t in below if all(s.frame_end <= start or s.frame_start >= end for s in t.strips)]
    if free:
        aside = free[0]
        kept = _new_strip(aside, action, slot, start, own)
    else:
        aside = _new_track(data, action, slot, start, name)
        aside.mute = True
        kept = aside.strips[0]
    track.strips.remove(strip)
    kept.name = own  # free by now
    return str(aside.name), str(kept.name)


def _length(action: Any) -> float:
    start, end = action.frame_range
    return float(end - start)


def _new_track(data: Any, action: Any, slot: Any, start: float, name: str) -> Any:
    track = data.nla_tracks.new()
    try:
        track.name = _free_name(data, name)
        _new_strip(track, action, slot, start, name)
    except Exception:
        drop_track(data, track)
        raise
    return track


def _free_name(data: Any, name: str) -> str:
    """The name, counted on when another track has it: Blender lets several share one."""
    taken = {track.name for track in data.nla_tracks}
    names = (f"{name}.{count:03d}" if count else name for count in itertools.count())
    return next(free for free in names if free not in taken)


def _new_strip(track: Any, action: Any, slot: Any, start: float, name: str) -> Any:
    strip = track.strips.new(name, int(start), action)
    compat.bind_strip(strip, slot)
    strip.name = name
    if start != int(start):  # a new strip begins on whole frames only
        length = strip.frame_end - strip.frame_start
        strip.frame_end_raw, strip.frame_start_raw = start + length, start
    strip.blend_type = "REPLACE"
    strip.extrapolation = "HOLD_FORWARD"
    strip.use_auto_blend = False
    strip.blend_in = strip.blend_out = 0.0
    # Blender 5 has been seen to start a strip without influence.
    strip.influence = 1.0
    return strip

"""A new take in the NLA editor: on a track of its own, the earlier action kept on another."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from typing import Any

import bpy

from ... import compat
from .action_writer import WrittenAction
from .nla_tracks import (
    drop_track,
    move_aside,
    new_strip,
    new_track,
    overlapping_strips,
    push_down,
    stash,
)


@dataclass(frozen=True)
class NlaState:
    """How the NLA of an armature was before a take, as far as the take changes it.

    Attributes:
        evaluated: whether the NLA was evaluated.
        soloed: name of the soloed track, or "".
        muted: names of the tracks that were muted because they did not play before.
        active: name and slot of the active action where a track had it already, or ().
        moved_aside: (muted track, strip) of each strip that lay where the take is.
    """

    evaluated: bool = True
    soloed: str = ""
    muted: tuple[str, ...] = ()
    active: tuple[str, ...] = ()
    moved_aside: tuple[tuple[str, str], ...] = ()

    @classmethod
    def from_dict(cls, data: dict[str, Any]) -> NlaState:
        """The state from its fields as JSON gives them."""
        return cls(
            bool(data["evaluated"]),
            str(data["soloed"]),
            tuple(data["muted"]),
            tuple(data["active"]),
            tuple((track, strip) for track, strip in data["moved_aside"]),
        )


@dataclass(frozen=True)
class AddedTracks:
    """The tracks that a take added.

    Attributes:
        track: name of the track that the take is on.
        stashed: name of the track that holds the earlier action, or "".
        held: name of the track that holds the take's properties outside it, or "".
        before: the state of the NLA before the take.
    """

    track: str
    stashed: str
    held: str = ""
    before: NlaState = field(default_factory=NlaState)


def push_take(
    obj: bpy.types.Object, written: WrittenAction, start_frame: float, name: str
) -> AddedTracks:
    """Put an action on a new track on top; the active action goes to a muted one below.

    When a step fails, tracks and active action are as before.
    """
    had_data = obj.animation_data is not None
    data = _animation_data(obj)
    earlier, earlier_slot = data.action, compat.active_slot(data)
    before, silent = _state(data), _silent_tracks(data)
    added: list[bpy.types.NlaTrack] = []
    try:
        if earlier is not None and not before.active:
            added.append(stash(data, earlier, earlier_slot))
        track = new_track(data, written.action, written.slot, start_frame, name)
        added.append(track)
        data.action = None
        _make_audible(data, track, silent)
    except Exception:
        _revert(obj, added, earlier, earlier_slot, had_data=had_data)
        raise
    return AddedTracks(track.name, added[0].name if len(added) > 1 else "", before=before)


def join_take(
    obj: bpy.types.Object,
    written: WrittenAction,
    held: WrittenAction | None,
    start: float,
    name: str,
    *,
    holds: bool,
) -> AddedTracks:
    """Put an action on a new track on top for its own frames only; the rest plays as it did.

    Args:
        obj: the armature object.
        written: the take.
        held: an action that holds the take's properties outside the take, or None.
        start: first frame of the take.
        name: of the track.
        holds: whether the take's last pose stays after it.
    """
    had_data = obj.animation_data is not None
    data = _animation_data(obj)
    earlier, earlier_slot = data.action, compat.active_slot(data)
    before, silent = replace(_state(data), active=()), _silent_tracks(data)
    added: list[bpy.types.NlaTrack] = []
    try:
        if earlier is not None:
            added.append(push_down(data, earlier, earlier_slot))
        if held is not None:
            added.append(new_track(data, held.action, held.slot, start, f"{name} (around)"))
            added[-1].strips[0].extrapolation = "HOLD"
        track = new_track(data, written.action, written.slot, start, name)
        added.append(track)
        track.strips[0].extrapolation = "HOLD_FORWARD" if holds else "NOTHING"
        data.action = None
        for soloed in (t for t in data.nla_tracks if t.is_solo):
            soloed.is_solo = False  # of an NLA that was not evaluated: see check_no_solo
        _make_audible(data, track, silent)
    except Exception:
        _revert(obj, added, earlier, earlier_slot, had_data=had_data)
        raise
    held_track = added[-2].name if held is not None else ""
    return AddedTracks(track.name, added[0].name if earlier is not None else "", held_track, before)


def add_block(
    obj: bpy.types.Object, written: WrittenAction, start: float, name: str, track_name: str
) -> AddedTracks:
    """Put an action on the track of that name, made when absent.

    What the track has at these frames already is moved to a muted track.
    """
    data = obj.animation_data
    track = data.nla_tracks.get(track_name) if data is not None else None
    if data is None or track is None:
        added = push_take(obj, written, start, track_name)
        _animation_data(obj).nla_tracks[added.track].strips[0].name = name
        return added
    first, last = written.action.frame_range
    end = start + float(last - first)
    earlier, earlier_slot = data.action, compat.active_slot(data)
    before, silent = _state(data), [t for t in _silent_tracks(data) if t != track]
    stashed = ""
    if earlier is not None and not before.active:
        stashed = stash(data, earlier, earlier_slot).name
    aside = tuple(move_aside(data, track, s) for s in overlapping_strips(track, start, end))
    new_strip(track, written.action, written.slot, start, name)
    data.action = None
    _make_audible(data, track, silent)
    return AddedTracks(track.name, stashed, before=replace(before, moved_aside=aside))


def make_cyclic(
    action: bpy.types.Action, strip: bpy.types.NlaStrip, last: float, *, extend: bool
) -> None:
    """Give every curve of a loop a Cycles modifier; locations go on from cycle to cycle.

    Args:
        action: the loop, from its first key to its last.
        strip: the strip that plays it.
        last: frame up to which the strip is extended.
        extend: whether the strip may be longer than the loop.
    """
    start, end = action.frame_range
    for curve in compat.all_curves(action):
        first_key, last_key = curve.keyframe_points[0], curve.keyframe_points[-1]
        if any(modifier.type == "CYCLES" for modifier in curve.modifiers):
            continue  # of an earlier time on the rig
        travels = abs(last_key.co[1] - first_key.co[1]) > 1e-4
        cycles = curve.modifiers.new("CYCLES")
        assert isinstance(cycles, bpy.types.FModifierCycles)
        offset = travels and "rotation" not in curve.data_path
        cycles.mode_before = cycles.mode_after = "REPEAT_OFFSET" if offset else "REPEAT"
    action.use_frame_range = True
    action.frame_start, action.frame_end = start, end
    action.use_cyclic = True
    if extend and last > strip.frame_end:
        strip.action_frame_end = strip.action_frame_start + last - strip.frame_start
        strip.frame_end_raw = last


def has_strips(obj: bpy.types.Object, track_name: str, start: float, end: float) -> bool:
    """Whether a track has strips over these frames; touching does not count."""
    data = obj.animation_data
    track = data.nla_tracks.get(track_name) if data is not None else None
    return track is not None and bool(overlapping_strips(track, start, end))


def tracks_above(obj: bpy.types.Object, track_name: str) -> tuple[list[str], float]:
    """Takes above that hide this track from a frame on, and that frame; [] for none.

    Takes that were made to join the track end where they end, and do not count.
    """
    data = obj.animation_data
    track = data.nla_tracks.get(track_name) if data is not None else None
    if data is None or track is None or not track.strips:
        return [], 0.0
    start, end = track.strips[0].frame_start, track.strips[-1].frame_end
    index = [t.name for t in data.nla_tracks].index(track_name)
    found: dict[str, float] = {}
    for above in list(data.nla_tracks)[index + 1 :]:
        for strip in above.strips if not above.mute else ():
            if strip.extrapolation == "HOLD_FORWARD" and strip.frame_start < end:
                found.setdefault(above.name, max(float(strip.frame_start), float(start)))
    return list(found), min(found.values(), default=0.0)


def _animation_data(obj: bpy.types.Object) -> bpy.types.AnimData:
    data = obj.animation_data or obj.animation_data_create()
    assert data is not None
    return data


def _revert(
    obj: bpy.types.Object,
    added: list[bpy.types.NlaTrack],
    earlier: bpy.types.Action | None,
    slot: bpy.types.ActionSlot | None,
    *,
    had_data: bool,
) -> None:
    """Remove the added tracks and make the earlier action the active one again."""
    data = _animation_data(obj)
    for track in reversed(added):
        drop_track(data, track)
    if data.action is not earlier:
        compat.assign_action(data, earlier, slot)
    if not had_data:
        obj.animation_data_clear()


def _state(data: bpy.types.AnimData) -> NlaState:
    soloed = next((t.name for t in data.nla_tracks if t.is_solo), "")
    active: tuple[str, ...] = ()
    if data.action is not None and _is_on_a_track(data, data.action):
        active = (data.action.name, compat.slot_name(compat.active_slot(data)))
    muted = tuple(t.name for t in _silent_tracks(data))
    return NlaState(bool(data.use_nla), soloed, muted, active)


def _silent_tracks(data: bpy.types.AnimData) -> list[bpy.types.NlaTrack]:
    """Tracks that would play only once the NLA is evaluated, which it is not yet."""
    return [t for t in data.nla_tracks if not t.mute] if not data.use_nla else []


def _make_audible(
    data: bpy.types.AnimData, track: bpy.types.NlaTrack, silent: Iterable[bpy.types.NlaTrack]
) -> None:
    """Make a take's track play: evaluate the NLA, and move a solo star to this track.

    Tracks that did not play are muted, so that they stay silent.
    """
    for other in silent:
        other.mute = True
    data.use_nla = True
    if any(t.is_solo for t in data.nla_tracks):
        track.is_solo = True


def _is_on_a_track(data: bpy.types.AnimData, action: bpy.types.Action) -> bool:
    return any(s.action == action for t in data.nla_tracks for s in t.strips)

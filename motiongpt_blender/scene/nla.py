"""NLA tracks: a new take on its own track, the user's earlier action kept safe on another."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any

import bpy

from .. import compat
from .action_writer import SWITCHES_KEY, WrittenAction


@dataclass(frozen=True)
class PushedTake:
    """What ``push_take`` added.

    Attributes:
        track: the new track's name.
        stashed: name of the muted track that holds the earlier action, or "".
    """

    track: str
    stashed: str


def push_take(obj: Any, written: WrittenAction, start_frame: int, name: str) -> PushedTake:
    """Put an action on a new track on top; the active action goes to a muted one below.

    Nothing is left half done: when a step fails, tracks and active action are as before.
    """
    had_data = obj.animation_data is not None
    data = obj.animation_data or obj.animation_data_create()
    earlier, earlier_slot = data.action, compat.active_slot(data)
    added: list[Any] = []
    try:
        if earlier is not None and not _is_stashed(data, earlier):
            added.append(_stash(data, earlier, earlier_slot))
        track = _new_track(data, written.action, written.slot, start_frame, name)
        added.append(track)
        data.action = None
        _let_play(data, track)
    except Exception:
        for track in reversed(added):
            data.nla_tracks.remove(track)
        if data.action is not earlier:
            compat.assign_action(data, earlier, earlier_slot)
        if not had_data:
            obj.animation_data_clear()
        raise
    return PushedTake(track.name, added[0].name if len(added) > 1 else "")


def remove_take(obj: Any, track_name: str) -> None:
    """Take a generated track off again, with its action, and turn its switches back."""
    data = obj.animation_data
    if data is None or (track := data.nla_tracks.get(track_name)) is None:
        return
    actions = [s.action for s in track.strips if s.action is not None]
    data.nla_tracks.remove(track)
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
    obj.update_tag()


def _let_play(data: Any, track: Any) -> None:
    """A take must show: NLA evaluation on, and the solo star, if one is lit, on this track."""
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


def _new_track(data: Any, action: Any, slot: Any, start: int, name: str) -> Any:
    track = data.nla_tracks.new()
    try:
        track.name = name
        strip = track.strips.new(name, start, action)
        compat.bind_strip(strip, slot)
        strip.name = name
        strip.blend_type = "REPLACE"
        strip.extrapolation = "HOLD_FORWARD"
        strip.use_auto_blend = False
        strip.blend_in = strip.blend_out = 0.0
        # Blender 5 has been seen to start a strip without influence.
        strip.influence = 1.0
    except Exception:
        data.nla_tracks.remove(track)
        raise
    return track

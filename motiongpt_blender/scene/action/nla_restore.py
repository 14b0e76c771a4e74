"""The NLA as it was before a take: strips, earlier action, solo star and evaluation come back."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

import bpy

from ... import compat
from .nla import NlaState
from .nla_tracks import drop_track, new_strip, overlapping_strips

#: Frames by which a strip lies elsewhere than its action.
MOVED: Final = 0.01


def restore_moved_strips(
    data: bpy.types.AnimData, track: bpy.types.NlaTrack, aside: Iterable[tuple[str, str]]
) -> None:
    """Move strips that a take had moved aside back to their track, where it is free by now."""
    for below, name in aside:
        if below not in data.nla_tracks or name not in data.nla_tracks[below].strips:
            continue
        muted = data.nla_tracks[below]
        strip = muted.strips[name]
        action, slot, start = strip.action, compat.strip_slot(strip), strip.frame_start
        if action is None or overlapping_strips(track, start, strip.frame_end):
            continue
        muted.strips.remove(strip)
        new_strip(track, action, slot, start, name)
        if not len(muted.strips):
            drop_track(data, muted)


def remove_track(data: bpy.types.AnimData, name: str) -> None:
    """Remove a track and the actions that only it used; nothing for an absent track or ""."""
    if not name or name not in data.nla_tracks:
        return
    track = data.nla_tracks[name]
    actions = [s.action for s in track.strips if s.action is not None]
    drop_track(data, track)
    for action in actions:
        if action.users == 0:
            bpy.data.actions.remove(action)


def reactivate_stashed(data: bpy.types.AnimData, name: str) -> None:
    """Make the stashed action the active one again, unless something lies above it by now.

    A strip that the animator moved or retimed since stays, and plays where it was moved to.
    """
    if not name or name not in data.nla_tracks or data.action is not None:
        return
    track = data.nla_tracks[name]
    if data.nla_tracks[-1] != track or len(track.strips) != 1:
        return
    strip = track.strips[0]
    if strip.action is None:
        return
    if not _plays_as_active_action(strip):
        track.mute = False
        return
    action, slot = strip.action, compat.strip_slot(strip)
    drop_track(data, track)
    compat.assign_action(data, action, slot)


def drop_empty_animation_data(obj: bpy.types.Object) -> None:
    """Remove an animation-data block that holds nothing and sets nothing."""
    data = obj.animation_data
    if data is None or data.action is not None or len(data.nla_tracks) or len(data.drivers):
        return
    blend = data.action_blend_type, data.action_extrapolation, data.action_influence
    if data.use_nla and blend == ("REPLACE", "HOLD", 1.0):
        obj.animation_data_clear()


def _plays_as_active_action(strip: bpy.types.NlaStrip) -> bool:
    """Whether a strip plays each frame of its action at that frame of the scene."""
    moved = abs(strip.frame_start - strip.action_frame_start) > MOVED
    retimed = strip.use_animated_time or strip.use_reverse or strip.scale != 1.0
    return not moved and not retimed and strip.repeat == 1.0


def restore_nla_state(
    data: bpy.types.AnimData,
    before: NlaState,
    *,
    was_soloed: bool,
    was_on_top: bool,
    has_takes: bool,
) -> None:
    """Restore solo star, active action and evaluation; other takes go on playing.

    Args:
        data: of the armature, the take's strip removed already.
        before: the state before the take.
        was_soloed: whether the take's track had the star.
        was_on_top: whether the take's track was the topmost.
        has_takes: whether other takes play; they need the NLA evaluated.
    """
    if was_soloed and before.soloed in data.nla_tracks:
        data.nla_tracks[before.soloed].is_solo = True
    action = bpy.data.actions.get(before.active[0]) if before.active else None
    if was_on_top and action is not None and data.action is None:
        compat.assign_action(data, action, compat.named_slot(action, before.active[1]))
    if before.evaluated or has_takes:
        return
    data.use_nla = False
    for name in before.muted:
        if name in data.nla_tracks:
            data.nla_tracks[name].mute = False

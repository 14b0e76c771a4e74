"""NLA tracks and strips: made, named, muted aside and removed. Used by ``nla`` alone."""

from __future__ import annotations

import itertools
from typing import Final

import bpy

from ... import compat

#: Frames by which a strip is extended on both sides when its curves go on beyond their keys.
EXTENSION: Final = 10_000


def new_track(
    data: bpy.types.AnimData,
    action: bpy.types.Action,
    slot: bpy.types.ActionSlot | None,
    start: float,
    name: str,
) -> bpy.types.NlaTrack:
    """A new track on top with one strip that plays an action."""
    track = data.nla_tracks.new()
    try:
        track.name = _free_name(data, name)
        new_strip(track, action, slot, start, name)
    except Exception:
        drop_track(data, track)
        raise
    return track


def new_strip(
    track: bpy.types.NlaTrack,
    action: bpy.types.Action,
    slot: bpy.types.ActionSlot | None,
    start: float,
    name: str,
) -> bpy.types.NlaStrip:
    """A new strip that plays an action from a scene frame on and holds its last pose."""
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


def drop_track(data: bpy.types.AnimData, track: bpy.types.NlaTrack) -> None:
    """Remove a track, its star first: Blender else plays none of the tracks from then on."""
    if track.is_solo:
        track.is_solo = False
    data.nla_tracks.remove(track)


def overlapping_strips(
    track: bpy.types.NlaTrack, start: float, end: float
) -> list[bpy.types.NlaStrip]:
    """The strips of a track that lie over these frames; touching does not count."""
    return [s for s in track.strips if s.frame_start < end - 1e-3 and s.frame_end > start + 1e-3]


def playing_strip(
    data: bpy.types.AnimData, action: bpy.types.Action
) -> tuple[bpy.types.NlaTrack, bpy.types.NlaStrip] | None:
    """The first track and strip that have an action; None where no strip has it."""
    pairs = ((track, strip) for track in data.nla_tracks for strip in track.strips)
    return next((pair for pair in pairs if pair[1].action == action), None)


def play_instead(
    strip: bpy.types.NlaStrip, action: bpy.types.Action, slot: bpy.types.ActionSlot | None
) -> None:
    """Let a strip play another version of its action, longer or shorter by what that is."""
    before = strip.action
    ends = strip.action_frame_start, strip.action_frame_end, strip.frame_end
    longer = float(action.frame_range[1])
    longer -= float(before.frame_range[1]) if before is not None else ends[1]
    strip.action = action
    compat.bind_strip(strip, slot)
    strip.action_frame_start, strip.action_frame_end = ends[0], ends[1] + longer
    strip.frame_end_raw = ends[2] + longer * strip.scale


def lengthen(strip: bpy.types.NlaStrip, by: float) -> None:
    """Let a strip play its action, which has become longer, to the end."""
    action_end, end = strip.action_frame_end + by, strip.frame_end + by * strip.scale
    strip.action_frame_end = action_end
    strip.frame_end_raw = end


def stash(
    data: bpy.types.AnimData, action: bpy.types.Action, slot: bpy.types.ActionSlot | None
) -> bpy.types.NlaTrack:
    """An action on a muted track, where it is kept."""
    start = float(action.frame_range[0])
    track = new_track(data, action, slot, start, f"{action.name} (before)")
    track.mute = True
    return track


def push_down(
    data: bpy.types.AnimData, action: bpy.types.Action, slot: bpy.types.ActionSlot | None
) -> bpy.types.NlaTrack:
    """The active action as a track that plays just as it did, beyond its keys too."""
    cut, action.use_frame_range = action.use_frame_range, False  # it plays beyond that range
    try:
        track = new_track(data, action, slot, float(action.frame_range[0]), action.name)
    finally:
        action.use_frame_range = cut
    strip = track.strips[0]
    strip.blend_type, strip.extrapolation = data.action_blend_type, data.action_extrapolation
    if data.action_influence < 1:
        _set_influence(strip, data.action_influence)
    if any(c.modifiers or c.extrapolation != "CONSTANT" for c in compat.all_curves(action)):
        strip.action_frame_start -= EXTENSION
        strip.action_frame_end += EXTENSION
        strip.frame_end_raw += EXTENSION
        strip.frame_start_raw -= EXTENSION
    return track


def move_aside(
    data: bpy.types.AnimData, track: bpy.types.NlaTrack, strip: bpy.types.NlaStrip
) -> tuple[str, str]:
    """Move a strip to a muted track whose frames are free there; names of track and strip."""
    name = f"{track.name} (before)"
    start, end = strip.frame_start, strip.frame_end
    action, slot, strip_name = strip.action, compat.strip_slot(strip), strip.name
    assert action is not None
    muted = [t for t in data.nla_tracks if t.mute and t.name.startswith(name)]
    free = [t for t in muted if not _is_occupied(t, start, end)]
    if free:
        aside = free[0]
        moved = new_strip(aside, action, slot, start, strip_name)
    else:
        aside = new_track(data, action, slot, start, name)
        aside.mute = True
        moved = aside.strips[0]
    track.strips.remove(strip)
    moved.name = strip_name  # free by now
    return aside.name, moved.name


def _is_occupied(track: bpy.types.NlaTrack, start: float, end: float) -> bool:
    return any(s.frame_end > start and s.frame_start < end for s in track.strips)


def _set_influence(strip: bpy.types.NlaStrip, influence: float) -> None:
    """Blender reads a strip's influence from a curve of the strip only."""
    strip.use_animated_influence = True
    curve = strip.fcurves.find("influence")
    assert curve is not None
    for point in curve.keyframe_points:
        point.co[1] = influence
    strip.influence = influence


def _free_name(data: bpy.types.AnimData, name: str) -> str:
    """The name, numbered when another track has it: Blender lets several tracks share one."""
    taken = {track.name for track in data.nla_tracks}
    names = (f"{name}.{count:03d}" if count else name for count in itertools.count())
    return next(free for free in names if free not in taken)

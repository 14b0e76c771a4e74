"""Removing a take: what it made goes, what was there before it comes back.

Only what the take's record tells is undone; what the animator did since stays.
"""

from __future__ import annotations

import bpy

from ... import compat
from ..access import current_scene
from ..action.nla_restore import (
    drop_empty_animation_data,
    reactivate_stashed,
    remove_track,
    restore_moved_strips,
    restore_nla_state,
)
from ..action.nla_tracks import drop_track
from ..scene_time import preserving_transforms
from .provenance import show_terms
from .record import TakeRecord
from .report import NO_IDS, TakeIds


def find_take(
    action_name: str, ids: TakeIds = NO_IDS
) -> tuple[bpy.types.Object, bpy.types.NlaTrack, bpy.types.NlaStrip] | None:
    """The object, track and strip that play a take; None when it is gone.

    With ``ids`` a renamed action is found too, and the armature that the take was made for is
    preferred to a copy of it.
    """
    action = bpy.data.actions.get(action_name)
    if ids.action:
        action = next((a for a in bpy.data.actions if compat.session_id(a) == ids.action), None)
    if action is None:
        return None
    for obj in sorted(bpy.data.objects, key=lambda o: compat.session_id(o) != ids.armature):
        for track in obj.animation_data.nla_tracks if obj.animation_data is not None else ():
            for strip in track.strips:
                if strip.action == action:
                    return obj, track, strip
    return None


def remove_take(action_name: str, ids: TakeIds = NO_IDS) -> bool:
    """Remove a take with all that it made; whether it was there.

    Its action goes too, unless something else uses it: the list of takes, or the animator.

    Args:
        action_name: the take's action.
        ids: the take's ids in this session; None known: it is found by the name alone.
    """
    found = find_take(action_name, ids)
    if found is None:
        return False
    obj, track, strip = found
    action, data = strip.action, obj.animation_data
    assert action is not None
    assert data is not None
    record = TakeRecord.load(action) or TakeRecord()
    keyed = [(c.data_path, c.array_index) for c in compat.all_curves(action)]
    was_soloed, was_on_top = track.is_solo, data.nla_tracks[-1] == track
    track.strips.remove(strip)
    restore_moved_strips(data, track, record.nla.moved_aside)
    if not len(track.strips):
        drop_track(data, track)
    remove_track(data, record.held_track)
    reactivate_stashed(data, record.stashed_track)
    restore_nla_state(
        data,
        record.nla,
        was_soloed=was_soloed,
        was_on_top=was_on_top,
        has_takes=_plays_takes(data),
    )
    record.restore(obj, keyed)
    show_terms(obj)
    drop_empty_animation_data(obj)
    if action.users == 0:
        bpy.data.actions.remove(action)
    else:  # a list of takes has it, or the animator
        TakeRecord.forget(action)
    _show_current_frame(obj)
    return True


def _plays_takes(data: bpy.types.AnimData) -> bool:
    strips = (strip for track in data.nla_tracks if not track.mute for strip in track.strips)
    return any(TakeRecord.load(strip.action) is not None for strip in strips)


def _show_current_frame(obj: bpy.types.Object) -> None:
    """Evaluate the current frame anew; unkeyed changes of other objects stay."""
    scene = current_scene()
    with preserving_transforms(o for o in scene.objects if o != obj):
        scene.frame_set(scene.frame_current, subframe=scene.frame_subframe)

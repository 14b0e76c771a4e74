"""Taking a take off again: what it made goes, what was there before it comes back.

A take notes on its action what was made beside it and how the armature stood. Only that is
undone; what the animator did since stays.
"""

from __future__ import annotations

import json
from dataclasses import asdict
from typing import Any, Final

import bpy

from ... import compat
from ...core.body.transforms import Transform, rest_transform
from ..action.action_writer import WrittenAction
from ..action.nla import AddedTracks, NlaState, drop_track, put_back, restore_switches
from ..pose.undriven_bones import own_transform, rotation_property, set_transform, transforms_of
from .report import NO_IDS, TakeIds
from .root_motion import ROOT_MOTION_KEY
from .surroundings import animated_properties, preserving_transforms

#: Custom property of a generated action: its companions and the pose before it, as JSON.
BESIDE_KEY: Final = "motiongpt_beside"


def stands(obj: Any) -> dict[str, Any]:
    """How an armature stands: its own transform under "", bones that are not at rest."""
    return {n: t.to_list() for n, t in {"": own_transform(obj), **transforms_of(obj)}.items()}


def note(written: WrittenAction, pushed: AddedTracks, stood: dict[str, Any]) -> None:
    """Note on a take what was made beside it, and how the armature stood before."""
    beside = {
        "around": pushed.around,
        "earlier": pushed.stashed,
        "stood": stood,
        "before": asdict(pushed.before),
    }
    written.action[BESIDE_KEY] = json.dumps(beside)


def find_take(action_name: str, ids: TakeIds = NO_IDS) -> tuple[Any, Any, Any] | None:
    """The object, track and strip that play an action; None when it is gone or never played.

    With ``ids`` it is found under another name too, and the armature that it was made for is
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


def take_back(action_name: str, ids: TakeIds = NO_IDS) -> bool:
    """Remove a take with all that it made; whether it was there."""
    found = find_take(action_name, ids)
    if found is None:
        return False
    obj, track, strip = found
    action = strip.action
    beside = json.loads(action.get(BESIDE_KEY, "{}"))
    moved = {(c.data_path, c.array_index) for c in compat.all_curves(action)}
    data, before = obj.animation_data, NlaState(**beside.get("before", {}))
    starred, on_top = bool(track.is_solo), data.nla_tracks[len(data.nla_tracks) - 1] == track
    track.strips.remove(strip)
    put_back(data, track, before.aside)
    if not len(track.strips):
        drop_track(data, track)
    _drop_track(data, beside.get("around", ""))
    _give_back(data, beside.get("earlier", ""))
    _play_again(data, before, starred=starred, on_top=on_top)
    restore_switches(obj, action)
    if action.users == 0:
        bpy.data.actions.remove(action)
    _stand_as_before(obj, beside.get("stood", {}), moved)
    if ROOT_MOTION_KEY in obj and not any(
        ROOT_MOTION_KEY in path for path, _ in animated_properties(obj)
    ):
        del obj[ROOT_MOTION_KEY]
    obj.update_tag()
    scene = bpy.context.scene
    with preserving_transforms(o for o in scene.objects if o != obj):
        scene.frame_set(scene.frame_current, subframe=scene.frame_subframe)
    return True


def _play_again(data: Any, before: NlaState, *, starred: bool, on_top: bool) -> None:
    """Star, active action and evaluation as before a take; other takes go on playing."""
    if starred and before.star in data.nla_tracks:
        data.nla_tracks[before.star].is_solo = True
    action = bpy.data.actions.get(before.active[0]) if before.active else None
    if on_top and action is not None and data.action is None:
        compat.assign_action(data, action, compat.named_slot(action, before.active[1]))
    heard = (strip for track in data.nla_tracks if not track.mute for strip in track.strips)
    if before.evaluated or any(_is_take(strip) for strip in heard):
        return
    data.use_nla = False
    for name in before.silenced:
        if name in data.nla_tracks:
            data.nla_tracks[name].mute = False


def _is_take(strip: Any) -> bool:
    return strip.action is not None and BESIDE_KEY in strip.action


def _drop_track(data: Any, name: str) -> None:
    track = data.nla_tracks.get(name) if name else None
    if track is None:
        return
    actions = [s.action for s in track.strips if s.action is not None]
    drop_track(data, track)
    for action in actions:
        if action.users == 0:
            bpy.data.actions.remove(action)


def _give_back(data: Any, name: str) -> None:
    """Make the earlier action the active one again, unless something lies above it by now."""
    track = data.nla_tracks.get(name) if name else None
    last = len(data.nla_tracks) - 1
    if track is None or data.action is not None or data.nla_tracks[last] != track:
        return
    if len(track.strips) == 1 and (action := track.strips[0].action) is not None:
        slot = compat.strip_slot(track.strips[0])
        drop_track(data, track)
        compat.assign_action(data, action, slot)


def _stand_as_before(obj: Any, stood: dict[str, Any], moved: set[tuple[str, int]]) -> None:
    """What the take alone moved stands as it stood before."""
    left = moved - animated_properties(obj)
    paths = {path for path, _ in left}
    for name, owner in {"": obj, **{b.name: b for b in obj.pose.bones}}.items():
        props = ("location", rotation_property(str(owner.rotation_mode)), "scale")
        if not any((owner.path_from_id(p) if name else p) in paths for p in props):
            continue
        mode = str(owner.rotation_mode)
        before = Transform.from_list(stood[name]) if name in stood else rest_transform(mode)
        if before.mode == mode:
            set_transform(owner, before)

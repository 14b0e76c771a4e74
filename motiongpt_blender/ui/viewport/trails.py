"""The trails of the chosen take in the 3D view."""

from __future__ import annotations

from collections.abc import Hashable
from dataclasses import dataclass
from typing import Final

import bpy

from ... import compat
from ...core.overlays.cache import LastValue
from ...core.overlays.trails import Trails, current_dots, trail_dots, trail_lines
from ...core.rig.rig_description import RigDescription
from ...properties import armature
from ...scene.access import armature_of
from ...scene.action.nla_tracks import playing_strip
from ...scene.errors import RigError
from ...scene.rig.description import describe
from ...scene.scene_time import current_frame
from ...scene.take.trails import StripTime, TakeTrails, trails_through
from .drawing import Batches, batches, before_scene, placed
from .revisions import revision

#: Share of the lines' opacity that is left behind the scene's objects.
_BEHIND: Final = 0.4


@dataclass(frozen=True)
class TrailBatches:
    """The trails of a take, ready to be drawn."""

    take: TakeTrails
    trails: Trails
    before: Batches
    behind: Batches


_rig: LastValue[RigDescription | None] = LastValue()
_kept: LastValue[TrailBatches | None] = LastValue()
_now: LastValue[Batches] = LastValue()


def draw_trails(obj: bpy.types.Object) -> None:
    """Draw the ways of hips, hands and feet through the chosen take, where the rig plays it."""
    strip = _chosen_strip(obj)
    if strip is None or strip.action is None:
        return
    rig_key, rig = described(obj)
    key = rig_key, revision(strip.action), StripTime.of(strip)
    drawn = _kept.get(key, lambda: _batches(obj, strip, rig))
    if drawn is None:
        return
    frame = current_frame()
    now = _now.get((key, frame), lambda: batches(current_dots(drawn.trails, frame)))
    with placed(drawn.take.matrix(obj)):
        with before_scene(hidden=True):
            drawn.behind.draw()
        with before_scene(solid=True):
            drawn.before.draw()
        with before_scene(hidden=True):
            now.draw()
        with before_scene():
            now.draw()


def described(obj: bpy.types.Object) -> tuple[Hashable, RigDescription | None]:
    """The description of an armature, None while it cannot be used, and what it depends on."""
    key = _rig_key(obj)
    return key, _rig.get(key, lambda: _description(obj))


def forget() -> None:
    """Free what is kept on the graphics card."""
    for kept in (_rig, _kept, _now):
        kept.forget()


def _chosen_strip(obj: bpy.types.Object) -> bpy.types.NlaStrip | None:
    """The strip that plays the chosen take and is not muted."""
    take, data = armature.of(obj).takes.chosen_take, obj.animation_data
    if take is None or take.action is None or data is None:
        return None
    found = playing_strip(data, take.action)
    if found is None or found[0].mute or found[1].mute:
        return None
    return found[1]


def _rig_key(obj: bpy.types.Object) -> Hashable:
    """What the description of an armature, or its refusal, depends on."""
    rows = tuple((row.part, row.bone, row.body) for row in armature.of(obj).bone_map.rows)
    return revision(obj), revision(armature_of(obj)), obj.mode == "EDIT", obj.scale.to_tuple(), rows


def _batches(
    obj: bpy.types.Object, strip: bpy.types.NlaStrip, rig: RigDescription | None
) -> TrailBatches | None:
    action, time = strip.action, StripTime.of(strip)
    if rig is None or action is None:
        return None
    take = trails_through(obj, rig, action, compat.strip_slot(strip), time.action_times())
    trails = Trails(time.start, take.points, rig.leg)
    dots, lines = trail_dots(trails), trail_lines(trails)
    return TrailBatches(
        take,
        trails,
        before=batches(dots, lines),
        behind=batches(lines=lines.faded(_BEHIND)),
    )


def _description(obj: bpy.types.Object) -> RigDescription | None:
    """The armature's description; None while it cannot be used."""
    try:
        return describe(obj)
    except RigError:
        return None

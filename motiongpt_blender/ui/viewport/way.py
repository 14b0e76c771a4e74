"""The way of the character in the 3D view; its curve and its empties are dragged as ever."""

from __future__ import annotations

from typing import Final

import bpy
import numpy as np

from ...core.body.rotations import Array, rotate
from ...core.overlays.cache import LastValue
from ...core.overlays.ways import facing_lines, way_lines, waypoint_dots
from ...core.rig.rig_description import RigDescription
from ...core.ways.path import path_of
from ...core.ways.way import Way, WayError
from ...operators.way_reading import described, shown_way
from ...properties import armature
from ...scene.errors import RigError
from ...scene.pose.way import matrix_at_start
from .drawing import Batches, batches, before_scene, placed

#: Share of the opacity that is left behind the scene's objects.
_BEHIND: Final = 0.35
#: Metres over the floor, so that it does not hide the line.
_LIFT: Final = 0.01

_kept: LastValue[tuple[Batches, Batches]] = LastValue()


def draw_way(obj: bpy.types.Object) -> None:
    """Draw the way that the next takes of an armature follow."""
    kept = armature.of(obj).way
    if not kept.is_used:
        return
    try:
        way, rig = shown_way(obj), described(obj)
    except (WayError, RigError):
        return
    chosen = kept.active if not way.drawn else None
    key = way, chosen, rig.scale, rig.floor
    behind, before = _kept.get(key, lambda: _batches(way, rig, chosen, len(kept.waypoints)))
    with placed(np.array(matrix_at_start(obj, None))):
        with before_scene(hidden=True):
            behind.draw()
        with before_scene():
            before.draw()


def forget() -> None:
    """Free what is kept on the graphics card."""
    _kept.forget()


def _batches(
    way: Way, rig: RigDescription, chosen: int | None, count: int
) -> tuple[Batches, Batches]:
    path = path_of(way, 1.0)
    lines = way_lines(_points(path.places, rig), rig.scale)
    points = way.points[len(way.points) - count :] if not way.drawn else ()
    places = _points(np.array([[p.x, p.z] for p in points]).reshape(-1, 2), rig)
    facing = [k for k, p in enumerate(points) if p.facing is not None]
    turns = np.array([points[k].facing for k in facing], dtype=np.float64)
    ahead = np.stack([np.sin(turns), np.zeros(len(turns)), np.cos(turns)], axis=-1)
    arrows = facing_lines(places[facing], rotate(rig.axes, ahead.reshape(-1, 3)), rig.scale)
    dots = waypoint_dots(places, chosen, rig.scale)
    drawn = type(lines).joined([lines, arrows])
    return (
        batches(dots.faded(_BEHIND), drawn.faded(_BEHIND), 2.5),
        batches(dots, drawn, 2.5),
    )


def _points(places: Array, rig: RigDescription) -> Array:
    """Places (N, 2) of the model as points (N, 3) on the armature's floor, in its space."""
    level = np.full(len(places), rig.floor + _LIFT * rig.scale)
    own = np.stack([places[:, 0] * rig.scale, level, places[:, 1] * rig.scale], axis=-1)
    return rotate(rig.axes, own)

"""The way of a character, read for a take and measured for the panel."""

from __future__ import annotations

import bpy
import numpy as np
from numpy.typing import NDArray

from ..compat import session_id
from ..core.overlays.cache import LastValue
from ..core.rig.rig_description import RigDescription
from ..core.translation import tr
from ..core.ways.gaits import natural_seconds, usual_speed
from ..core.ways.path import path_of
from ..core.ways.way import MOST_SECONDS, Way, WayError, check_way
from ..generate.take_way import from_here
from ..properties import armature
from ..properties.way import WayKind
from ..scene.access import armature_of
from ..scene.errors import RigError
from ..scene.pose.way import drawn_way, hips_place, line_of, matrix_at_start, waypoint_way
from ..scene.rig.description import describe
from ..scene.scene_time import current_frame, scene_fps

_rig: LastValue[RigDescription] = LastValue()


def way_of(
    obj: bpy.types.Object,
    rig: RigDescription,
    object_matrix: NDArray[np.float64] | None,
    start: float,
    fps: float,
) -> Way:
    """The way of an armature, where it uses one; raises WayError when it cannot be read."""
    kept = armature.of(obj).way
    matrix = matrix_at_start(obj, object_matrix)
    if kept.kind == WayKind.CURVE.value:
        if kept.curve is None:
            raise WayError(tr("No curve is chosen: choose one under Way, or press New Curve."))
        return drawn_way(rig, line_of(kept.curve), matrix)
    stops = kept.stops()
    if not stops:
        raise WayError(tr("There are no waypoints: press Click Waypoints under Way."))
    return waypoint_way(rig, stops, matrix, start, fps)


def shown_way(obj: bpy.types.Object) -> Way:
    """The way as the panel measures it, from where the armature stands now.

    Raises:
        RigError, WayError: where there is none.
    """
    rig = described(obj)
    way = way_of(obj, rig, None, current_frame(), scene_fps())
    if not way.drawn:
        way = from_here(way, hips_place(obj, rig))
    check_way(way)
    return way


def way_seconds(obj: bpy.types.Object) -> float | None:
    """Seconds of a take on the way of an armature; None where it uses none that can be read."""
    if not armature.of(obj).way.is_used:
        return None
    try:
        way = shown_way(obj)
    except (WayError, RigError):
        return None
    if way.last_seconds is not None:
        return way.last_seconds
    prompt = armature.of(obj).request.prompt
    return min(natural_seconds(prompt, path_of(way, usual_speed(prompt)).effort), MOST_SECONDS - 1)


def described(obj: bpy.types.Object) -> RigDescription:
    """An armature's description, kept while its bones and its scale stay; raises RigError."""
    data = armature_of(obj)
    heads = np.empty(3 * len(data.bones), dtype=np.float32)
    data.bones.foreach_get("head_local", heads)
    rows = tuple((row.part, row.bone) for row in armature.of(obj).bone_map.rows)
    key = session_id(obj), session_id(data), heads.tobytes(), obj.scale.to_tuple(), rows
    return _rig.get(key, lambda: describe(obj))

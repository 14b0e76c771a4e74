"""Objects of ways that the add-on makes: a curve ahead of a character, empties of waypoints."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

import bpy
from mathutils import Euler, Matrix, Vector

from ...core.rig.rig_description import RigDescription
from ..access import current_scene, evaluated
from .way import floor_height

#: Metres of the model: a new curve, and the size of a waypoint.
_NEW_CURVE: Final = 3.0
_SIZE: Final = 0.15
#: What marks an object that the add-on made, so that it goes with its waypoint.
OURS: Final = "motiongpt_waypoint"


def add_curve(obj: bpy.types.Object, rig: RigDescription, name: str) -> bpy.types.Object:
    """A Bezier curve on the floor that leads ahead from an armature."""
    data = bpy.data.curves.new(name, "CURVE")
    data.dimensions = "3D"
    spline = data.splines.new("BEZIER")
    spline.bezier_points.add(1)
    unit = rig.scale * max(obj.matrix_world.to_scale().to_tuple())
    for point, ahead in zip(spline.bezier_points, (0.0, _NEW_CURVE), strict=True):
        point.co = (0.0, -ahead * unit, 0.0)
        point.handle_left_type = point.handle_right_type = "AUTO"
    curve = bpy.data.objects.new(name, data)
    curve.matrix_world = _standing(obj, rig)
    current_scene().collection.objects.link(curve)
    return curve


def add_waypoint(
    obj: bpy.types.Object, rig: RigDescription, place: Vector, ahead: Vector | None, name: str
) -> bpy.types.Object:
    """An empty on a place in the world, whose -Y points ahead; without that, as the armature's."""
    empty = bpy.data.objects.new(name, None)
    empty.empty_display_type = "PLAIN_AXES"
    empty.empty_display_size = _SIZE * rig.scale * max(obj.matrix_world.to_scale().to_tuple())
    empty[OURS] = True
    turn = _standing(obj, rig).to_euler().z if ahead is None else _turn_to(ahead)
    empty.matrix_world = Matrix.LocRotScale(place.to_tuple(), Euler((0.0, 0.0, turn)), None)
    current_scene().collection.objects.link(empty)
    return empty


def turn_waypoint(empty: bpy.types.Object, ahead: Vector) -> None:
    """Turn an empty so that its -Y points ahead."""
    empty.rotation_euler = (0.0, 0.0, _turn_to(ahead))


def remove_waypoint(empty: bpy.types.Object | None) -> None:
    """Remove the object of a waypoint, if the add-on made it."""
    if empty is not None and OURS in empty and empty.library is None:
        bpy.data.objects.remove(empty)


def made_here(objects: Sequence[bpy.types.Object]) -> list[bpy.types.Object]:
    """Those of some objects that can be waypoints: all but armatures."""
    return [obj for obj in objects if obj.type != "ARMATURE"]


def _turn_to(ahead: Vector) -> float:
    """Radians about the vertical by which -Y points ahead."""
    return float(Vector((0.0, -1.0)).angle_signed(Vector((ahead.x, ahead.y)), 0.0)) * -1.0


def _standing(obj: bpy.types.Object, rig: RigDescription) -> Matrix:
    """Where an armature stands on its floor, level, turned as it is about the vertical."""
    matrix = evaluated(obj).matrix_world
    x, y, _ = matrix.translation
    place = Vector((x, y, floor_height(obj, rig)))
    return Matrix.LocRotScale(place.to_tuple(), Euler((0.0, 0.0, matrix.to_euler().z)), None)

"""Ways in the scene, curves and empties, read in a character's own metres."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Final

import bpy
import numpy as np
from mathutils import Matrix, Vector
from mathutils.geometry import interpolate_bezier
from numpy.typing import NDArray

from ...core.body.rotations import Array, inverse, rotate
from ...core.rig.rig_description import RigDescription
from ...core.translation import tr
from ...core.ways.way import MOST_POINTS, Way, WayError, Waypoint
from ..access import evaluated, pose_bones

#: Points that are read from one Bezier point to the next.
_FINE: Final = 48


@dataclass(frozen=True)
class Stop:
    """A waypoint in the scene.

    Attributes:
        empty: the object at its place, whose -Y is where the body faces.
        faces: whether the body has to face so.
        frame: scene frame at which it is due; None: when the body comes by.
    """

    empty: bpy.types.Object
    faces: bool = False
    frame: float | None = None


def line_of(curve: bpy.types.Object) -> Array:
    """Places (N, 3) in the world along a curve object, its scale and all its parents counted.

    Raises:
        WayError: for a curve that is no single line.
    """
    data = curve.data
    if not isinstance(data, bpy.types.Curve) or len(data.splines) != 1:
        count = len(data.splines) if isinstance(data, bpy.types.Curve) else 0
        raise WayError(
            tr(
                "'{name}' has {count} splines, and a way is one: separate the others, or choose "
                "another curve.",
                name=curve.name,
                count=count,
            )
        )
    spline = data.splines[0]
    if spline.type == "BEZIER":
        points = list(_bezier(spline))
    elif spline.type == "POLY":
        points = [point.co.to_3d() for point in spline.points]
        points += points[:1] if spline.use_cyclic_u else []
    else:
        points = _evaluated(curve, data)
    matrix = curve.matrix_world
    places = np.array([matrix @ point for point in points], dtype=np.float64).reshape(-1, 3)
    return places[:: -(-len(places) // MOST_POINTS)] if len(places) > MOST_POINTS else places


def drawn_way(rig: RigDescription, line: Array, matrix: Matrix) -> Way:
    """A line (N, 3) in the world as a way of an armature, whose matrix at the start is given."""
    places = _own_places(rig, line, matrix)
    return Way(tuple(Waypoint(float(x), float(z)) for x, z in places), drawn=True)


def waypoint_way(
    rig: RigDescription, stops: Sequence[Stop], matrix: Matrix, start: float, fps: float
) -> Way:
    """Waypoints as a way of an armature.

    Args:
        rig: its description.
        stops: the waypoints, in their order.
        matrix: of the armature at the take's start.
        start: first frame of the take.
        fps: of the scene.
    """
    points: list[Waypoint] = []
    for stop in stops:
        world = evaluated(stop.empty).matrix_world
        place, ahead = world.translation, world @ Vector((0.0, -1.0, 0.0))
        both = np.array([place, ahead], dtype=np.float64)
        (x, z), (to_x, to_z) = _own_places(rig, both, matrix)
        facing = float(np.arctan2(to_x - x, to_z - z)) if stop.faces else None
        seconds = None if stop.frame is None else (stop.frame - start) / fps
        points.append(Waypoint(float(x), float(z), facing, seconds))
    return Way(tuple(points))


def matrix_at_start(obj: bpy.types.Object, basis: NDArray[np.float64] | None) -> Matrix:
    """Matrix of an armature object in the world; with its own basis (4, 4) at a take's start."""
    world = evaluated(obj).matrix_world.copy()
    if basis is None:
        return world
    return world @ evaluated(obj).matrix_basis.inverted_safe() @ Matrix(basis.tolist())


def hips_place(obj: bpy.types.Object, rig: RigDescription) -> tuple[float, float]:
    """Where the hips are now, as metres to the left and ahead of an armature."""
    head = pose_bones(evaluated(obj))[rig.root].matrix.translation
    place = np.array([head], dtype=np.float64)
    x, z = _own_places(rig, place, Matrix.Identity(4))[0]
    return float(x), float(z)


def floor_height(obj: bpy.types.Object, rig: RigDescription) -> float:
    """Height in the world of the floor on which an armature stands at rest."""
    up = rotate(rig.axes, np.array([0.0, rig.floor, 0.0]))
    return float((evaluated(obj).matrix_world @ Vector(up.tolist())).z)


def _own_places(rig: RigDescription, places: Array, matrix: Matrix) -> Array:
    """Places (N, 3) in the world as metres to the left and ahead (N, 2) of an armature."""
    back = np.array(matrix.inverted_safe(), dtype=np.float64)
    own = places @ back[:3, :3].T + back[:3, 3]
    return rotate(inverse(rig.axes), own)[:, [0, 2]] / rig.scale


def _bezier(spline: bpy.types.Spline) -> Iterator[Vector]:
    points = list(spline.bezier_points)
    if spline.use_cyclic_u and len(points) > 1:
        points.append(points[0])
    if len(points) == 1:
        yield points[0].co.copy()
    for number, (one, other) in enumerate(pairwise(points)):
        line = interpolate_bezier(one.co, one.handle_right, other.handle_left, other.co, _FINE)
        yield from line if number == 0 else line[1:]


def _evaluated(curve: bpy.types.Object, data: bpy.types.Curve) -> list[Vector]:
    """The points of a NURBS curve as Blender evaluates it."""
    if data.bevel_depth or data.extrude or data.bevel_object is not None:
        raise WayError(
            tr(
                "'{name}' is a NURBS curve with a thickness: set Bevel and Extrude to 0, or its "
                "spline type to Bezier.",
                name=curve.name,
            )
        )
    shown = evaluated(curve)
    mesh = shown.to_mesh()
    points = [vertex.co.copy() for vertex in mesh.vertices] if mesh is not None else []
    shown.to_mesh_clear()
    return points + (points[:1] if data.splines[0].use_cyclic_u else [])

"""Ways on a rig: curves and waypoints in the scene, read, followed and refused."""

import numpy as np
import pytest

bpy = pytest.importorskip("bpy", reason="Blender as a module is not installed here")

from mathutils import Euler, Matrix  # noqa: E402

from ext_models.generation.request import GenerationRequest  # noqa: E402
from ext_models.generation.way_following import follow  # noqa: E402
from motiongpt_blender.core.body.motion import MotionClip  # noqa: E402
from motiongpt_blender.core.rig.bone_maps import Part  # noqa: E402
from motiongpt_blender.core.timeline.frame_range import Fit  # noqa: E402
from motiongpt_blender.core.ways.way import Way, WayError, Waypoint  # noqa: E402
from motiongpt_blender.scene.pose.way import (  # noqa: E402
    Stop,
    drawn_way,
    line_of,
    matrix_at_start,
    waypoint_way,
)
from motiongpt_blender.scene.rig.description import describe  # noqa: E402
from motiongpt_blender.scene.take.apply import apply_clip  # noqa: E402
from tests.support.clips import clip  # noqa: E402
from tests.support.rigs.families import build_family, build_of  # noqa: E402


def add_curve(points, kind="POLY", *, cyclic=False):
    data = bpy.data.curves.new("way", "CURVE")
    data.dimensions = "3D"
    spline = data.splines.new(kind)
    if kind == "BEZIER":
        spline.bezier_points.add(len(points) - 1)
        for point, place in zip(spline.bezier_points, points, strict=True):
            point.co = place
            point.handle_left_type = point.handle_right_type = "AUTO"
    else:
        spline.points.add(len(points) - 1)
        for point, place in zip(spline.points, points, strict=True):
            point.co = (*place, 1.0)
        spline.use_endpoint_u = True
        spline.order_u = 3
    spline.use_cyclic_u = cyclic
    curve = bpy.data.objects.new("way", data)
    bpy.context.collection.objects.link(curve)
    bpy.context.view_layer.update()
    return curve


def places(way):
    return np.array([[point.x, point.z] for point in way.points])


def model_way(obj, curve):
    bpy.context.view_layer.update()
    return drawn_way(describe(obj), line_of(curve), matrix_at_start(obj, None))


@pytest.mark.parametrize("kind", ["POLY", "BEZIER", "NURBS"])
def test_a_curve_is_read_from_end_to_end(smpl_rig, kind):
    curve = add_curve([(0, 0, 0), (0, -2, 0), (1, -4, 0)], kind)
    way = model_way(smpl_rig, curve)
    assert way.drawn
    scale = describe(smpl_rig).scale
    assert np.allclose(places(way)[0], (0, 0), atol=1e-4)
    assert np.allclose(scale * places(way)[-1], (1, 4), atol=1e-3)


def test_a_closed_curve_leads_back(smpl_rig):
    way = model_way(smpl_rig, add_curve([(0, 0, 0), (0, -2, 0), (2, -2, 0)], cyclic=True))
    assert np.allclose(places(way)[0], places(way)[-1])


def test_scale_place_and_rotation_of_curve_and_character_count(smpl_rig):
    curve = add_curve([(0, 0, 0), (0, -1, 0)])
    curve.matrix_world = Matrix.LocRotScale((1, 2, 5), Euler((0, 0, np.pi / 2)), (3, 3, 3))
    way = model_way(smpl_rig, curve)
    scale = describe(smpl_rig).scale
    assert np.allclose(scale * places(way), [(1, -2), (4, -2)], atol=1e-4)
    smpl_rig.matrix_world = Matrix.LocRotScale((1, 2, 0), Euler((0, 0, np.pi / 2)), None)
    assert np.allclose(scale * places(model_way(smpl_rig, curve)), [(0, 0), (0, 3)], atol=1e-4)


def test_waypoints_have_place_facing_and_time(smpl_rig):
    empties = []
    for number, (place, turn) in enumerate([((0, -1, 0), 0), ((1, -2, 0), np.pi / 2)]):
        empty = bpy.data.objects.new(f"point {number}", None)
        empty.location, empty.rotation_euler = place, (0, 0, turn)
        bpy.context.collection.objects.link(empty)
        empties.append(empty)
    bpy.context.view_layer.update()
    rig = describe(smpl_rig)
    stops = [Stop(empties[0]), Stop(empties[1], faces=True, frame=41)]
    way = waypoint_way(rig, stops, matrix_at_start(smpl_rig, None), 1.0, 20.0)
    assert np.allclose(rig.scale * places(way), [(0, 1), (1, 2)], atol=1e-4)
    assert way.points[0].facing is None and way.points[0].seconds is None
    assert way.points[1].facing == pytest.approx(np.pi / 2, abs=1e-4)
    assert way.points[1].seconds == pytest.approx(2.0)


def test_a_curve_of_two_lines_is_refused(smpl_rig):
    curve = add_curve([(0, 0, 0), (0, -2, 0)])
    curve.data.splines.new("POLY")
    with pytest.raises(WayError, match="'way' has 2 splines"):
        line_of(curve)


def test_a_thick_nurbs_curve_is_refused(smpl_rig):
    curve = add_curve([(0, 0, 0), (0, -2, 0), (1, -3, 0)], "NURBS")
    curve.data.bevel_depth = 0.1
    with pytest.raises(WayError, match="NURBS curve with a thickness"):
        line_of(curve)


def hips_centre(obj, rig):
    """Where the centre of the hips is in the world, from above."""
    heads = [
        obj.matrix_world @ obj.pose.bones[c.name].head
        for c in rig.controls
        if c.part in (Part.THIGH_L, Part.THIGH_R)
    ]
    return np.array(0.5 * (heads[0] + heads[1]))[:2]


def test_the_hips_follow_the_way_on_a_rig_of_other_proportions(empty_scene):
    obj = build_family(build_of("mixamo"))
    obj.location = (3, 1, 0)
    bpy.context.view_layer.update()
    way = Way((Waypoint(1, 0), Waypoint(1, 2), Waypoint(3, 4)), drawn=True)
    joints = clip("walk").astype(np.float32)
    request = GenerationRequest("a person walks", len(joints), way=way)
    (made,), _ = follow([MotionClip(joints)], request)
    apply_clip(obj, made, (), 1, "walk", fit=Fit(on_way=True))
    rig, off = describe(obj), []
    for joint in range(0, len(joints), 4):
        bpy.context.scene.frame_set(1 + joint)
        x, z = made.joints[joint, 0, [0, 2]] * rig.scale
        unit = obj.matrix_world.to_scale().x
        off.append(np.linalg.norm(hips_centre(obj, rig) - (3 + unit * x, 1 - unit * z)))
    assert max(off[0], off[-1]) < 0.005 and max(off) < 0.015

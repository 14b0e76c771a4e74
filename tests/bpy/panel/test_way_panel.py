"""The panel's way: curves and waypoints made, listed, moved, removed; the length that they take."""

import numpy as np
import pytest

bpy = pytest.importorskip("bpy", reason="Blender as a module is not installed here")

from mathutils import Vector  # noqa: E402


@pytest.fixture
def addon(smpl_rig):
    bpy.ops.preferences.addon_enable(module="motiongpt_blender")
    yield smpl_rig
    bpy.ops.preferences.addon_disable(module="motiongpt_blender")


def length(obj):
    from motiongpt_blender.operators import generation

    return generation.length(bpy.context, obj)


def empty_at(name, place):
    empty = bpy.data.objects.new(name, None)
    empty.location = place
    bpy.context.collection.objects.link(empty)
    return empty


def test_a_new_curve_leads_ahead_and_takes_its_time(addon):
    from motiongpt_blender.operators.way_reading import shown_way

    addon.location = (1, 2, 0)
    bpy.context.view_layer.update()
    before = length(addon)
    assert bpy.ops.motiongpt.new_way_curve() == {"FINISHED"}
    bpy.context.view_layer.update()
    way = shown_way(addon)
    assert way.drawn and (way.points[-1].x, way.points[-1].z) == pytest.approx((0, 3), abs=1e-3)
    assert length(addon) == pytest.approx(3 / 1.05, abs=0.1) and length(addon) != before
    addon.motiongpt.way.kind = "NONE"
    assert length(addon) == before


def test_waypoints_are_added_moved_and_removed(addon):
    way = addon.motiongpt.way
    bpy.context.scene.cursor.location = (0, -2, 0)
    bpy.ops.motiongpt.add_waypoint()
    assert way.kind == "WAYPOINTS" and way.waypoints[0].empty.location == Vector((0, -2, 0))
    own = empty_at("mine", (1, -3, 0))
    own.select_set(True)
    bpy.ops.motiongpt.add_waypoint()
    assert [p.empty.name for p in way.waypoints] == ["Waypoint 1", "mine"] and way.active == 1
    bpy.ops.motiongpt.move_waypoint(up=True)
    assert [p.empty.name for p in way.waypoints] == ["mine", "Waypoint 1"] and way.active == 0
    bpy.ops.motiongpt.remove_waypoint()
    assert "mine" in bpy.data.objects, "an object of the animator's own stays"
    bpy.ops.motiongpt.remove_waypoint()
    assert not way.waypoints and "Waypoint 1" not in bpy.data.objects


def test_a_waypoint_that_is_moved_or_timed_changes_the_length(addon):
    way = addon.motiongpt.way
    bpy.context.scene.cursor.location = (0, -2, 0)
    bpy.ops.motiongpt.add_waypoint()
    bpy.context.view_layer.update()
    near = length(addon)
    way.waypoints[0].empty.location.y = -4
    bpy.context.view_layer.update()
    assert length(addon) > 1.7 * near
    way.waypoints[0].timed, way.waypoints[0].frame = True, 1 + 5 * 20
    assert length(addon) == pytest.approx(5.0)


def test_an_empty_is_turned_where_its_minus_y_points(addon):
    from motiongpt_blender.scene.pose.way_objects import turn_waypoint

    empty = empty_at("point", (0, 0, 0))
    for ahead in ((1, 0, 0), (0, 1, 0), (-1, -1, 0)):
        turn_waypoint(empty, Vector(ahead))
        bpy.context.view_layer.update()
        shown = empty.matrix_world.to_3x3() @ Vector((0, -1, 0))
        assert np.allclose(shown, Vector(ahead).normalized(), atol=1e-5)


def test_what_is_missing_is_said(addon):
    from motiongpt_blender.core.ways.way import WayError
    from motiongpt_blender.operators.way_reading import shown_way

    for kind, text in (("CURVE", "No curve is chosen"), ("WAYPOINTS", "There are no waypoints")):
        addon.motiongpt.way.kind = kind
        with pytest.raises(WayError, match=text):
            shown_way(addon)

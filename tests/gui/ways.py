"""Run inside a windowed Blender: waypoints clicked on the floor, then a curve; both are followed.

    blender --factory-startup --enable-event-simulate --python tests/gui/ways.py -- \
        [--shot FILE.png] [--model PYTHON]

The model is the fake one unless a Python is named. Prints OK, or the error.
"""

import argparse
import sys
from pathlib import Path

import bpy
import numpy as np

ROOT = Path(__file__).resolve().parents[2]
sys.path[:0] = [str(ROOT), str(Path(__file__).parent)]
import hand  # noqa: E402
from bpy_extras import view3d_utils  # noqa: E402

#: Seconds for everything; then the test has failed.
LIMIT = 400
#: Places on the floor that are clicked, and where the last one is dragged to.
CLICKED = ((0.6, -1.2, 0.0), (-0.9, -2.2, 0.0), (0.2, -3.4, 0.0))
DRAGGED_TO = (1.2, -3.4, 0.0)
#: Points of the curve.
CURVE = ((0, 0, 0), (1.4, -1.2, 0), (0, -2.6, 0), (-1.4, -1.2, 0))
#: Metres within which the centre of the hips is to meet a waypoint and the curve.
MET, FOLLOWED = 0.02, 0.05


def arguments():
    """What stands behind the ``--`` of Blender's command line."""
    words = sys.argv[sys.argv.index("--") + 1 :] if "--" in sys.argv else []
    parser = argparse.ArgumentParser()
    parser.add_argument("--shot", type=Path, help="pictures of the window")
    parser.add_argument("--model", metavar="PYTHON", help="the true model, in this Python")
    return parser.parse_args(words)


def enable(python):
    """Turn the add-on on, the panel Way open and the others closed."""
    from motiongpt_blender.ui import poses, takes, way

    way.MOTIONGPT_PT_way.bl_options = set()
    for other in (poses.MOTIONGPT_PT_poses, takes.MOTIONGPT_PT_takes):
        other.bl_options = {"DEFAULT_CLOSED"}
    hand.enable_add_on(python)


def look(shot, name):
    """A picture of the window, where pictures are wanted."""
    if shot:
        yield 1.0
        window = bpy.context.window_manager.windows[0]
        yield from hand.shoot(
            shot.with_stem(f"{shot.stem}_{name}"), (0, window.width, 0, window.height)
        )


def on_screen(place):
    """Pixels of the window where a place of the scene is seen."""
    spot = hand.place("WINDOW")
    region, view = spot["region"], spot["area"].spaces.active.region_3d
    x, y = view3d_utils.location_3d_to_region_2d(region, view, place)
    return region.x + round(x), region.y + round(y)


def click_waypoints():
    """Press the button, click on the floor, drag the last one, Enter."""
    window = hand.place("UI")["window"]
    yield from hand.click((yield from hand.find_button("motiongpt.click_waypoints")))
    for place in CLICKED:
        x, y = on_screen(place)
        window.event_simulate(type="MOUSEMOVE", value="NOTHING", x=x, y=y)
        yield 0.2
        window.event_simulate(type="LEFTMOUSE", value="PRESS", x=x, y=y)
        yield 0.2
        if place is CLICKED[-1]:
            x, y = on_screen(DRAGGED_TO)
            window.event_simulate(type="MOUSEMOVE", value="NOTHING", x=x, y=y)
            yield 0.2
        window.event_simulate(type="LEFTMOUSE", value="RELEASE", x=x, y=y)
        yield 0.2
    window.event_simulate(type="RET", value="PRESS", x=x, y=y)
    yield 0.5


def generate():
    """Click Generate and wait for the take."""
    from tests.support.session import Panel

    panel = Panel()
    yield from hand.click((yield from hand.find_button("motiongpt.generate()")), rest=0.2)
    for _ in range(100):
        if panel.job is not None:
            break
        yield 0.05
    while panel.job is not None or panel.writing:
        yield 0.2
    print(f"way: {panel.message}")
    assert not panel.failed, panel.message


def hips_path(rig):
    """Places (T, 2) of the centre of the hips in the frames of the take."""
    from mathutils import Vector

    from motiongpt_blender.core.body.rotations import rotate
    from motiongpt_blender.scene.rig.description import describe

    described, scene = describe(rig), bpy.context.scene
    centre = described.hip_centre + np.array([0.0, described.floor, 0.0])
    rest = rig.data.bones[described.root].matrix_local.inverted()
    own = rest @ Vector(rotate(described.axes, centre).tolist())
    strip = rig.animation_data.nla_tracks[-1].strips[-1]
    path = []
    for frame in range(int(strip.frame_start), int(strip.frame_end) + 1):
        scene.frame_set(frame)
        posed = rig.evaluated_get(bpy.context.evaluated_depsgraph_get())
        path.append((posed.matrix_world @ posed.pose.bones[described.root].matrix @ own).xy)
    scene.frame_set(1)
    return np.array(path)


def nearest(path, place):
    """Metres from a place to the line through a path (T, 2)."""
    fine = np.concatenate([path[:-1] + s * np.diff(path, axis=0) for s in np.linspace(0, 1, 11)])
    return float(np.linalg.norm(fine - np.array(place)[:2], axis=-1).min())


def story(asked):
    """The test, one event a tick."""
    yield 2.0
    enable(asked.model)
    hand.make_room()
    rig = hand.make_sample_character()
    bpy.context.scene.motiongpt.takes = 1
    bpy.context.scene.frame_end = 200
    yield from hand.open_tab()
    view = hand.place("WINDOW")["area"].spaces.active.region_3d
    view.view_perspective, view.view_location, view.view_distance = "PERSP", (0.3, -1.6, 0.4), 8.5
    yield 1.0
    way = rig.motiongpt.way
    way.kind = "WAYPOINTS"
    yield 1.0
    yield from click_waypoints()
    assert len(way.waypoints) == len(CLICKED), f"{len(way.waypoints)} waypoints were clicked"
    pairs = zip(way.waypoints, CLICKED, strict=True)
    off = [(point.empty.location.xy - bpy_vector(place).xy).length for point, place in pairs]
    assert max(off) < 0.03, f"the empties are {off} m beside the clicks"
    assert [p.faces for p in way.waypoints] == [False, False, True], "only the last was dragged"
    yield from look(asked.shot, "clicked")
    yield from generate()
    path = hips_path(rig)
    places = [point.empty.location[:2] for point in way.waypoints]
    off = [nearest(path, place) for place in places]
    print("waypoints met within", [f"{100 * metres:.1f} cm" for metres in off])
    assert max(off) < MET, (off, places, path[-3:])
    bpy.context.scene.frame_set(60)
    yield from look(asked.shot, "waypoints")

    add_curve(way)
    yield 1.0
    yield from look(asked.shot, "drawn")
    yield from generate()
    path = hips_path(rig)
    from motiongpt_blender.scene.pose.way import line_of

    line = line_of(way.curve)[:, :2]
    away = max(nearest(line, place) for place in path)
    print(f"the curve is followed within {100 * away:.1f} cm")
    assert away < FOLLOWED, away
    bpy.context.scene.frame_set(90)
    yield from look(asked.shot, "curve")
    with bpy.context.temp_override(**hand.place("WINDOW")):
        bpy.ops.preferences.addon_disable(module="motiongpt_blender")
    print("OK", flush=True)


def bpy_vector(place):
    """A place as Blender's vector."""
    from mathutils import Vector

    return Vector(place)


def add_curve(way):
    """A new curve by its operator, shaped to a loop back to the start."""
    with bpy.context.temp_override(**hand.place("WINDOW")):
        bpy.ops.motiongpt.new_way_curve()
    assert way.kind == "CURVE" and way.curve is not None
    spline = way.curve.data.splines[0]
    spline.bezier_points.add(len(CURVE) - len(spline.bezier_points))
    for point, place in zip(spline.bezier_points, CURVE, strict=True):
        point.co = place
        point.handle_left_type = point.handle_right_type = "AUTO"
    spline.use_cyclic_u = True


ASKED = arguments()
hand.drive(story(ASKED), 4 * LIMIT if ASKED.model else LIMIT)

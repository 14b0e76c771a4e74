"""Run inside a windowed Blender: ghosts, trails, and marks that are dragged on the timeline.

    blender --factory-startup --enable-event-simulate --window-geometry 0 0 1600 1000 \
        --python tests/gui/overlays.py -- --shot docs/images/overlays_light.png --light \
        --model PYTHON --prompt "a person walks forward then raises the right hand"

With ``--shot`` also a picture of the view and the timeline. Prints OK, or the error.
"""

import argparse
import sys
from pathlib import Path

import bpy

ROOT = Path(__file__).resolve().parents[2]
sys.path[:0] = [str(ROOT), str(Path(__file__).parent)]
import hand  # noqa: E402

#: Seconds for everything; then the test has failed.
LIMIT = 240
#: Frames of the marked poses, and how far the end pose is dragged.
FRAMES = {"START": 1, "KEY": 36, "END": 72}
DRAG = 8


def arguments():
    """What stands behind the ``--`` of Blender's command line."""
    words = sys.argv[sys.argv.index("--") + 1 :] if "--" in sys.argv else []
    parser = argparse.ArgumentParser()
    parser.add_argument("--shot", type=Path, help="picture of view and timeline")
    parser.add_argument("--light", action="store_true", help="with the light theme")
    parser.add_argument("--model", metavar="PYTHON", help="the true model, in this Python")
    parser.add_argument("--prompt", help="what is asked of it")
    return parser.parse_args(words)


def timeline():
    """Window, area and region of the timeline."""
    window = bpy.context.window_manager.windows[0]
    area = next(a for a in window.screen.areas if a.type == "DOPESHEET_EDITOR")
    region = next(r for r in area.regions if r.type == "WINDOW")
    return {"window": window, "area": area, "region": region}


def take(rig, prompt):
    """A take of three seconds."""
    from motiongpt_blender.operators import session

    scene = bpy.context.scene
    scene.frame_end = 100
    hand.asked().seconds, scene.motiongpt.takes = 3.0, 1
    hand.asked().prompt = prompt or hand.asked().prompt
    with bpy.context.temp_override(**hand.place("WINDOW")):
        bpy.ops.motiongpt.generate()
    while session.controller().pending is not None:
        yield 0.1
    assert len(rig.motiongpt.takes.entries) == 1, session.active_state(bpy.context).message


def mark():
    """Three poses of the take."""
    scene = bpy.context.scene
    for role, frame in FRAMES.items():
        scene.frame_set(frame)
        with bpy.context.temp_override(**hand.place("WINDOW")):
            bpy.ops.motiongpt.add_pose(role=role)
    scene.frame_set(20)


def sign_of(index):
    """Where the sign of a marked pose is on the screen."""
    from motiongpt_blender.operators.timeline import signs_in

    region = timeline()["region"]
    scale = bpy.context.preferences.system.ui_scale
    group = bpy.context.scene.objects["rig"].motiongpt
    sign = signs_in(region, group, scale)[index]
    return round(region.x + sign.x), round(region.y + sign.y)


def drag(index, frames, end="RELEASE"):
    """Drag a sign by some frames with the mouse, and let it go, or press Esc."""
    spot = timeline()
    window, view = spot["window"], spot["region"].view2d
    zero, hundred = (view.view_to_region(frame, 0, clip=False)[0] for frame in (0, 100))
    x, y = sign_of(index)
    away = x + round(frames * (hundred - zero) / 100)
    window.event_simulate(type="MOUSEMOVE", value="NOTHING", x=x - 3, y=y)
    yield 0.3
    for kind, value, at in (
        ("MOUSEMOVE", "NOTHING", x),
        ("LEFTMOUSE", "PRESS", x),
        ("MOUSEMOVE", "NOTHING", (x + away) // 2),
        ("MOUSEMOVE", "NOTHING", away),
    ):
        window.event_simulate(type=kind, value=value, x=at, y=y)
        yield 0.3
    if end == "ESC":
        window.event_simulate(type="ESC", value="PRESS", x=away, y=y)
        yield 0.2
    window.event_simulate(type="LEFTMOUSE", value="RELEASE", x=away, y=y)
    yield 0.5


def told():
    """The errors that the draw handlers have met."""
    from motiongpt_blender.ui.viewport import handlers

    return handlers._told


def frames(rig):
    return [pose.frame for pose in rig.motiongpt.poses]


def dress(rig):
    """A solid figure on the rig without its controls, seen from a side.

    How long the take took on this machine is no matter of the picture.
    """
    from motiongpt_blender.demo.figure import add_figure
    from motiongpt_blender.operators import session

    session.tell(rig, "")

    add_figure(rig).color = (0.8, 0.8, 0.82, 1.0)
    view = hand.place("WINDOW")["area"].spaces.active
    view.overlay.show_bones = False
    view.overlay.show_cursor = False
    view.overlay.show_relationship_lines = False
    view.shading.color_type = "OBJECT"
    view.region_3d.view_perspective = "PERSP"
    view.region_3d.view_rotation = (0.62, 0.40, 0.36, 0.57)
    view.region_3d.view_location = (0.35, -1.65, 0.95)
    view.region_3d.view_distance = 4.5
    spot = timeline()
    with bpy.context.temp_override(**spot):
        bpy.ops.action.view_all()
    yield 1.0


def story(asked):
    """Mark, draw, drag, drag and go back, undo; then take away what is drawn."""
    yield 2.0
    hand.enable_add_on(asked.model)
    if asked.light:
        hand.use_light_theme()
    rig = hand.make_rigify_rig()
    yield from hand.open_tab()
    yield from take(rig, asked.prompt)
    mark()
    yield from dress(rig)
    if not asked.shot:
        bpy.context.preferences.system.viewport_aa = "OFF"
    with bpy.context.temp_override(**hand.place("WINDOW")):
        bpy.ops.ed.undo_push(message="Marked")  # calls from Python leave no step
    yield 1.0
    assert frames(rig) == [1, 36, 72], frames(rig)
    yield from drag(2, DRAG)
    assert frames(rig) == [1, 36, 72 + DRAG], frames(rig)
    assert rig.motiongpt.active == 2
    yield from drag(2, DRAG, end="ESC")
    assert frames(rig) == [1, 36, 72 + DRAG], frames(rig)
    if asked.shot:
        yield from take_picture(asked.shot)
    bpy.ops.ed.undo()
    rig = bpy.data.objects["rig"]
    assert frames(rig) == [1, 36, 72], frames(rig)
    yield 1.0
    bpy.data.actions.remove(rig.motiongpt.takes.entries[0].action)
    yield 1.0
    with bpy.context.temp_override(**hand.place("WINDOW")):
        bpy.ops.object.mode_set(mode="EDIT")
    yield 1.0
    with bpy.context.temp_override(**hand.place("WINDOW")):
        bpy.ops.object.mode_set(mode="OBJECT")
    bpy.data.armatures.remove(rig.data)
    yield 1.0
    assert not told(), told()
    bpy.ops.preferences.addon_disable(module="motiongpt_blender")
    yield 1.0
    print("OK", flush=True)


def take_picture(path):
    """View, side bar and timeline."""
    window = bpy.context.window_manager.windows[0]
    window.event_simulate(type="MOUSEMOVE", value="NOTHING", x=200, y=600)
    yield 3.0
    area, below = hand.place("WINDOW")["area"], timeline()["area"]
    left, right = area.x, area.x + area.width
    yield from hand.shoot(path, (left, right, below.y, area.y + area.height))


if __name__ == "__main__":
    ASKED = arguments()
    hand.drive(story(ASKED), 4 * LIMIT if ASKED.model else LIMIT)

"""Run inside a windowed Blender: how long a redraw takes for ghosts, trails and signs.

    blender --factory-startup --enable-event-simulate --python tests/gui/redraw_time.py

A Rigify rig of 706 bones, ten marked poses, a take of 3 seconds. Prints the processor's time of
Blender's main thread in ms: of a redraw, of one for which all is made anew, and of one without
the work of the graphics driver, which a screen drawn in software adds.
"""

import sys
import time
from pathlib import Path

import bpy
import numpy as np

ROOT = Path(__file__).resolve().parents[2]
sys.path[:0] = [str(ROOT), str(Path(__file__).parent)]
import hand  # noqa: E402
from overlays import take_of_fake_model, timeline  # noqa: E402

#: Seconds for everything.
LIMIT = 240
GHOSTS = 10
REDRAWS = 40


class Stopwatch:
    """A draw handler that is timed."""

    def __init__(self, draw):
        self.draw, self.ms = draw, []

    def __call__(self):
        began = time.thread_time()
        self.draw()
        self.ms.append(1000 * (time.thread_time() - began))

    def report(self, name):
        ms = np.array(self.ms)
        text = f"{name}: {np.median(ms):.2f} ms in the median, {ms.max():.2f} at most"
        print(f"{text}, {len(ms)} redraws", flush=True)
        self.ms = []


def mark(rig):
    """Ten poses of the take."""
    for k in range(GHOSTS):
        bpy.context.scene.frame_set(1 + 7 * k)
        with bpy.context.temp_override(**hand.place("WINDOW")):
            bpy.ops.motiongpt.add_pose(role="KEY")
    assert len(rig.motiongpt.poses) == GHOSTS


def redraw(times, change):
    """Draw view and timeline some times, each after a change."""
    for k in range(times):
        change(k)
        for area in (hand.place("WINDOW")["area"], timeline()["area"]):
            area.tag_redraw()
        yield 0.05


def story():
    """Time redraws while frames change, and while everything is made anew."""
    from motiongpt_blender.ui.viewport import drawing, handlers, revisions

    yield 2.0
    hand.enable_add_on()
    rig = hand.make_rigify_rig()
    bpy.context.preferences.system.viewport_aa = "OFF"
    yield from take_of_fake_model(rig)
    mark(rig)
    handlers.remove()
    handlers.revisions.add()
    view, signs = Stopwatch(handlers.draw_in_view), Stopwatch(handlers.draw_in_timeline)
    spaces = bpy.types.SpaceView3D, bpy.types.SpaceDopeSheetEditor
    for space, watch, when in zip(spaces, (view, signs), ("POST_VIEW", "POST_PIXEL"), strict=True):
        space.draw_handler_add(watch, (), "WINDOW", when)
    print(f"{len(rig.pose.bones)} bones, {GHOSTS} ghosts", flush=True)
    yield from redraw(3, lambda _: None)
    view.ms, signs.ms = [], []
    for name, change in (("", lambda _: None), (", another frame", show)):
        yield from redraw(REDRAWS, change)
        view.report(f"ghosts and trails{name}")
        signs.report(f"signs on the timeline{name}")
    yield from redraw(10, lambda k: anew(rig, revisions))
    view.report("ghosts and trails made anew")
    drawing.Batches.draw = lambda _: None
    yield from redraw(REDRAWS, lambda _: None)
    view.report("ghosts and trails without what the graphics driver does")
    signs.report("signs on the timeline without it")
    assert not handlers._told, handlers._told
    print("OK", flush=True)


def show(k):
    """Another frame."""
    bpy.context.scene.frame_set(1 + k)


def anew(rig, revisions):
    """Let everything seem changed."""
    revisions.on_jump()
    rig.motiongpt.active = (rig.motiongpt.active + 1) % GHOSTS


hand.drive(story(), LIMIT)

"""Run inside a windowed Blender: how high the side bar is drawn, with marks and takes.

    blender --factory-startup --enable-event-simulate --window-geometry 0 0 1000 1000 \
        --python tests/gui/panel_height.py -- \
        [--shot FILE.png] [--light]

The model is the fake one. Prints the heights and OK, or the error.
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
#: Pixels by which the 3D view is made shorter.
TAKEN = 400
#: Steps of 100 pixels that scroll the side bar from end to end.
SCROLLS = 15
#: Pixels of a row and its margin, and a little.
ROW = 30


def arguments():
    """What stands behind the ``--`` of Blender's command line."""
    words = sys.argv[sys.argv.index("--") + 1 :] if "--" in sys.argv else []
    parser = argparse.ArgumentParser()
    parser.add_argument("--shot", type=Path, help="picture of the side bar in each state")
    parser.add_argument("--light", action="store_true", help="with the light theme")
    return parser.parse_args(words)


def drawn_height():
    """Pixels from the top of the side bar's first panel to the end of its last one.

    Blender tells how far the side bar can be scrolled, so it is made shorter than its panels.
    """
    move_edge(TAKEN)
    yield 1.0
    region = hand.place("UI")["region"]
    scroll("scroll_down")
    yield 0.5
    low = region.view2d.region_to_view(0, 0)[1]
    assert low < -region.height, f"the side bar did not scroll ({low}, {region.height})"
    scroll("scroll_up")
    move_edge(-TAKEN)
    yield 1.0
    return round(-low)


def scroll(way):
    """Scroll the side bar to one of its ends."""
    with bpy.context.temp_override(**hand.place("UI")):
        for _ in range(SCROLLS):
            getattr(bpy.ops.view2d, way)(deltay=100)


def move_edge(by):
    """Move the lower edge of the 3D view up."""
    spot = hand.place("WINDOW")
    with bpy.context.temp_override(window=spot["window"]):
        bpy.ops.screen.area_move(x=spot["area"].x + 50, y=spot["area"].y - 1, delta=by)


def story(asked):
    """A take that is kept, two marks, four more takes: the side bar fits the window throughout."""
    yield 2.0
    hand.enable_add_on()
    if asked.light:
        hand.use_light_theme()
    hand.make_sample_character()
    yield from hand.open_tab()
    high = [(yield from height("nothing", asked))]
    yield from generate()
    high.append((yield from height("four takes", asked)))
    with bpy.context.temp_override(**hand.place("WINDOW")):
        bpy.ops.motiongpt.keep_take()
        for frame, role in ((1, "START"), (61, "END")):
            bpy.context.scene.frame_set(frame)
            bpy.ops.motiongpt.add_pose(role=role)
    yield 1.0
    high.append((yield from height("a kept take and two marks", asked)))
    yield from generate()
    high.append((yield from height("four takes and two marks", asked)))
    assert max(high) <= hand.place("UI")["region"].height, high
    assert 0 < high[1] - high[0] < ROW, f"more than the header of Report came: {high}"
    assert high[3] == high[2], f"four takes moved what is below them: {high}"
    print("OK", flush=True)


def generate():
    """Generate, and wait for the takes."""
    from motiongpt_blender.operators import session

    with bpy.context.temp_override(**hand.place("WINDOW")):
        bpy.ops.motiongpt.generate()
    while session.controller().pending is not None:
        yield 0.1
    assert not session.active_state(bpy.context).failed
    yield 1.0


def height(state, asked):
    """How high the side bar is drawn in a state; with a picture on request."""
    high = yield from drawn_height()
    print(f"{state}: {high} of {hand.place('UI')['region'].height} pixels", flush=True)
    if asked.shot:
        window = bpy.context.window_manager.windows[0]
        named = asked.shot.with_stem(f"{asked.shot.stem}_{state.replace(' ', '_')}")
        yield from hand.shoot(named, (0, window.width, 0, window.height))
    return high


hand.drive(story(arguments()), LIMIT)

"""Run inside a windowed Blender: the figure grows while the model writes, and Esc ends both.

    blender --factory-startup --enable-event-simulate --window-geometry 0 0 1000 800 \
        --python tests/gui/growing_figure.py -- --shot growing.png

With ``--shot`` also a picture in the middle. Prints OK, or the error.
"""

import argparse
import os
import sys
from pathlib import Path

import bpy

ROOT = Path(__file__).resolve().parents[2]
sys.path[:0] = [str(ROOT), str(Path(__file__).parent)]
import hand  # noqa: E402

#: Seconds for everything; then the test has failed.
LIMIT = 240
#: Which sketch of the slow fake model is looked at: a third of three seconds.
LOOKED_AT = "sketch_006.npz"


def arguments():
    """What stands behind the ``--`` of Blender's command line."""
    words = sys.argv[sys.argv.index("--") + 1 :] if "--" in sys.argv else []
    parser = argparse.ArgumentParser()
    parser.add_argument("--shot", type=Path, help="picture of the view")
    return parser.parse_args(words)


def drawn():
    """The sketch that the viewport shows, or None."""
    from motiongpt_blender.ui.viewport import sketch

    return sketch._kept._kept


def story(asked):
    """Generate with a slow model, see the figure grow, cancel."""
    os.environ["MOTIONGPT_FAKE_MODE"] = "slow"
    yield 2.0
    hand.enable_add_on()
    hand.make_rigify_rig()
    hand.asked().seconds = 6.0
    view = hand.place("WINDOW")["area"].spaces.active
    view.region_3d.view_perspective = "PERSP"
    view.region_3d.view_rotation = (0.62, 0.40, 0.36, 0.57)
    view.region_3d.view_location = (0.0, -1.0, 0.8)
    view.region_3d.view_distance = 5.5
    if not asked.shot:
        bpy.context.preferences.system.viewport_aa = "OFF"
    with bpy.context.temp_override(**hand.place("WINDOW")):
        bpy.ops.motiongpt.generate()
    from motiongpt_blender.operators import session
    from motiongpt_blender.ui.viewport import handlers

    seen = []
    while not seen or seen[-1] < LOOKED_AT:
        take = session.controller().pending
        assert take is not None, session.active_state(bpy.context).message
        if drawn() is not None and drawn()[0][1] not in seen:
            assert drawn()[1] is not None
            seen.append(drawn()[0][1])
        yield 0.3
    assert len(seen) > 2, seen
    if asked.shot:
        area = hand.place("WINDOW")["area"]
        yield from hand.shoot(
            asked.shot, (area.x, area.x + area.width, area.y, area.y + area.height)
        )
    window = bpy.context.window_manager.windows[0]
    window.event_simulate(type="ESC", value="PRESS", x=300, y=400)
    while session.controller().pending is not None:
        yield 0.3
    assert not handlers._told, handlers._told
    bpy.ops.preferences.addon_disable(module="motiongpt_blender")
    print("OK", flush=True)


if __name__ == "__main__":
    hand.drive(story(arguments()), LIMIT)

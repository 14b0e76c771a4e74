"""Run inside a windowed Blender: the pie menu gets a key, and its upper piece generates.

    blender --factory-startup --enable-event-simulate --python tests/gui/pie_menu.py -- \
        [--shot FILE.png]

The model is the fake one. Prints OK, or the error; never waits for ever.
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
KEY = "F8"
#: The pixels around the pie that a picture shows, from below.
AROUND = 250, 700


def arguments():
    """What stands behind the ``--`` of Blender's command line."""
    words = sys.argv[sys.argv.index("--") + 1 :] if "--" in sys.argv else []
    parser = argparse.ArgumentParser()
    parser.add_argument("--shot", type=Path, help="picture of the open pie")
    return parser.parse_args(words)


def entry():
    """The pie's entry in the animator's own keymap."""
    keymap = bpy.context.window_manager.keyconfigs.user.keymaps["Object Mode"]
    return next(
        item
        for item in keymap.keymap_items
        if item.idname == "wm.call_menu_pie" and item.properties.name == "MOTIONGPT_MT_pie"
    )


def send(kind, value, at):
    hand.place("UI")["window"].event_simulate(type=kind, value=value, x=at[0], y=at[1])


def story(asked):
    """Give the pie a key, press it, push the mouse up, and let go."""
    yield 2.0
    hand.enable_add_on()
    rig = hand.make_sample_character()
    yield from hand.open_tab()
    assert entry().type == "NONE"  # no key of the animator's is taken
    entry().type = KEY
    # A key that is held longer than this closes the pie when it is let go.
    bpy.context.preferences.view.pie_tap_timeout = 1000
    middle = 280, 450
    send("MOUSEMOVE", "NOTHING", middle)
    yield 0.5
    send(KEY, "PRESS", middle)
    yield 0.3
    send(KEY, "RELEASE", middle)
    for step in range(8):  # each move draws a further bit of the opening pie
        send("MOUSEMOVE", "NOTHING", (middle[0] + step % 2, middle[1]))
        yield 0.2
    if asked.shot:
        yield from hand.shoot(asked.shot, (0, hand.side_bar()[0], *AROUND))
    for step in range(1, 6):
        up = middle[0], middle[1] + 20 * step
        send("MOUSEMOVE", "NOTHING", up)
        yield 0.2
    for value in ("PRESS", "RELEASE"):
        send("LEFTMOUSE", value, up)
        yield 0.2
    for _ in range(100):
        if rig.motiongpt.takes.entries:
            break
        yield 0.2
    assert len(rig.motiongpt.takes.entries) == 4, "the pie generated nothing"
    print("OK", flush=True)


hand.drive(story(arguments()), LIMIT)

"""Run inside a windowed Blender: Generate for three selected characters, the queue, Esc.

    blender --factory-startup --enable-event-simulate --python tests/gui/several_characters.py -- \
        [--shot FILE.png]

The model is the fake one. Prints OK, or the error; never waits for ever.
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
#: Pixels from the upper part of Generate down to the button of the selected characters.
DOWN = 40


def arguments():
    """What stands behind the ``--`` of Blender's command line."""
    words = sys.argv[sys.argv.index("--") + 1 :] if "--" in sys.argv else []
    parser = argparse.ArgumentParser()
    parser.add_argument("--shot", type=Path, help="picture of the screen while two wait")
    return parser.parse_args(words)


def under_way():
    from motiongpt_blender.operators import session

    return session.controller().under_way


def characters():
    """Three sample characters beside each other, all selected."""
    with bpy.context.temp_override(**hand.place("WINDOW")):
        bpy.ops.object.select_all(action="SELECT")
        bpy.ops.object.delete()
        for _ in range(3):
            bpy.ops.motiongpt.add_sample_character()
        bpy.ops.object.select_all(action="SELECT")
    return [obj for obj in bpy.context.scene.objects if obj.type == "ARMATURE"]


def generate_for_selected():
    """Press the button, and choose the first entry of its menu."""
    window = hand.place("UI")["window"]
    x, y = yield from hand.find_button("motiongpt.generate()")
    at = x, y - DOWN
    yield from hand.click(at)
    for key in ("DOWN_ARROW", "RET"):
        for value in ("PRESS", "RELEASE"):
            window.event_simulate(type=key, value=value, x=at[0], y=at[1])
            yield 0.2


def story(asked):
    """Three requests wait; Esc cancels them; the next three come."""
    yield 2.0
    hand.enable_add_on()
    os.environ["MOTIONGPT_FAKE_MODE"] = "slow"
    rigs = characters()
    yield from hand.open_tab()
    yield from generate_for_selected()
    assert len(under_way()) == 3, [take.character.name for take in under_way()]
    yield 3.0
    if asked.shot:
        _, right, _, top = hand.side_bar()
        yield from hand.shoot(asked.shot, (0, right, 0, top))
    window = hand.place("UI")["window"]
    for value in ("PRESS", "RELEASE"):
        window.event_simulate(type="ESC", value=value, x=300, y=400)
        yield 0.2
    while under_way():
        yield 0.1
    assert not any(rig.motiongpt.takes.entries for rig in rigs)
    with bpy.context.temp_override(**hand.place("WINDOW")):
        bpy.ops.motiongpt.unload_model()
    del os.environ["MOTIONGPT_FAKE_MODE"]
    yield from generate_for_selected()
    while under_way():
        yield 0.1
    assert [len(rig.motiongpt.takes.entries) for rig in rigs] == [4, 4, 4]
    assert [rig.motiongpt.takes.entries[0].seed for rig in rigs] == [0, 1, 2]
    print("OK", flush=True)


hand.drive(story(arguments()), LIMIT)

"""Run inside a windowed Blender: a sequence of three blocks, added and made with clicks.

    blender --factory-startup --enable-event-simulate --python tests/gui/sequence_panel.py -- \
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
import portrait  # noqa: E402

#: Seconds for everything; then the test has failed.
LIMIT = 400
BLOCKS = (
    ("a person walks forward", 2.0),
    ("a person jumps", 1.5),
    ("a person turns left", 2.5),
)


def arguments():
    """What stands behind the ``--`` of Blender's command line."""
    words = sys.argv[sys.argv.index("--") + 1 :] if "--" in sys.argv else []
    parser = argparse.ArgumentParser()
    parser.add_argument("--shot", type=Path, help="picture of the side bar at the end")
    parser.add_argument("--model", metavar="PYTHON", help="the true model, in this Python")
    return parser.parse_args(words)


def enable(python):
    """Turn the add-on on, the panel Sequence open and the others closed."""
    from motiongpt_blender.ui import poses, sequence, takes

    sequence.MOTIONGPT_PT_sequence.bl_options = set()
    for other in (poses.MOTIONGPT_PT_poses, takes.MOTIONGPT_PT_takes):
        other.bl_options = {"DEFAULT_CLOSED"}
    hand.enable_add_on(python)


def story(asked):
    """The test, one event a tick."""
    yield 2.0
    enable(asked.model)
    rig = hand.make_rigify_rig()
    if asked.shot:
        portrait.dress(rig)
    else:
        yield from hand.save_drawing()
    scene = bpy.context.scene
    scene.render.fps, scene.frame_end = 24, 160
    yield from hand.open_tab()
    from tests.support.session import Panel

    panel = Panel()

    at = yield from hand.find_button("motiongpt.add_block", (0.865,))
    group = rig.motiongpt.sequence
    for prompt, seconds in BLOCKS:
        hand.asked().prompt, hand.asked().seconds = prompt, seconds
        count = len(group.blocks)
        yield from hand.click(at)
        assert len(group.blocks) == count + 1, "the click added no block"
    assert [(b.start, b.end) for b in group.blocks] == [(1, 49), (49, 85), (85, 145)]
    yield from hand.click((yield from hand.find_button("motiongpt.generate_sequence")))
    for _ in range(200):
        if panel.job is not None:
            break
        yield 0.05
    while panel.run is not None or panel.writing:
        yield 0.1
    print(f"sequence: {panel.message}")
    assert not panel.failed, panel.message
    (track,) = rig.animation_data.nla_tracks
    assert [(s.name, s.frame_start, s.frame_end) for s in track.strips] == [
        (block.prompt, block.start, block.end) for block in group.blocks
    ]
    if asked.shot:
        yield from picture(asked.shot)
    with bpy.context.temp_override(**hand.place("WINDOW")):
        bpy.ops.preferences.addon_disable(module="motiongpt_blender")
    print("OK", flush=True)


def picture(path):
    """The figure half way, the panel, and the track with its three strips."""
    bpy.context.scene.frame_set(70)
    view = hand.place("WINDOW")["area"].spaces.active
    view.shading.color_type, view.shading.show_cavity = "OBJECT", True
    view.overlay.show_cursor = False
    region = view.region_3d
    region.view_perspective = "PERSP"
    region.view_location, region.view_distance = (0.35, -1.6, 0.8), 5.2
    yield 0.5
    yield from portrait.show_track()
    yield 3.0
    yield from hand.shoot(path, hand.side_bar())


ASKED = arguments()
hand.drive(story(ASKED), 4 * LIMIT if ASKED.model else LIMIT)

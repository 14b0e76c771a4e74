"""Run inside a windowed Blender: the picture of the panel Timing for the pages.

    blender --factory-startup --enable-event-simulate --window-geometry 0 0 1600 1000 \
        --python tests/gui/timing_picture.py -- --shot docs/images/timing.png
"""

import argparse
import sys
from pathlib import Path

import bpy

ROOT = Path(__file__).resolve().parents[2]
sys.path[:0] = [str(ROOT), str(Path(__file__).parent)]
import hand  # noqa: E402

#: Seconds for everything.
LIMIT = 120
FRAMES = (25, 61)
#: Pixels of the side bar that the picture shows, from its top.
HIGH = 600


def arguments():
    """What stands behind the ``--`` of Blender's command line."""
    words = sys.argv[sys.argv.index("--") + 1 :] if "--" in sys.argv else []
    parser = argparse.ArgumentParser()
    parser.add_argument("--shot", type=Path, required=True, help="picture of the side bar")
    return parser.parse_args(words)


def upper_part():
    """The side bar without the empty part below its panels."""
    left, right, _, top = hand.side_bar()
    return left, right, top - HIGH, top


def story(asked):
    """Enable the add-on, choose a frame range, take the picture."""
    from motiongpt_blender.core.timeline.frame_range import FrameRangeMode
    from motiongpt_blender.ui import frame_range, poses, takes

    yield 2.0
    frame_range.MOTIONGPT_PT_frame_range.bl_options = set()
    for other in (poses.MOTIONGPT_PT_poses, takes.MOTIONGPT_PT_takes):
        other.bl_options = {"DEFAULT_CLOSED"}
    hand.enable_add_on()
    with bpy.context.temp_override(**hand.place("WINDOW")):
        bpy.ops.motiongpt.add_sample_character()
    settings = bpy.context.scene.motiongpt
    settings.frame_range.mode = FrameRangeMode.RANGE.value
    settings.frame_range.start, settings.frame_range.end = FRAMES
    yield from hand.open_tab()
    yield 2.0
    yield from hand.shoot(asked.shot, upper_part())
    print("OK", flush=True)


hand.drive(story(arguments()), LIMIT)

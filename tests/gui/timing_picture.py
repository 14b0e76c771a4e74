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


def arguments():
    """What stands behind the ``--`` of Blender's command line."""
    words = sys.argv[sys.argv.index("--") + 1 :] if "--" in sys.argv else []
    parser = argparse.ArgumentParser()
    parser.add_argument("--shot", type=Path, required=True, help="picture of the side bar")
    return parser.parse_args(words)


def story(asked):
    """Enable the add-on, choose a frame range, take the picture."""
    from motiongpt_blender.core.timeline.frame_range import FrameRangeMode
    from motiongpt_blender.ui import frame_range, poses, takes

    yield 2.0
    frame_range.MOTIONGPT_PT_frame_range.bl_options = set()
    for other in (poses.MOTIONGPT_PT_poses, takes.MOTIONGPT_PT_takes):
        other.bl_options = {"DEFAULT_CLOSED"}
    with bpy.context.temp_override(**hand.place("WINDOW")):
        bpy.ops.preferences.addon_enable(module="motiongpt_blender")
        bpy.ops.object.armature_add()
    settings = bpy.context.scene.motiongpt
    settings.frame_range.mode = FrameRangeMode.RANGE.value
    settings.frame_range.start, settings.frame_range.end = FRAMES
    yield from hand.open_tab()
    yield 2.0
    yield from hand.shoot(asked.shot, hand.side_bar())
    print("OK", flush=True)


hand.drive(story(arguments()), LIMIT)

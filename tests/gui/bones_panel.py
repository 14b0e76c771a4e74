"""Run inside a windowed Blender: open the panel Bones with clicks and change a bone there.

    blender --factory-startup --enable-event-simulate --python tests/gui/bones_panel.py -- \
        [--shot FILE.png]

Buttons are found as a hand finds them: the mouse goes down the side bar until Blender says
that what lies under it is the one. Prints OK, or the error; never waits for ever.
"""

import argparse
import os
import subprocess
import sys
import time
import traceback
from pathlib import Path

import bpy

ROOT = Path(__file__).resolve().parents[2]
sys.path[:0] = [str(ROOT), str(ROOT / "tests" / "bpy")]
#: Seconds for everything; then the test has failed.
LIMIT = 240
SIDES = ("Left", "Right")
LIMBS = {
    "collar": "Shoulder", "upper_arm": "Arm", "forearm": "ForeArm", "hand": "Hand",
    "thigh": "UpLeg", "shin": "Leg", "foot": "Foot", "toe": "ToeBase",
}  # fmt: skip


def arguments():
    """What stands behind the ``--`` of Blender's command line."""
    words = sys.argv[sys.argv.index("--") + 1 :] if "--" in sys.argv else []
    parser = argparse.ArgumentParser()
    parser.add_argument("--shot", type=Path, help="picture of the screen at the end")
    return parser.parse_args(words)


def place(region_type):
    """Window, area and region of the 3D view."""
    window = bpy.context.window_manager.windows[0]
    area = next(a for a in window.screen.areas if a.type == "VIEW_3D")
    region = next(r for r in area.regions if r.type == region_type)
    return {"window": window, "area": area, "region": region}


def enable():
    """Turn the add-on on with the panel Bones open and the others closed."""
    from motiongpt_blender.ui import bone_map, panels

    bone_map.MOTIONGPT_PT_bones.bl_options = set()
    panels.MOTIONGPT_PT_poses.bl_options = {"DEFAULT_CLOSED"}
    with bpy.context.temp_override(**place("WINDOW")):
        bpy.ops.preferences.addon_enable(module="motiongpt_blender")


def make_rig():
    """A Mixamo rig of which one knee has a name of its own and one toe none that is known."""
    from rig_builders import build, plan_from_names

    for obj in list(bpy.data.objects):
        bpy.data.objects.remove(obj)
    names = {
        f"{part}_{side[0].lower()}": [f"mixamorig:{side}{bone}"]
        for side in SIDES
        for part, bone in LIMBS.items()
    }
    names["shin_l"], names["toe_l"] = ["steel knee"], ["peg"]
    spine = [f"mixamorig:Spine{k}" for k in ("", 1, 2)]
    trunk = {"pelvis": ["mixamorig:Hips"], "spine": spine, "neck": ["mixamorig:Neck"]}
    with bpy.context.temp_override(**place("WINDOW")):
        rig = build(plan_from_names(names | trunk | {"head": ["mixamorig:Head"]}), "hero")
        rig.select_set(True)
        rig.data.bones.active = rig.data.bones["peg"]
        bpy.ops.object.mode_set(mode="POSE")
    return rig


def open_tab():
    """Show the side bar, wide, with our tab in front, and the character in the view."""
    spot = place("WINDOW")
    spot["area"].spaces.active.show_region_ui = True
    yield 1.0
    place("UI")["region"].active_panel_category = "MotionGPT"
    with bpy.context.temp_override(**place("WINDOW")):
        bpy.ops.view3d.view_axis(type="RIGHT")
        bpy.ops.view3d.view_orbit(angle=-0.9, type="ORBITRIGHT")
        bpy.ops.view3d.view_all()
    yield 1.0


def find_button(command):
    """Move the mouse over the side bar until ``command`` lies under it; returns (x, y)."""
    spot = place("UI")
    region, window = spot["region"], spot["window"]
    for share in (0.4, 0.865, 0.7):
        x = region.x + int(region.width * share)
        for y in range(region.y + region.height - 8, region.y + 8, -7):
            window.event_simulate(type="MOUSEMOVE", value="NOTHING", x=x, y=y)
            yield 0.04
            with bpy.context.temp_override(**spot):
                if bpy.ops.ui.copy_python_command_button.poll():
                    bpy.ops.ui.copy_python_command_button()
            if command in bpy.context.window_manager.clipboard:
                bpy.context.window_manager.clipboard = ""
                return x, y
    raise AssertionError(f"no button of {command} in the side bar")


def click(command):
    """Find a button, press and release the left mouse button there."""
    at = yield from find_button(command)
    window = place("UI")["window"]
    yield 0.5
    for dx in (-3, 0):
        window.event_simulate(type="MOUSEMOVE", value="NOTHING", x=at[0] + dx, y=at[1])
        yield 0.15
    for value in ("PRESS", "RELEASE"):
        window.event_simulate(type="LEFTMOUSE", value=value, x=at[0], y=at[1])
        yield 0.2
    yield 0.5


def story(asked):
    """The test, one event a tick; each ``yield`` gives Blender its seconds to live on."""
    yield 2.0
    enable()
    rig = make_rig()
    yield from open_tab()
    kept = rig.motiongpt.bone_map
    yield from click("motiongpt.find_bones")
    rows = {row.part: row for row in kept.rows}
    assert len(rows) == 21, len(kept.rows)
    assert (rows["shin_l"].bone, rows["shin_l"].source) == ("steel knee", "structure")
    assert not rows["toe_l"].bone and "ToeBase" in rows["toe_l"].note, rows["toe_l"].note
    kept.active = next(k for k, row in enumerate(kept.rows) if row.part == "toe_l")
    place("WINDOW")["area"].tag_redraw()
    yield 2.0
    if asked.shot:
        with subprocess.Popen(["import", "-window", "root", str(asked.shot)]) as child:
            while child.poll() is None:
                yield 0.2
        assert child.returncode == 0, "no picture was taken"
    yield from click("motiongpt.bone_from_selected")
    assert (rows["toe_l"].bone, rows["toe_l"].source) == ("peg", "user"), rows["toe_l"].bone
    with bpy.context.temp_override(**place("WINDOW")):
        bpy.ops.preferences.addon_disable(module="motiongpt_blender")
    print("OK", flush=True)


def leave(status):
    """End Blender with an exit status, at once and without questions."""
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(status)


def main():
    """Drive the story from a timer."""
    bpy.context.preferences.view.show_splash = False
    steps, deadline = story(arguments()), time.monotonic() + LIMIT

    def tick():
        try:
            if time.monotonic() > deadline:
                raise AssertionError(f"not done within {LIMIT} s")
            return max(next(steps), 0.01)
        except StopIteration:
            leave(0)
        except BaseException:
            traceback.print_exc()
            leave(1)

    bpy.app.timers.register(tick, first_interval=0.2, persistent=True)


main()

"""Run inside a windowed Blender: open the panel Bones with clicks and change a bone there.

    blender --factory-startup --enable-event-simulate --python tests/gui/bones_panel.py -- \
        [--shot FILE.png]

Buttons are found as a hand finds them: the mouse goes down the side bar until Blender says
that what lies under it is the one. Prints OK, or the error; never waits for ever.
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
#: Pixels of the picture that the figure takes, left of the side bar.
FIGURE_WIDTH = 560
SIDES = ("Left", "Right")
LIMBS = {
    "collar": "Shoulder", "upper_arm": "Arm", "forearm": "ForeArm", "hand": "Hand",
    "thigh": "UpLeg", "shin": "Leg", "foot": "Foot", "toe": "ToeBase",
}  # fmt: skip


def arguments():
    """What stands behind the ``--`` of Blender's command line."""
    words = sys.argv[sys.argv.index("--") + 1 :] if "--" in sys.argv else []
    parser = argparse.ArgumentParser()
    parser.add_argument("--shot", type=Path, help="picture of figure and side bar")
    return parser.parse_args(words)


def enable():
    """Turn the add-on on, set up, with the panel Bones open and the others closed."""
    from motiongpt_blender.ui import bone_map, poses, retargeting, takes

    for opened in (retargeting.MOTIONGPT_PT_retargeting, bone_map.MOTIONGPT_PT_bones):
        opened.bl_options = set()
    for other in (poses.MOTIONGPT_PT_poses, takes.MOTIONGPT_PT_takes):
        other.bl_options = {"DEFAULT_CLOSED"}
    hand.enable_add_on()
    hand.make_room()


def make_rig():
    """A Mixamo rig of which one knee has a name of its own and one toe none that is known."""
    from tests.support.rigs.builders import build, plan_from_names

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
    with bpy.context.temp_override(**hand.place("WINDOW")):
        rig = build(plan_from_names(names | trunk | {"head": ["mixamorig:Head"]}), "hero")
        rig.select_set(True)
        rig.data.bones.active = rig.data.bones["peg"]
        bpy.ops.object.mode_set(mode="POSE")
    return rig


def click(command, share):
    """Find a button at this share of the side bar's width and click it."""
    yield from hand.click((yield from hand.find_button(command, (share,))))


def story(asked):
    """The test, one event a tick; each ``yield`` gives Blender its seconds to live on."""
    yield 2.0
    enable()
    rig = make_rig()
    if not asked.shot:
        yield from hand.save_drawing()
    yield from hand.open_tab()
    kept = rig.motiongpt.bone_map
    yield from click("motiongpt.find_bones", 0.3)
    rows = {row.part: row for row in kept.rows}
    assert len(rows) == 21, len(kept.rows)
    assert (rows["shin_l"].bone, rows["shin_l"].source) == ("steel knee", "structure")
    assert not rows["toe_l"].bone and "ToeBase" in rows["toe_l"].note, rows["toe_l"].note
    kept.active = next(k for k, row in enumerate(kept.rows) if row.part == "toe_l")
    hand.place("WINDOW")["area"].tag_redraw()
    yield 2.0
    if asked.shot:
        left, right, bottom, top = hand.side_bar()
        yield from hand.shoot(asked.shot, (left - FIGURE_WIDTH, right, bottom, top))
    yield from click("motiongpt.bone_from_selected", 0.865)
    assert (rows["toe_l"].bone, rows["toe_l"].source) == ("peg", "user"), rows["toe_l"].bone
    with bpy.context.temp_override(**hand.place("WINDOW")):
        bpy.ops.preferences.addon_disable(module="motiongpt_blender")
    print("OK", flush=True)


hand.drive(story(arguments()), LIMIT)

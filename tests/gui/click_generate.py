"""Run inside a windowed Blender: click Generate, and end with a character that moves.

    blender --factory-startup --enable-event-simulate --python tests/gui/click_generate.py -- \
        [--fake] [--shot FILE.png]

The button is found as a hand finds it: the mouse goes down the side bar until Blender
says that what lies under it is Generate. With ``--fake`` the model's process first
crashes under a click and then is cancelled by a click; both leave the rig as it was.
Prints OK and what was measured, or the error; never waits for ever.
"""

import argparse
import os
import sys
from itertools import pairwise
from pathlib import Path

import bpy

sys.path.insert(0, str(Path(__file__).parent))
import hand
import portrait

ROOT = Path(__file__).resolve().parents[2]
PROMPT = "a person walks forward"
#: What the add-on says of a take that is made, and of several.
DONE = ("is on a new NLA track", "choose one below")
LAST = 73
#: Seconds for everything; then the test has failed.
LIMIT = 240


def arguments():
    """What stands behind the ``--`` of Blender's command line."""
    words = sys.argv[sys.argv.index("--") + 1 :] if "--" in sys.argv else []
    parser = argparse.ArgumentParser()
    parser.add_argument("--fake", action="store_true", help="use the fake model")
    parser.add_argument("--shot", type=Path, help="picture of the screen at the end")
    parser.add_argument("--model", metavar="PYTHON", help="the true model, in this Python")
    parser.add_argument("--light", action="store_true", help="with the light theme")
    return parser.parse_args(words)


def in_view():
    """Context of the 3D view's main region."""
    return bpy.context.temp_override(**hand.place("WINDOW"))


def enable(fake, python):
    """Turn the add-on on, from the checkout."""
    sys.path.insert(0, str(ROOT))
    with in_view():
        bpy.ops.preferences.addon_enable(module="motiongpt_blender")
    chosen = bpy.context.preferences.addons["motiongpt_blender"].preferences
    chosen.fake = fake
    if fake:  # needs numpy only, and the checkout's own environment may be out of sight
        chosen.python = sys.executable
    elif python:
        chosen.python = python


def raise_arms(rig, left, right):
    """Turn the upper arms up by radians; Rigify's rest pose is 0, hanging down about -1."""
    for side, angle in (("L", left), ("R", -right)):
        arm = rig.pose.bones[f"upper_arm_fk.{side}"]
        arm.rotation_mode = "XYZ"
        arm.rotation_euler = (0, 0, angle)
    bpy.context.view_layer.update()


def mark_poses(rig, *, on_the_way):
    """A start pose at frame 1; an end pose two metres further, the right arm raised.

    And, for the picture, one ``on_the_way``.
    """
    scene = bpy.context.scene
    scene.frame_end = LAST
    scene.render.fps = 24
    for limb in ("upper_arm_parent", "thigh_parent"):
        for side in "LR":
            rig.pose.bones[f"{limb}.{side}"]["IK_FK"] = 1.0
    scene.frame_set(1)
    raise_arms(rig, -0.95, -0.95)
    with in_view():
        bpy.ops.motiongpt.add_pose(role="START")
    if on_the_way:
        scene.frame_set(LAST // 2)
        rig.pose.bones["torso"].location.y = -1.0
        raise_arms(rig, -0.95, 0.9)
        with in_view():
            bpy.ops.motiongpt.add_pose(role="KEY")
    scene.frame_set(LAST)
    rig.pose.bones["torso"].location.y = -2.0
    raise_arms(rig, -0.95, 0.8)
    with in_view():
        bpy.ops.motiongpt.add_pose(role="END")
    scene.frame_set(1)
    hand.asked().prompt = PROMPT
    roles = [pose.role for pose in rig.motiongpt.poses]
    assert roles == ["START", *["KEY"] * on_the_way, "END"]


def press(at):
    """Click without a rest: what a click starts may be over soon."""
    yield from hand.click(at, rest=0.0)


def session():
    """What the add-on knows of the job under way."""
    from tests.support.session import Panel

    return Panel()


def wait_for_start():
    """Wait until the click has started a job, which may be over before the first look."""
    for _ in range(40):
        if session().job is not None or any(text in session().message for text in DONE):
            return
        yield 0.05
    raise AssertionError(f"the click started no job: {session().message}")


def wait_for_end():
    """Wait until the job has ended and its take is written; returns the fractions seen."""
    seen = []
    while session().job is not None or session().writing:
        if session().job is not None:
            seen.append(session().job.fraction)
        yield 0.05
    print(f"click: {session().message}")
    return seen


def click_and_crash(at, rig):
    """The model's process dies in the middle: a sentence, and nothing else has happened."""
    os.environ["MOTIONGPT_FAKE_MODE"] = "crash"
    yield from press(at)
    for _ in range(200):  # on a busy machine it has crashed before the first look
        if session().failed:
            break
        yield 0.1
    assert session().failed and "in the middle of the work" in session().message
    assert_untouched(rig)


def click_and_cancel(at, rig):
    """Generate, then the X beside the progress bar."""
    os.environ["MOTIONGPT_FAKE_MODE"] = "slow"
    yield from press(at)
    yield from wait_for_start()
    while session().job.fraction == 0:
        yield 0.1
    for _ in range(3):  # the panel moves on under the mouse: a slow screen may miss a click
        if session().job and session().job.state.name == "RUNNING":
            cross = yield from hand.find_button("motiongpt.cancel", (0.66, 0.64, 0.69), near=at[1])
            yield from press(cross)
            yield 0.3
    yield from wait_for_end()
    assert not session().failed and "Cancelled" in session().message
    assert_untouched(rig)
    del os.environ["MOTIONGPT_FAKE_MODE"]
    # The slow process would be kept for the next job.
    from motiongpt_blender.operators import session as sessions

    sessions.stop()
    sessions.start()


def assert_untouched(rig):
    """No animation anywhere."""
    assert rig.animation_data is None or not rig.animation_data.nla_tracks
    assert not bpy.data.actions, list(bpy.data.actions)


def where(rig, bone, frame):
    """World position of a bone's head at a frame."""
    bpy.context.scene.frame_set(frame)
    evaluated = rig.evaluated_get(bpy.context.evaluated_depsgraph_get())
    return evaluated.matrix_world @ evaluated.pose.bones[bone].head


def check(rig):
    """A new action on an NLA track, and a character that moves as it was told."""
    tracks = rig.animation_data.nla_tracks
    assert len(tracks) == 1, [track.name for track in tracks]
    (strip,) = tracks[0].strips
    assert (strip.frame_start, strip.frame_end) == (1, LAST), (strip.frame_start, strip.frame_end)
    assert strip.action.name == PROMPT, strip.action.name
    hips = [where(rig, "DEF-spine", frame) for frame in (1, LAST // 2, LAST)]
    path = [(b - a).length for a, b in pairwise(hips)]
    assert min(path) > 0.3, path
    feet = [where(rig, "DEF-foot.L", frame) - where(rig, "DEF-spine", frame) for frame in (1, 20)]
    swing = (feet[1] - feet[0]).length
    assert swing > 0.03, swing
    assert abs(hips[2].y - hips[0].y + 2.0) < 0.005, hips
    print(f"click: hips moved {sum(path):.2f} m, a foot swung {100 * swing:.0f} cm")


def story(asked):
    """The test, one event a tick; each ``yield`` gives Blender its seconds to live on."""
    yield 2.0  # until the window stands
    enable(asked.fake, asked.model)
    if asked.light:
        hand.use_light_theme()
    rig = hand.make_rigify_rig()
    if asked.shot:
        portrait.dress(rig)
    else:
        yield from hand.save_drawing()
        bpy.context.scene.motiongpt.takes = 1
    mark_poses(rig, on_the_way=bool(asked.shot))
    yield from hand.open_tab()
    at = yield from hand.find_button("motiongpt.generate")
    print(f"click: Generate lies at {at}")
    if asked.fake:
        yield from click_and_crash(at, rig)
        yield from click_and_cancel(at, rig)
    yield from press(at)
    yield from wait_for_start()
    fractions = yield from wait_for_end()
    assert not session().failed, session().message
    assert fractions == sorted(fractions), fractions
    if asked.fake:  # its walk is known, that of a model is its own
        check(rig)
    if asked.shot:
        yield from portrait.take(rig, asked.shot)
    with in_view():
        bpy.ops.preferences.addon_disable(module="motiongpt_blender")
    print("OK", flush=True)


WORDS = arguments()
hand.drive(story(WORDS), 3 * LIMIT if WORDS.shot else LIMIT)  # the true model takes its time

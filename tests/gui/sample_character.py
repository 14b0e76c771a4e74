"""Run inside a windowed Blender: the default scene, clicks on both samples, a first take.

    blender --factory-startup --enable-event-simulate --python tests/gui/sample_character.py -- \
        [--shot FILE.png]

Prints OK, or the error.
"""

import sys
from pathlib import Path

import bpy

sys.path.insert(0, str(Path(__file__).parent))
import hand

#: Seconds for everything; then the test has failed.
LIMIT = 240


def look(shot, name):
    """A picture of the window, where pictures are wanted."""
    if shot:
        window = bpy.context.window_manager.windows[0]
        where = shot.with_stem(f"{shot.stem}{name}")
        yield from hand.shoot(where, (0, window.width, 0, window.height))


def with_takes(shot):
    """The sample with takes: poses, prompt and takes are there, and one undo takes all away."""
    button = yield from hand.find_button("with_takes=True")
    yield from hand.click(button, rest=3.0)
    rig = bpy.context.view_layer.objects.active
    assert rig.type == "ARMATURE", "no character was added"
    assert (len(rig.motiongpt.poses), len(rig.motiongpt.takes.entries)) == (3, 3)
    bpy.context.scene.frame_set(60)
    yield 2.0
    yield from look(shot, "_with_takes")
    bpy.context.scene.frame_set(1)
    with bpy.context.temp_override(**hand.place("WINDOW")):
        bpy.ops.ed.undo()
    assert not [o for o in bpy.data.objects if o.type == "ARMATURE"], "undo left it"
    for obj in bpy.context.selected_objects:
        obj.select_set(False)
    bpy.context.view_layer.objects.active = None
    spot = hand.place("UI")
    spot["window"].event_simulate(type="MOUSEMOVE", value="NOTHING", x=200, y=400)
    spot["area"].tag_redraw()  # or the button that was clicked stays the one under the mouse
    yield 1.0


def story():
    """Click the buttons, look at the characters, and let one walk."""
    words = sys.argv[sys.argv.index("--") + 1 :] if "--" in sys.argv else []
    shot = Path(words[1]) if words else None
    yield 2.0
    hand.enable_add_on()
    bpy.ops.ed.undo_push(message="Enabled")
    for obj in bpy.context.selected_objects:
        obj.select_set(False)
    if shot is None:
        yield from hand.save_drawing()
    yield from hand.open_tab()
    yield from with_takes(shot)
    button = yield from hand.find_button("motiongpt.add_sample_character")
    yield from hand.click(button, rest=2.0)
    rig = bpy.context.view_layer.objects.active
    assert rig.type == "ARMATURE" and len(rig.children) == 1, "no character was added"
    yield from look(shot, "")
    with bpy.context.temp_override(**hand.place("WINDOW")):
        bpy.ops.ed.undo()
    assert not [o for o in bpy.data.objects if o.type == "ARMATURE"], "undo left it"
    with bpy.context.temp_override(**hand.place("WINDOW")):
        bpy.ops.ed.redo()
    rig = next(o for o in bpy.data.objects if o.type == "ARMATURE")
    hand.asked().prompt = "walks forward"
    bpy.context.scene.motiongpt.takes = 1
    with bpy.context.temp_override(**hand.place("WINDOW")):
        bpy.ops.motiongpt.generate()
    from motiongpt_blender.operators import session

    while session.controller().pending is not None:
        yield 0.1
    takes, message = rig.motiongpt.takes.entries, session.active_state(bpy.context).message
    assert len(takes) == 1, message
    bpy.context.scene.frame_set(20)
    yield 1.0
    yield from look(shot, "_take")
    print("OK")


hand.drive(story(), LIMIT)

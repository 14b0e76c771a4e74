"""Run inside a windowed Blender: the default scene, a click on Add Sample Character, a first take.

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


def story():
    """Click the button, look at the character, and let it walk."""
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
    button = yield from hand.find_button("motiongpt.add_sample_character")
    yield from hand.click(button, rest=2.0)
    rig = bpy.context.view_layer.objects.active
    assert rig.type == "ARMATURE" and len(rig.children) == 1, "no character was added"
    window = bpy.context.window_manager.windows[0]
    if shot:
        yield from hand.shoot(shot, (0, window.width, 0, window.height))
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
    if shot:
        where = shot.with_stem(f"{shot.stem}_take")
        yield from hand.shoot(where, (0, window.width, 0, window.height))
    print("OK")


hand.drive(story(), LIMIT)

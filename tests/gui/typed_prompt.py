"""Run inside a windowed Blender: a typed prompt is understood before anything is generated.

    blender --factory-startup --enable-event-simulate --python tests/gui/typed_prompt.py -- \
        [--shot FILE.png PYTHON]

With a picture the real model answers, in that Python. Prints OK, or the error.
"""

import sys
from pathlib import Path

import bpy

sys.path.insert(0, str(Path(__file__).parent))
import hand

#: Seconds for everything; then the test has failed.
LIMIT = 240


def story():
    """Change the prompt, wait, and look at what the panel says."""
    words = sys.argv[sys.argv.index("--") + 1 :] if "--" in sys.argv else []
    yield 2.0
    hand.enable_add_on()
    if words:
        chosen = bpy.context.preferences.addons["motiongpt_blender"].preferences
        chosen.fake, chosen.python = False, words[2]
    else:
        yield from hand.save_drawing()
    with bpy.context.temp_override(**hand.place("WINDOW")):
        bpy.ops.motiongpt.add_sample_character()
    yield from hand.open_tab()
    yield 1.0
    from motiongpt_blender.operators import session

    pump = session.current().pump
    assert pump.is_unloaded, "an open side bar started a process"
    for prompt in ("an ogre stom", "an ogre stomps") if not words else ("geh geradeaus",):
        hand.asked().prompt = prompt
        hand.place("UI")["area"].tag_redraw()
        yield 0.2
    yield from _answered(pump, hand.asked().prompt)
    if not words:
        assert "an ogre stomps" in pump.understood.notes[0], pump.understood
    for k, prompt in enumerate(("geh geradeaus", "the moon is made of cheese") if words else ()):
        hand.asked().prompt = prompt
        hand.place("UI")["area"].tag_redraw()
        yield from _answered(pump, prompt)
        yield 1.0
        window = bpy.context.window_manager.windows[0]
        where = Path(words[1])
        yield from hand.shoot(
            where.with_stem(f"{where.stem}_{k}"), (0, window.width, 0, window.height)
        )
    print("OK")


def _answered(pump, prompt):
    while pump.understood.prompt != prompt:
        yield 0.1


hand.drive(story(), LIMIT)

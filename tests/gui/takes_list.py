"""Run inside a windowed Blender: four takes, the down key over the list, a click on Keep.

    blender --factory-startup --enable-event-simulate --python tests/gui/takes_list.py

Prints OK, or the error.
"""

import sys
from pathlib import Path

import bpy

sys.path.insert(0, str(Path(__file__).parent))
import hand

#: Seconds for everything; then the test has failed.
LIMIT = 240
#: Pixels from the button Keep up to the rows of the list.
UP_TO_LIST = 148


def press(key, at):
    """Press and release a key while the mouse is there."""
    window = hand.place("UI")["window"]
    window.event_simulate(type="MOUSEMOVE", value="NOTHING", x=at[0], y=at[1])
    yield 0.3
    for value in ("PRESS", "RELEASE"):
        window.event_simulate(type=key, value=value, x=at[0], y=at[1])
        yield 0.3


def wait_for_takes(rig):
    """Wait until four takes have come; Escape would cancel, other keys do not."""
    from motiongpt_blender.operators import session

    while session.controller().pending is not None:
        yield 0.1
    assert len(rig.motiongpt.takes.entries) == 4, session.active_state(bpy.context).message


def shown(rig):
    """Which takes are on show."""
    return [k for k, take in enumerate(rig.motiongpt.takes.entries) if take.shown]


def story():
    """Generate, go down twice, keep the third."""
    yield 2.0
    hand.enable_add_on()
    rig = hand.make_rigify_rig()
    yield from hand.save_drawing()
    yield from hand.open_tab()
    yield from hand.click((yield from hand.find_button("motiongpt.generate")))
    yield from wait_for_takes(rig)
    assert shown(rig) == [0] and rig.animation_data.use_tweak_mode
    keep = yield from hand.find_button("motiongpt.keep_take", (0.12, 0.2, 0.3))
    rows = keep[0], keep[1] + UP_TO_LIST
    for expected in (1, 2):
        yield from press("DOWN_ARROW", rows)
        assert shown(rig) == [expected], shown(rig)
        assert rig.animation_data.action == rig.motiongpt.takes.entries[expected].action
    action = rig.animation_data.action
    yield from hand.click(keep)
    (take,) = rig.motiongpt.takes.entries
    assert take.action == action and take.kept and take.on_rig and not take.shown
    assert not rig.animation_data.use_tweak_mode
    print("OK", flush=True)


hand.drive(story(), LIMIT)

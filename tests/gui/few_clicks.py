"""Run inside a windowed Blender: clicks and keys from an open file to a kept take, counted.

    blender --factory-startup --enable-event-simulate --python tests/gui/few_clicks.py

The file has a rig, the side bar is closed. The model is the fake one. Prints what was
counted and OK, or the error.
"""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))
import hand

#: Seconds for everything; then the test has failed.
LIMIT = 240
PROMPT = "a man waves"
#: The most that may be needed until four takes are seen, without the letters of the prompt.
MOST_CLICKS, MOST_KEYS = 3, 1
#: The most clicks and keys until the third of them is kept.
MOST_TO_KEEP = 3


class Counted:
    """Clicks and keys since the last look."""

    def __init__(self):
        self.clicks = self.keys = 0

    def click(self, at):
        """One click."""
        self.clicks += 1
        yield from hand.click(at)

    def key(self, name, at):
        """One key."""
        self.keys += 1
        yield from press(name, at)

    def taken(self):
        """How many clicks and keys; counts anew."""
        counts, self.clicks, self.keys = (self.clicks, self.keys), 0, 0
        return counts


def press(key, at, **more):
    """Press and release a key with the mouse there."""
    window = hand.place("WINDOW")["window"]
    for value in ("PRESS", "RELEASE"):
        window.event_simulate(type=key, value=value, x=at[0], y=at[1], **more)
        yield 0.1


def write(text, at):
    """Replace what stands in the field that was clicked, and confirm."""
    window = hand.place("WINDOW")["window"]
    yield from press("A", at, ctrl=True)
    for letter in text:
        kind = "SPACE" if letter == " " else letter.upper()
        window.event_simulate(type=kind, value="PRESS", unicode=letter, x=at[0], y=at[1])
        window.event_simulate(type=kind, value="RELEASE", x=at[0], y=at[1])
        yield 0.05
    yield from press("RET", at)
    yield 0.5


def find_tab():
    """Where the tab is that is clicked to open the panel; then another one is open again."""
    hand.place("WINDOW")["area"].spaces.active.show_region_ui = True
    yield 1.0
    region = hand.place("UI")["region"]
    was = region.active_panel_category
    x = region.x + region.width - 10
    for y in range(region.y + region.height - 20, region.y, -25):
        yield from hand.click((x, y), rest=0.1)
        if region.active_panel_category == "MotionGPT":
            region.active_panel_category = was
            break
    else:
        raise AssertionError("no click opened the tab")
    hand.place("WINDOW")["area"].spaces.active.show_region_ui = False
    yield 0.5
    return x, y


def generate(counted, tab, middle):
    """From the open file to four takes, as a hand does it."""
    yield from counted.key("N", middle)
    yield 1.0
    yield from counted.click(tab)
    field = yield from hand.find_field(".prompt")
    yield from counted.click(field)
    yield from write(PROMPT, field)
    assert hand.asked().prompt == PROMPT, hand.asked().prompt
    yield from counted.click((yield from hand.find_button("motiongpt.generate()")))
    from motiongpt_blender.operators import session

    while session.controller().pending is not None:
        yield 0.1
    yield 1.0


def keep_third(counted):
    """The third picture, then Keep."""
    yield from counted.click((yield from hand.find_button("show_take(index=2)", (0.62, 0.55))))
    yield from counted.click((yield from hand.find_button("motiongpt.keep_take", (0.12, 0.2))))


def story():
    """Two parts, each counted."""
    yield 2.0
    hand.enable_add_on()
    rig = hand.make_sample_character()
    yield from hand.save_drawing()
    tab, counted = (yield from find_tab()), Counted()
    area = hand.place("WINDOW")["area"]
    yield from generate(counted, tab, (area.x + area.width // 2, area.y + area.height // 2))
    takes = rig.motiongpt.takes
    assert len(takes.entries) == 4 and takes.entries[0].shown, list(takes.entries)
    clicks, keys = counted.taken()
    print(f"four takes seen: {clicks} clicks, {keys} keys and the prompt")
    assert clicks <= MOST_CLICKS and keys <= MOST_KEYS, (clicks, keys)
    third = takes.entries[2].action
    yield from keep_third(counted)
    (take,) = takes.entries
    assert take.action == third and take.kept and take.on_rig
    clicks, keys = counted.taken()
    print(f"the third kept: {clicks} clicks, {keys} keys")
    assert clicks + keys <= MOST_TO_KEEP, (clicks, keys)
    print("OK", flush=True)


hand.drive(story(), LIMIT)

"""How fast gaits are, by the words of a prompt. Standard library only.

The panel asks at every redraw how long a way takes. Speeds are those that the shipped pack walks
at by itself, and about what people do.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Final

from ..actions import cut_at_then
from ..translation import msgid, tr


@dataclass(frozen=True)
class Gait:
    """A gait and its speeds over the floor in m/s.

    Attributes:
        name: for messages.
        least, usual, most: slowest, natural and fastest.
        words: pattern of the words that ask for it.
    """

    name: str
    least: float
    usual: float
    most: float
    words: re.Pattern[str]


def _gait(name: str, least: float, usual: float, most: float, words: str) -> Gait:
    return Gait(name, least, usual, most, re.compile(rf"\b(?:{words})", re.I))


#: The first whose words a prompt has counts.
GAITS: Final = (
    _gait(msgid("crawling"), 0.1, 0.4, 0.9, r"crawl|all fours|hands and knees"),
    _gait(msgid("sneaking"), 0.2, 0.5, 1.2, r"sneak|creep|crept|tip-?toe|prowl|stealth"),
    _gait(msgid("limping"), 0.2, 0.6, 1.2, r"limp|hobbl|zombie|shuffl|stagger|drunk|elderly"),
    _gait(msgid("walking sideways"), 0.2, 0.7, 1.3, r"sideways|side-?steps?|strafe"),
    _gait(msgid("walking backwards"), 0.2, 0.75, 1.5, r"backwards?|retreat|backs (?:up|away)"),
    _gait(msgid("sprinting"), 2.2, 3.2, 8.0, r"sprint|dash|race"),
    _gait(msgid("jogging"), 1.3, 2.0, 3.5, r"jog|trot"),
    _gait(msgid("running"), 1.5, 2.3, 6.0, r"runs?\b|running|ran\b|charg"),
    _gait(msgid("skipping"), 0.5, 1.1, 3.0, r"skip|hop|leap|jump"),
    _gait(msgid("dancing"), 0.1, 0.4, 1.5, r"danc|waltz"),
)
WALK: Final = _gait(msgid("walking"), 0.3, 1.05, 2.2, r"walk|stroll|march|stride|go\b|goes\b")
#: Words for fast and slow, and what they do to the usual speed.
_FAST: Final = re.compile(r"\b(?:fast|quick|hurr|brisk|rush)", re.I)
_SLOW: Final = re.compile(r"\b(?:slow|tired|sad|careful|exhausted|weary)", re.I)
FAST, SLOW = 1.25, 0.75
#: Seconds of another action before or behind a way.
OTHER_ACTION: Final = 2.5


def gait_of(prompt: str) -> Gait:
    """The gait that a prompt asks for; walking where it names none."""
    return next((gait for gait in GAITS if gait.words.search(prompt)), WALK)


def usual_speed(prompt: str) -> float:
    """m/s at which a prompt is naturally done."""
    action = travelling_actions(prompt)[0]
    factor = FAST if _FAST.search(action) else SLOW if _SLOW.search(action) else 1.0
    return gait_of(action).usual * factor


def travelling_actions(prompt: str) -> list[str]:
    """The actions of a prompt that go somewhere; all of them where none is known to."""
    actions = cut_at_then(prompt)
    going = [a for a in actions if is_travelling(a)]
    return going or actions


def is_travelling(action: str) -> bool:
    """Whether an action has words of a gait."""
    return any(gait.words.search(action) for gait in (*GAITS, WALK))


def natural_seconds(prompt: str, metres: float) -> float:
    """Seconds that a prompt takes for a way of an effort in metres, its other actions included."""
    others = len(cut_at_then(prompt)) - len(travelling_actions(prompt))
    return metres / usual_speed(prompt) + OTHER_ACTION * others


def speed_note(prompt: str, metres: float, seconds: float) -> str:
    """One sentence about a speed that the prompt's gait does not have, or ""."""
    others = len(cut_at_then(prompt)) - len(travelling_actions(prompt))
    speed = metres / max(seconds - OTHER_ACTION * others, 0.1)
    gait = gait_of(travelling_actions(prompt)[0])
    if gait.least <= speed <= gait.most:
        return ""
    return tr(
        "The way of {metres:.1f} m in {seconds:.1f} s is {speed:.1f} m/s, and {gait} is {least:g} "
        "to {most:g} m/s: change the length or the prompt.",
        metres=metres,
        seconds=seconds,
        speed=speed,
        gait=tr(gait.name),
        least=gait.least,
        most=gait.most,
    )

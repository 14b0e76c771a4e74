"""What a prompt can demand that joints can show, and what was measured of it."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum
from typing import Final


class Demand(Enum):
    """What a check demands, as the verb that its phrase begins with."""

    TRAVEL = "moves"
    STEPS = "takes steps"
    TURN = "turns"
    CIRCLE = "moves in a circle"
    RUN = "runs"
    FAST = "moves fast"
    SLOW = "moves slowly"
    IN_PLACE = "stays in place"
    STILL = "stands still"
    STOP = "stops at the end"
    STAND = "stands"
    UPRIGHT = "stays upright"
    JUMP = "jumps"
    HOP = "hops"
    JACKS = "does jumping jacks"
    MARCH = "marches"
    SIT = "sits"
    KNEEL = "kneels"
    LIE = "lies"
    FALL = "falls"
    CROUCH = "crouches"
    CRAWL = "crawls"
    GET_UP = "gets up"
    BOW = "bows"
    REACH_DOWN = "reaches down"
    PICK_UP = "picks up from the floor"
    RAISE = "raises"
    LOWER = "lowers"
    WAVE = "waves"
    PUNCH = "punches"
    THROW = "throws"
    KICK = "kicks"


class Direction(Enum):
    """A direction of travel relative to the body."""

    FORWARD = "forward"
    BACKWARD = "backward"
    SIDEWAYS = "sideways"


class Side(Enum):
    """A side of the body, its own; both of two limbs."""

    LEFT = "left"
    RIGHT = "right"
    BOTH = "both"


class Limb(Enum):
    """A pair of limbs."""

    HAND = "hand"
    LEG = "leg"


#: Degrees of "turns around".
AROUND: Final = 180.0
#: Degrees of "turns slightly".
SLIGHTLY: Final = 40.0
_POSTURES: Final = frozenset({Demand.SIT, Demand.KNEEL, Demand.LIE, Demand.CROUCH, Demand.CRAWL})
#: Postures whose verb is the way, and what they are called without it.
_HELD_PHRASES: Final = {Demand.CROUCH: "is in a crouch", Demand.CRAWL: "is on all fours"}
#: What a limb is called that is not called as in ``Limb``.
_NOUNS: Final = {Demand.HOP: "foot"}


@dataclass(frozen=True)
class PromptCheck:
    """One measurable demand of a prompt.

    Attributes:
        demand: what the body should do.
        direction: of a travel; of a lying body backward is on the back; None for any.
        side: of a turn, a travel or a limb; None for any.
        limb: what is raised, lowered or hopped on.
        degrees: size of a turn; None for any.
        times: how often; None for at least once.
        held: whether a posture is demanded without the way into it: "sits" beside "sits down".
        part: which part of the prompt it belongs to, counted from 0; parts follow each other.
    """

    demand: Demand
    direction: Direction | None = None
    side: Side | None = None
    limb: Limb | None = None
    degrees: float | None = None
    times: int | None = None
    held: bool = False
    part: int = 0

    def __str__(self) -> str:
        """The check as a phrase in the third person, without its part: "turns left"."""
        if self.demand is Demand.TRAVEL:
            return f"moves {self._travel_phrase()}"
        if self.demand is Demand.STEPS:
            return f"takes {self.times} steps"
        if self.demand is Demand.TURN:
            return self._turn()
        if self.demand is Demand.CIRCLE:
            return self.demand.value + (f" to the {self.side.value}" if self.side else "")
        if self.demand in _POSTURES:
            return self._posture()
        words = [self.demand.value]
        if self.demand in (Demand.RAISE, Demand.LOWER, Demand.WAVE):
            words += [self._limb()] if self.side or self.demand is not Demand.WAVE else []
        elif self.side:
            words += ["on" if self.demand is Demand.HOP else "with", self._limb()]
        words += [f"{self.times} times"] if self.times else []
        return " ".join(words)

    def _travel_phrase(self) -> str:
        to_side = f"to the {self.side.value}" if self.side else ""
        if self.direction is None or (self.direction is Direction.SIDEWAYS and self.side):
            return f"sideways {to_side}" if self.direction else to_side or "along"
        return f"{self.direction.value} {to_side}".strip()

    def _turn(self) -> str:
        if self.degrees == AROUND and self.side is None:
            return "turns around"
        words = ["turns"] + ([self.side.value] if self.side else [])
        if self.degrees == SLIGHTLY:
            words.insert(1, "slightly")
        elif self.degrees:
            words.append(f"by {self.degrees:g} degrees")
        return " ".join(words)

    def _posture(self) -> str:
        if self.held and self.demand in _HELD_PHRASES:
            return _HELD_PHRASES[self.demand]
        down = not self.held and self.demand not in _HELD_PHRASES
        on = {Direction.BACKWARD: " on the back", Direction.FORWARD: " on the front"}
        return self.demand.value + " down" * down + (on[self.direction] if self.direction else "")

    def _limb(self) -> str:
        noun = _NOUNS.get(self.demand, (self.limb or Limb.HAND).value)
        if self.side is Side.BOTH:
            return f"both {noun}s"
        return f"the {self.side.value} {noun}" if self.side else f"a {noun}"


@dataclass(frozen=True)
class CheckResult:
    """What a motion does about a check.

    Attributes:
        check: the demand.
        met: whether the motion meets it: ``score`` is at least 0.5.
        score: 0 (not at all) to 1 (clearly), without steps, to rank motions by.
        value: what was measured: degrees, metres, m/s, seconds or a count, as the sentence says.
        sentence: for the animator: "turns left: 94 degrees", "raises the right hand: no".
    """

    check: PromptCheck
    met: bool
    score: float
    value: float
    sentence: str

"""Checks from an English sentence, with a small grammar.

A prompt falls into parts that follow each other ("then", "before", "after") and these into
clauses of one verb. Unknown words are passed over. What is denied ("without turning") is not
checked, nor is what contradicts itself in one clause ("left and right", "forward and back").
What cannot be done at once in one part ("walks and sits down", "turns left and turns right")
is read as an order.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import replace
from typing import Final

from .checks import Demand, PromptCheck, Side
from .clauses import Clause, parts_of
from .demands import demands
from .words import words

_WAYS: Final = frozenset({Demand.TRAVEL, Demand.RUN, Demand.CIRCLE, Demand.STEPS})
_RESTS: Final = frozenset(
    {Demand.SIT, Demand.KNEEL, Demand.LIE, Demand.STILL, Demand.IN_PLACE, Demand.STAND}
)
#: Rests on the feet, in which a body may turn or jump.
_ON_FEET: Final = frozenset({Demand.IN_PLACE, Demand.STAND})
_LOW: Final = frozenset(
    {Demand.SIT, Demand.KNEEL, Demand.LIE, Demand.CROUCH, Demand.CRAWL, Demand.FALL}
)
#: Demands that bring a body down, beside low postures.
_DOWN: Final = frozenset({Demand.GET_UP, Demand.PICK_UP, Demand.REACH_DOWN})
#: Demands of which a body can meet one at a time.
_ALONE: Final = frozenset({Demand.TURN, Demand.TRAVEL})
#: Verbs that only carry the next one: "throws a punch", "stops walking", "draws a bow".
_CARRIERS: Final = {
    Demand.THROW: frozenset({Demand.PUNCH, Demand.KICK}),
    Demand.STOP: frozenset({Demand.TRAVEL, Demand.RUN}),
}
_OF_AN_ARCHER: Final = frozenset(
    {"draw", "shoot", "aim", "raise", "lower", "hold", "point", "fire", "release", "let"}
)
#: Verbs of a trunk that goes down, from which a body does not get up but straightens.
_OF_THE_TRUNK: Final = frozenset({"bend", "lean", "bow", "tilt", "reach", "lower"})


def read_checks(prompt: str) -> tuple[PromptCheck, ...]:
    """The checks of a prompt, in the order of its words; empty where nothing can be measured.

    Args:
        prompt: an English sentence, an imperative or a fragment.
    """
    parts: list[list[PromptCheck]] = []
    for found in parts_of(prompt):
        parts += _in_order(_checks_of(found))
    parts = [part for part in map(_tidied, parts) if part]
    parts = [_without_stops(part, parts[k + 1 :]) for k, part in enumerate(parts)]
    parts = [part for part in parts if part]
    return tuple(replace(c, part=k) for k, part in enumerate(parts) for c in part)


def implied_checks(prompt: str) -> tuple[PromptCheck, ...]:
    """What a prompt demands without saying it: who walks, waves or jumps stays upright.

    A prompt without checks implies nothing, nor does one with a low posture or a word of the floor.
    """
    asked = {check.demand for check in read_checks(prompt)}
    low = asked & (_LOW | _DOWN) or words().low & set(
        re.findall(r"[a-z]+(?:-[a-z]+)*", prompt.lower())
    )
    return (PromptCheck(Demand.UPRIGHT),) if asked and not low else ()


def phrases(checks: Iterable[PromptCheck]) -> tuple[str, ...]:
    """Checks as phrases; the first of each further part begins with "then"."""
    lines: list[str] = []
    part = 0
    for check in checks:
        lines.append(f"then {check}" if check.part != part else str(check))
        part = check.part
    return tuple(lines)


def _checks_of(clauses: Sequence[Clause]) -> list[list[PromptCheck]]:
    """The checks of each clause of a part."""
    found: list[list[PromptCheck]] = []
    previous = ""
    for clause in clauses:
        checks = demands(clause, 0)
        if clause.verb.kind == "bow" and previous in _OF_AN_ARCHER:
            checks = []
        if clause.verb.kind in ("rise", "stand") and previous in _OF_THE_TRUNK:
            checks = [check for check in checks if check.demand is not Demand.GET_UP]
        if found and checks and found[-1]:
            carrier, own = found[-1][0], checks[0]
            if own.demand in _CARRIERS.get(carrier.demand, ()) and clause.joined:
                if carrier.demand is Demand.STOP:
                    checks = []
                else:
                    found.pop()
        found.append(checks)
        previous = clause.verb.base
    return found


def _in_order(clauses: Iterable[Sequence[PromptCheck]]) -> list[list[PromptCheck]]:
    """The checks of a part, cut where a clause cannot be done along with those before it."""
    parts: list[list[PromptCheck]] = [[]]
    for checks in clauses:
        merged = _repeated(parts[-1], checks)
        if merged is not None:
            parts[-1] = merged
        elif _goes_on(parts[-1], checks) or any(
            _conflict(old, new) for old in parts[-1] for new in checks
        ):
            parts.append(list(checks))
        else:
            parts[-1] += [c for c in checks if c not in parts[-1]]
    return parts


def _goes_on(part: Sequence[PromptCheck], checks: Sequence[PromptCheck]) -> bool:
    """Whether a body goes on after a turn: "walks forward, turns around and walks back"."""
    first = next((k for k, check in enumerate(part) if check.demand in _WAYS), len(part))
    turned = any(check.demand is Demand.TURN for check in part[first:])
    return turned and any(check.demand in _WAYS for check in checks)


def _repeated(
    part: Sequence[PromptCheck], checks: Sequence[PromptCheck]
) -> list[PromptCheck] | None:
    """The part with its last check counted once more, where a verb is said again: "punch punch"."""
    if (
        not part
        or len(checks) != 1
        or replace(part[-1], times=None) != replace(checks[0], times=None)
    ):
        return None
    if part[-1].demand not in (Demand.JUMP, Demand.HOP, Demand.PUNCH, Demand.KICK):
        return None
    times = (part[-1].times or 1) + (checks[0].times or 1)
    return [*part[:-1], replace(part[-1], times=times)]


def _conflict(one: PromptCheck, other: PromptCheck) -> bool:
    if one == other:
        return False
    kinds = {one.demand, other.demand}
    if one.demand is Demand.STOP and other.demand in _WAYS | {Demand.TURN}:
        return True
    if one.demand is other.demand:
        return _contradict(one, other)
    if Demand.GET_UP in kinds:
        return bool(kinds & (_WAYS | _LOW))
    moves = bool(kinds & _WAYS) or Demand.TURN in kinds or Demand.JUMP in kinds
    if kinds & _RESTS and (moves or kinds <= _RESTS):
        in_place = bool(kinds & _ON_FEET)
        return not (in_place and (Demand.TURN in kinds or Demand.JUMP in kinds))
    return False


def _contradict(one: PromptCheck, other: PromptCheck) -> bool:
    """Whether two turns, or two ways, cannot be one."""
    if one.demand is Demand.TURN:
        return one.side is not other.side or (one.degrees and other.degrees) is not None
    return one.demand is Demand.TRAVEL and bool(one.direction and other.direction)


def _tidied(part: Sequence[PromptCheck]) -> list[PromptCheck]:
    """A part without what others of its checks say more exactly."""
    kept = list(part)
    if any(c.demand in _WAYS and not _is_plain_travel(c) for c in kept):
        kept = [c for c in kept if not _is_plain_travel(c)]
    speeds = [c for c in kept if c.demand in (Demand.FAST, Demand.SLOW)]
    if len({c.demand for c in speeds}) > 1:
        kept = [c for c in kept if c not in speeds]
    for demand in (Demand.RAISE, Demand.LOWER, Demand.WAVE):
        kept = _both_sides(kept, demand)
    return list(dict.fromkeys(kept))


def _both_sides(part: list[PromptCheck], demand: Demand) -> list[PromptCheck]:
    """A part in which left and right of one limb are both."""
    own = [c for c in part if c.demand is demand]
    if len(own) < 2 or {c.side for c in own} != {Side.LEFT, Side.RIGHT}:
        return part
    return [replace(c, side=Side.BOTH) if c is own[0] else c for c in part if c not in own[1:]]


def _is_plain_travel(check: PromptCheck) -> bool:
    return check.demand is Demand.TRAVEL and not check.direction and not check.side


def _without_stops(
    part: Sequence[PromptCheck], later: Sequence[Sequence[PromptCheck]]
) -> list[PromptCheck]:
    """A part without a stop that is not the end of the prompt."""
    goes_on = any(c.demand in _WAYS or c.demand is Demand.TURN for rest in later for c in rest)
    return [c for c in part if not (goes_on and c.demand is Demand.STOP)]

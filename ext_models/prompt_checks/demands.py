"""The checks of one clause: what its verb and the words around it demand."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Final

from .checks import AROUND, SLIGHTLY, Demand, Direction, Limb, PromptCheck, Side
from .clauses import Clause
from .words import words

#: A turn of at least so many degrees while travelling is a circle.
_CIRCLE: Final = 300.0
_TURN_ONCE: Final = 360.0
_CIRCLES: Final = frozenset({"circle", "circles"})
_GROUND: Final = frozenset({"floor", "ground"})
_UPWARD: Final = frozenset({"up", "above", "overhead", "high"})
_PREPOSITIONS: Final = frozenset({"with", "to", "until", "near", "on", "at", "in", "over", "by"})
_QUIETLY: Final = frozenset({"still", "motionless"})
_PACES: Final = (Demand.FAST, Demand.SLOW)
#: Words of a lying body, and where its back is.
_FACES: Final = {"supine": Direction.BACKWARD, "prone": Direction.FORWARD}
_AWAY: Final = frozenset({"away", "off", "along", "around"})


def demands(clause: Clause, part: int) -> list[PromptCheck]:
    """The checks of a clause; of a denied one none."""
    reader = _READERS.get(clause.verb.kind)
    if reader is None:
        in_place = "inplace" in clause.words and not clause.denied
        return [PromptCheck(Demand.IN_PLACE, part=part)] if in_place else []
    if clause.denied:
        rests = clause.verb.base == "move" and not _limbs(clause.words)
        return [PromptCheck(Demand.STILL, part=part)] if rests else []
    return reader(clause, part)


def stated_side(tokens: Sequence[str]) -> Side | None:
    """The side that some words name; None for none, or for both left and right."""
    named = {words().sides[t] for t in tokens if t in words().sides}
    return named.pop() if len(named) == 1 else None


def stated_direction(tokens: Sequence[str]) -> Direction | None:
    """The direction that some words name; None for none, or for several."""
    named = {words().directions[t] for t in tokens if t in words().directions}
    return named.pop() if len(named) == 1 else None


def limb_side(clause: Clause) -> tuple[Limb | None, Side | None]:
    """The limb that a clause names and its side: "the left hand", "both arms", "hands"."""
    tokens = clause.words
    for at, token in enumerate(tokens):
        limb = words().limbs.get(token)
        if limb is None:
            continue
        side = stated_side(tokens[max(0, at - 2) : at])
        if side is None and token in words().plural:
            side = Side.BOTH
        return limb, side
    return None, None


def _object(clause: Clause) -> tuple[Limb | None, Side | None]:
    """The limb that a verb is done to, not the one after a preposition."""
    own = itertools.takewhile(lambda token: token not in _PREPOSITIONS, clause.after)
    return limb_side(replace(clause, after=list(own)))


def _travel(clause: Clause, part: int) -> list[PromptCheck]:
    tokens = clause.words
    direction = stated_direction(tokens)
    if direction is None and "back" in tokens and clause.verb.base in ("step", "jump", "hop"):
        direction = Direction.BACKWARD
    if _CIRCLES & set(tokens):
        return [PromptCheck(Demand.CIRCLE, side=_travel_side(tokens), part=part)]
    degrees = _degrees(tokens)
    if degrees and degrees >= _CIRCLE:
        return [PromptCheck(Demand.CIRCLE, side=_travel_side(tokens), part=part)]
    if degrees:
        turn = PromptCheck(Demand.TURN, side=_travel_side(tokens), degrees=degrees, part=part)
        return [PromptCheck(Demand.TRAVEL, direction, part=part), turn, *_speed(tokens, part)]
    if "inplace" in tokens:
        return [PromptCheck(Demand.IN_PLACE, part=part)]
    travel = PromptCheck(Demand.TRAVEL, direction, _travel_side(tokens), part=part)
    return [travel, *_speed(tokens, part)]


def _run(clause: Clause, part: int) -> list[PromptCheck]:
    travels = [c for c in _travel(clause, part) if c.demand not in _PACES]
    if any(c.demand is Demand.IN_PLACE for c in travels):
        return travels
    some = [c for c in travels if c.demand is not Demand.TRAVEL or c.direction or c.side]
    return [PromptCheck(Demand.RUN, part=part), *some]


def _move(clause: Clause, part: int) -> list[PromptCheck]:
    tokens = clause.words
    times = _number_before(clause)
    steps = clause.verb.base == "step"
    found = [PromptCheck(Demand.STEPS, times=times, part=part)] if steps and times else []
    travels = _travel(clause, part)
    led = [c for c in travels if c.direction or c.side or c.demand not in (Demand.TRAVEL, *_PACES)]
    somewhere = not steps and (_AWAY & set(tokens) or len(travels) > 1)
    of_a_limb = _limbs(tokens) and not stated_direction(tokens)
    return found + travels if (led or somewhere) and not of_a_limb else found


def _sidestep(clause: Clause, part: int) -> list[PromptCheck]:
    side = _travel_side(clause.words)
    travel = PromptCheck(Demand.TRAVEL, Direction.SIDEWAYS, side, part=part)
    return [travel, *_speed(clause.words, part)]


def _retreat(clause: Clause, part: int) -> list[PromptCheck]:
    travel = PromptCheck(Demand.TRAVEL, Direction.BACKWARD, part=part)
    return [travel, *_speed(clause.words, part)]


def _circle(clause: Clause, part: int) -> list[PromptCheck]:
    if _limbs(clause.words):
        return []
    return [PromptCheck(Demand.CIRCLE, side=_travel_side(clause.words), part=part)]


def _turn(clause: Clause, part: int) -> list[PromptCheck]:
    if _is_of_a_limb(clause.after):
        return []
    tokens = clause.words
    degrees = _TURN_ONCE if _CIRCLES & set(tokens) else _degrees(tokens)
    if degrees is None and ("around" in tokens or clause.after[:1] == ["back"]):
        degrees = AROUND
    if degrees is None and words().small & {*clause.before, *clause.after[:2]}:
        degrees = SLIGHTLY
    return [PromptCheck(Demand.TURN, side=_travel_side(tokens), degrees=degrees, part=part)]


def _spin(clause: Clause, part: int) -> list[PromptCheck]:
    if _is_of_a_limb(clause.after):
        return []
    tokens = clause.words
    times = _times(clause)
    degrees = _TURN_ONCE * times if times else _degrees(tokens)
    if degrees is None and "around" in tokens:
        degrees = AROUND
    return [PromptCheck(Demand.TURN, side=_travel_side(tokens), degrees=degrees, part=part)]


def _stop(clause: Clause, part: int) -> list[PromptCheck]:
    goes_on = clause.after[:1] in (["briefly"], ["for"], ["a"], ["the"], ["an"])
    return [] if goes_on else [PromptCheck(Demand.STOP, part=part)]


def _stand(clause: Clause, part: int) -> list[PromptCheck]:
    if "up" in clause.after:
        return [PromptCheck(Demand.GET_UP, part=part)]
    if _QUIETLY & set(clause.after):
        return [PromptCheck(Demand.STILL, part=part)]
    return [PromptCheck(Demand.STAND, part=part)]


def _throw(clause: Clause, part: int) -> list[PromptCheck]:
    if _limbs(clause.after[:3]) and _UPWARD & set(clause.after):
        return _raise(clause, part)
    if limb_side(clause)[0] and "with" not in clause.after:  # "throws the left hand out"
        return [] if _object(clause)[0] and not clause.before else _THROW(clause, part)
    if clause.verb.base == "pitch" and stated_direction(clause.words):
        return []
    return _THROW(clause, part)


def _rise(clause: Clause, part: int) -> list[PromptCheck]:
    if clause.verb.base == "rise" or "up" in clause.after:
        return [PromptCheck(Demand.GET_UP, part=part)]
    return []


def _leave_floor(clause: Clause, part: int) -> list[PromptCheck]:
    times = _more_than_once(clause)
    if clause.verb.kind == "hop":
        limb, side = limb_side(clause)
        side = side if limb is Limb.LEG and side is not Side.BOTH else None
        found = [PromptCheck(Demand.HOP, side=side, times=times, part=part)]
    else:
        found, side = [PromptCheck(Demand.JUMP, times=times, part=part)], None
    travels = [c for c in _travel(clause, part) if c.direction or (c.side and not side)]
    return found + [c for c in travels if c.demand is Demand.TRAVEL]


def _jacks(clause: Clause, part: int) -> list[PromptCheck]:
    return [PromptCheck(Demand.JACKS, times=_more_than_once(clause), part=part)]


def _march(clause: Clause, part: int) -> list[PromptCheck]:
    """A march, and where it goes; at a pace ("marches at a fast pace") it is only a walk."""
    travels = _travel(clause, part)
    if "pace" in clause.after:
        return travels
    return [PromptCheck(Demand.MARCH, part=part), *travels]


def _sneak(clause: Clause, part: int) -> list[PromptCheck]:
    """A walk that is slow even where nothing says so."""
    travels = _travel(clause, part)
    if any(c.demand in (*_PACES, Demand.IN_PLACE) for c in travels):
        return travels
    return [*travels, PromptCheck(Demand.SLOW, part=part)]


def _posture(demand: Demand) -> Callable[[Clause, int], list[PromptCheck]]:
    def read(clause: Clause, part: int) -> list[PromptCheck]:
        if clause.left or "up" in clause.after[:1]:  # "sits up" is no way down
            return []
        return [PromptCheck(demand, held="down" not in clause.after, part=part)]

    return read


def _lie(clause: Clause, part: int) -> list[PromptCheck]:
    lays_something = clause.verb.base == "lay" and (
        not clause.after or clause.after[0] not in ("down", "on", "flat", "back", *_FACES)
    )
    if lays_something or clause.left:
        return []
    named = [face for word, face in _FACES.items() if word in clause.words]
    held = "down" not in clause.after
    return [PromptCheck(Demand.LIE, named[0] if named else None, held=held, part=part)]


def _crouch(clause: Clause, part: int) -> list[PromptCheck]:
    if clause.left:
        return []
    way = "down" in clause.after or not (clause.noun or clause.form.endswith(("ing", "ed")))
    return [PromptCheck(Demand.CROUCH, held=not way, part=part)]


def _crawl(clause: Clause, part: int) -> list[PromptCheck]:
    return [PromptCheck(Demand.CRAWL, held=clause.verb.base == "onfours", part=part)]


def _reach(clause: Clause, part: int) -> list[PromptCheck]:
    if not (_GROUND | {"down"}) & set(clause.after):
        return []
    _, side = limb_side(clause)
    return [PromptCheck(Demand.REACH_DOWN, side=side, part=part)]


def _pick(clause: Clause, part: int) -> list[PromptCheck]:
    if not _GROUND & set(clause.after):
        return []
    _, side = limb_side(clause)
    return [PromptCheck(Demand.PICK_UP, side=side, part=part)]


def _raise(clause: Clause, part: int) -> list[PromptCheck]:
    limb, side = _object(clause)
    if limb is None:
        return []
    return [PromptCheck(Demand.RAISE, side=side, limb=limb, part=part)]


def _put(clause: Clause, part: int) -> list[PromptCheck]:
    return _raise(clause, part) if _UPWARD & set(clause.after) else []


def _lower(clause: Clause, part: int) -> list[PromptCheck]:
    limb, side = _object(clause)
    if limb is None:
        return []
    return [PromptCheck(Demand.LOWER, side=side, limb=limb, part=part)]


def _with_limb(demand: Demand, limb: Limb) -> Callable[[Clause, int], list[PromptCheck]]:
    def read(clause: Clause, part: int) -> list[PromptCheck]:
        named, side = limb_side(clause)
        if named is None:
            side = stated_side(clause.before) or (
                stated_side(clause.after[-1:]) if "with" in clause.after else None
            )
        elif named is not limb:
            side = None
        counted = demand in (Demand.PUNCH, Demand.KICK)
        times = _more_than_once(clause) if counted else None
        return [PromptCheck(demand, side=side, limb=limb, times=times, part=part)]

    return read


def _plainly(demand: Demand) -> Callable[[Clause, int], list[PromptCheck]]:
    return lambda clause, part: [PromptCheck(demand, part=part)]


_THROW: Final = _with_limb(Demand.THROW, Limb.HAND)
_READERS: Final[dict[str, Callable[[Clause, int], list[PromptCheck]]]] = {
    "travel": _travel,
    "run": _run,
    "move": _move,
    "sidestep": _sidestep,
    "retreat": _retreat,
    "circle": _circle,
    "turn": _turn,
    "spin": _spin,
    "stop": _stop,
    "upright": _plainly(Demand.UPRIGHT),
    "still": _plainly(Demand.STILL),
    "stand": _stand,
    "jump": _leave_floor,
    "hop": _leave_floor,
    "jacks": _jacks,
    "march": _march,
    "sneak": _sneak,
    "sit": _posture(Demand.SIT),
    "kneel": _posture(Demand.KNEEL),
    "lie": _lie,
    "fall": _plainly(Demand.FALL),
    "crouch": _crouch,
    "crawl": _crawl,
    "rise": _rise,
    "bow": _plainly(Demand.BOW),
    "reach": _reach,
    "pick": _pick,
    "raise": _raise,
    "lower": _lower,
    "put": _put,
    "wave": _with_limb(Demand.WAVE, Limb.HAND),
    "punch": _with_limb(Demand.PUNCH, Limb.HAND),
    "throw": _throw,
    "kick": _with_limb(Demand.KICK, Limb.LEG),
}


def _speed(tokens: Sequence[str], part: int) -> list[PromptCheck]:
    fast = any(t in words().fast for t in tokens)
    slow = any(t in words().slow for t in tokens)
    if fast == slow:
        return []
    return [PromptCheck(Demand.FAST if fast else Demand.SLOW, part=part)]


def _travel_side(tokens: Sequence[str]) -> Side | None:
    """The side of a travel or a turn: a side that is no limb's."""
    free = [
        t
        for at, t in enumerate(tokens)
        if not any(
            near in words().limbs or near in words().elsewhere for near in tokens[at + 1 : at + 2]
        )
    ]
    side = stated_side(free)
    return None if side is Side.BOTH else side


def _degrees(tokens: Sequence[str]) -> float | None:
    """The size of a turn in some words."""
    for at, token in enumerate(tokens):
        if token.isdigit() and tokens[at + 1 : at + 2] in (["degrees"], ["degree"]):
            return float(token)
    named = [words().turns[t] for t in tokens if t in words().turns and t != "around"]
    return named[0] if named else None


def _limbs(tokens: Sequence[str]) -> bool:
    return any(t in words().limbs for t in tokens)


def _is_of_a_limb(after: Sequence[str]) -> bool:
    """Whether a turn is one of the head, a hand: it stands before any direction."""
    w = words()
    for token in after[:3]:
        if token in w.elsewhere or token in w.limbs:
            return True
        if token in ("with", "to", "around"):
            return False
    return False


def _number_before(clause: Clause) -> int | None:
    return next((n for n in map(_number, clause.before) if n), None)


def _times(clause: Clause) -> int | None:
    """How often a clause asks for its verb; None where it does not say."""
    if number := _number_before(clause):
        return number
    for at, token in enumerate(clause.after):
        often = token in ("once", "twice", "thrice") or clause.after[at + 1 : at + 2] == ["times"]
        if often and _number(token):
            return _number(token)
    return None


def _more_than_once(clause: Clause) -> int | None:
    """How often, where it is more than once: who jumps once, jumps."""
    times = _times(clause)
    return times if times and times > 1 else None


def _number(token: str) -> int | None:
    return int(token) if token.isdigit() else words().numbers.get(token)

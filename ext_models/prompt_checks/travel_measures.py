"""Measures of where a body goes: travel, turns, circles, speed, stops."""

from __future__ import annotations

from typing import Final

import numpy as np

from motiongpt_blender.core.body.skeleton import Joint

from .checks import AROUND, Demand, Direction, PromptCheck, Side
from .scores import Measured, above, below, count, near
from .tracks import Array, BodyTracks

#: Metres; what is less is no travel.
_TRAVEL: Final = 0.4
#: Metres in a direction or to a side.
_LED: Final = 0.25
#: Least share of a path that leads in the direction asked for.
_SHARE: Final = 0.4
#: Degrees.
_TURN: Final = 25.0
_SOME: Final = 10.0
#: Degrees that a turn may be off, at least, and the share of it.
_OFF: Final = 40.0
_OFF_SHARE: Final = 0.35
_AROUND: Final = 120.0
_BEYOND: Final = 300.0
_CIRCLE: Final = 200.0
#: m/s of the pelvis.
_RUN: Final = 1.7
_FAST: Final = 1.25
_SLOW: Final = 1.0
_STOPPED: Final = 0.25
#: m/s of a body before it stops.
_MOVED: Final = 0.4
#: Metres from the first place.
_IN_PLACE: Final = 0.6
#: Metres of the pelvis of a standing body, and the share of the time in which it may be lower.
_STANDING: Final = 0.78
_MOSTLY: Final = 0.2
#: m/s of all joints on average.
_STILL: Final = 0.25
#: m/s of a foot over the floor in a step, and its length in metres.
_SWING: Final = 0.4
_STEP: Final = 0.12


def travel(check: PromptCheck, tracks: BodyTracks) -> Measured:
    """Metres in a direction of the body, or to a side of where it first faced."""
    path = max(tracks.path(), 1e-6)
    if check.direction is Direction.SIDEWAYS:
        sides = [1.0, -1.0] if check.side is None else [_sign(check.side)]
        own, least = max(_longest(sign * tracks.velocity[:, 0], tracks) for sign in sides), _LED
    elif check.direction is Direction.BACKWARD:
        own, least = _longest(-tracks.velocity[:, 1], tracks), _LED
    elif check.direction is Direction.FORWARD:
        own, least = _longest(tracks.velocity[:, 1], tracks), _LED
    elif check.side is not None:
        return _to_side(check.side, tracks)
    else:
        return Measured(above(path, _TRAVEL, 0.1), path, f"{path:.1f} m")
    share = own / path
    found = Measured(above(own, least, 0.1), own, f"{own:.1f} m")
    found = found.limited([above(share, _SHARE, 0.08)])
    if check.side is not None and check.direction is not Direction.SIDEWAYS:
        found = found.limited([_to_side(check.side, tracks).score])
    return found


def _to_side(side: Side, tracks: BodyTracks) -> Measured:
    """Metres to a side of the first heading."""
    x, z = tracks.place[-1] - tracks.place[0]
    angle = tracks.heading[0]
    left = float(np.cos(angle) * x - np.sin(angle) * z)
    own = _sign(side) * left
    return Measured(above(own, _LED, 0.08), own, f"{own:.1f} m")


def turn(check: PromptCheck, tracks: BodyTracks) -> Measured:
    """Degrees turned to the side asked for, or to either."""
    turned = tracks.turn()
    own = _to(check.side, turned)
    text = f"{abs(own):.0f} degrees" if own >= 0 else _other_way(check.side, own)
    if check.degrees is None:
        return Measured(above(own, _TURN, 8.0), own, text)
    if check.degrees == AROUND and check.side is None:
        found = Measured(above(own, _AROUND, 15.0), own, text)
        return found.limited([below(own, _BEYOND, 15.0)])
    tolerance = max(_OFF, _OFF_SHARE * check.degrees)
    found = Measured(near(own, check.degrees, tolerance), own, text)
    return found.limited([above(own, _SOME, 4.0)])


def circle(check: PromptCheck, tracks: BodyTracks) -> Measured:
    """Degrees of a circle that is walked, to the side asked for or to either."""
    own = _to(check.side, tracks.turn())
    text = f"{abs(own):.0f} degrees" if own >= 0 else _other_way(check.side, own)
    found = Measured(above(own, _CIRCLE, 25.0), own, text)
    return found.limited([above(tracks.path(), 2 * _TRAVEL, 0.2)])


def run(check: PromptCheck, tracks: BodyTracks) -> Measured:
    """Speed of the fastest half second, m/s."""
    del check
    speed = _fastest(tracks, 0.5)
    return Measured(above(speed, _RUN, 0.15), speed, f"{speed:.1f} m/s")


def fast(check: PromptCheck, tracks: BodyTracks) -> Measured:
    """Speed of the fastest second, m/s."""
    del check
    speed = _fastest(tracks, 1.0)
    return Measured(above(speed, _FAST, 0.12), speed, f"{speed:.1f} m/s")


def slow(check: PromptCheck, tracks: BodyTracks) -> Measured:
    """Speed of the fastest second, m/s, of a body that goes somewhere."""
    del check
    speed = _fastest(tracks, 1.0)
    found = Measured(below(speed, _SLOW, 0.1), speed, f"{speed:.1f} m/s")
    return found.limited([above(tracks.path(), _TRAVEL, 0.1)])


def steps(check: PromptCheck, tracks: BodyTracks) -> Measured:
    """Steps of both feet; one more or less counts nearly as well, as the last closes the feet."""
    made = sum(_swings(tracks, foot) for foot in (Joint.L_ANKLE, Joint.R_ANKLE))
    return Measured(count(made, check.times or 1, closing=1), made, f"{made}")


def in_place(check: PromptCheck, tracks: BodyTracks) -> Measured:
    """Metres from the first place, at most."""
    del check
    away = float(np.linalg.norm(tracks.place - tracks.place[0], axis=-1).max())
    return Measured(below(away, _IN_PLACE, 0.1), away, f"{away:.1f} m away")


def stand(check: PromptCheck, tracks: BodyTracks) -> Measured:
    """As staying in place, most of the time on straight legs."""
    low = float(np.quantile(tracks.height[:, Joint.PELVIS], _MOSTLY))
    return in_place(check, tracks).limited([above(low, _STANDING, 0.03)])


def still(check: PromptCheck, tracks: BodyTracks) -> Measured:
    """Mean speed of the joints, m/s, most of the time."""
    del check
    speed = float(np.median(tracks.world_speed.mean(axis=1)))
    return Measured(below(speed, _STILL, 0.04), speed, f"{speed:.2f} m/s")


def stop(check: PromptCheck, tracks: BodyTracks) -> Measured:
    """Speed at the end, m/s, of a body that moved before."""
    del check
    last = tracks.last(tracks.speed())
    found = Measured(below(last, _STOPPED, 0.06), last, f"{last:.1f} m/s")
    return found.limited([above(_fastest(tracks, 0.5), _MOVED, 0.1)])


TRAVELS: Final = {
    Demand.TRAVEL: travel,
    Demand.TURN: turn,
    Demand.CIRCLE: circle,
    Demand.RUN: run,
    Demand.FAST: fast,
    Demand.SLOW: slow,
    Demand.STEPS: steps,
    Demand.IN_PLACE: in_place,
    Demand.STAND: stand,
    Demand.STILL: still,
    Demand.STOP: stop,
}


def _to(side: Side | None, turned: float) -> float:
    if side is None:
        return abs(turned)
    return _sign(side) * turned


def _sign(side: Side) -> float:
    return -1.0 if side is Side.RIGHT else 1.0


def _longest(speed: Array, tracks: BodyTracks) -> float:
    """Metres that a speed (T,) leads from any moment to a later one, at most."""
    travels = np.cumsum(speed) / tracks.fps
    return float((travels - np.minimum.accumulate(travels)).max())


def _other_way(side: Side | None, own: float) -> str:
    other = Side.RIGHT if side is Side.LEFT else Side.LEFT
    return f"{abs(own):.0f} degrees to the {other.value}"


def _fastest(tracks: BodyTracks, seconds: float) -> float:
    return float(_means(tracks.speed(), round(seconds * tracks.fps)).max())


def _means(values: Array, frames: int) -> Array:
    """Means of all runs of so many frames; of the whole where it is shorter."""
    frames = min(max(1, frames), len(values))
    sums = np.concatenate([[0.0], np.cumsum(values)])
    return (sums[frames:] - sums[:-frames]) / frames


def _swings(tracks: BodyTracks, foot: int) -> int:
    """How often a foot swings: moves over the floor for the length of a step."""
    speed = tracks.world_speed[:, foot]
    edges = np.flatnonzero(np.diff(np.concatenate([[0], speed > _SWING, [0]]).astype(int)))
    lengths = [speed[a:b].sum() / tracks.fps for a, b in edges.reshape(-1, 2)]
    return sum(length > _STEP for length in lengths)

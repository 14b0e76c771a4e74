"""The way over the floor, bent so that it comes to where marked poses stand.

Between two marked poses the body turns with its way: every step goes on as it was in the
body's own frame, while the heading is turned a little more or less along the length that
has been walked, and the steps become a little longer or shorter. What no bend within
reason gives is dragged, evenly along the way, and told. Where nobody walks, or in an
instant, nothing is bent.
"""

from __future__ import annotations

from collections.abc import Callable, Generator, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Final

import numpy as np

from ..body.rotations import Array, about_y, rotate
from ..retargeting.part_rotations import smoothstep

#: The most that the way is turned in its middle beyond what its ends ask for, radians.
MOST_BEND: Final = 2.0
#: The most that steps become shorter or longer in the middle of a way, as a share of them.
STEPS: Final = (-0.7, 1.2)
#: Metres that are walked below which nothing, and above which everything, is bent.
WALKED: Final = (0.3, 1.0)
#: Seconds between two stops below which nothing, and above which everything, is bent: a body
#: does not walk round a bend in an instant.
TIME: Final = (1.0, 3.0)

#: Metres that are dragged rather than bending a way by a radian.
_DRAG_FOR_BEND: Final = 0.12
#: What a step of twice its length weighs beside a bend of one radian.
_STEP_WEIGHT: Final = 1.5
#: Bends to begin with: a way may have to go round on either side.
_BEGINNINGS: Final = (0.0, 1.2, -1.2)
_ROUNDS: Final = 25
_LEVEL: Final = np.array([1.0, 0.0, 1.0])


@dataclass(frozen=True)
class Waypoint:
    """What a marked pose asks of the way.

    Attributes:
        frame: index of its frame.
        angle: radians about the vertical by which the body is turned there.
        goal: (3,) where it stands; the height does not count.
    """

    frame: int
    angle: float
    goal: Array


@dataclass(frozen=True)
class RootPath:
    """A bent way.

    Attributes:
        places: (T, 3); heights as they were.
        yaw: (T,) radians by which the body is turned about the vertical.
        dragged: for each stop, how far (in the rig's unit) the way to it was dragged.
    """

    places: Array
    yaw: Array
    dragged: tuple[float, ...]


def bend_path_slices(
    places: Array, stops: Sequence[Waypoint], fps: float, scale: float = 1.0
) -> Generator[None, None, RootPath]:
    """The way through all stops; before the first and after the last it is only moved.

    In slices, one from each stop to the next.

    Args:
        places: (T, 3) the body's, y up.
        stops: at least one, by frame; angles unwrapped.
        fps: frames a second.
        scale: units of ``places`` in a metre of the model.
    """
    first, last = stops[0], stops[-1]
    moved, yaw = np.empty_like(places), np.empty(len(places))
    for stop, part in ((first, slice(0, first.frame + 1)), (last, slice(last.frame, None))):
        step = (places[part] - places[stop.frame]) * _LEVEL
        turn = np.broadcast_to(about_y(np.array(stop.angle)), (len(step), 4))
        moved[part], yaw[part] = stop.goal + rotate(turn, step), stop.angle
    dragged = [0.0]
    for one, other in pairwise(stops):
        part = slice(one.frame, other.frame + 1)
        bent, turned, rest = _between(places[part] * _LEVEL, one, other, fps, scale)
        moved[part], yaw[part] = bent, turned
        dragged.append(rest)
        yield
    moved = moved * _LEVEL + places * (1 - _LEVEL)
    return RootPath(moved, yaw, tuple(dragged))


def _between(
    places: Array, one: Waypoint, other: Waypoint, fps: float, scale: float
) -> tuple[Array, Array, float]:
    """Places (N, 3), turns (N,) and the drag between two stops, both included."""
    steps = np.diff(places, axis=0)
    lengths = np.linalg.norm(steps, axis=-1)
    walked = np.concatenate([[0.0], np.cumsum(lengths + 0.25 * lengths.mean() + 1e-9)])
    at = walked / walked[-1]
    leg = _Leg(steps, at, (one.angle, other.angle))
    asked = (other.goal - one.goal) * _LEVEL
    share = _within(lengths.sum() / scale, WALKED) * _within(len(steps) / fps, TIME)
    change = share * leg.best(asked, _DRAG_FOR_BEND * scale) if share > 0 else np.zeros(3)
    way = leg.walk(change)
    rest = asked - way[-1]
    bent = one.goal + way + smoothstep(at)[:, None] * rest
    bent[-1] = other.goal
    return bent, leg.turn(at, change), float(np.linalg.norm(rest))


def _within(value: float, limits: tuple[float, float]) -> float:
    """0 below the limits, 1 above, smooth in between."""
    return float(smoothstep(np.array((value - limits[0]) / (limits[1] - limits[0]))))


@dataclass(frozen=True)
class _Leg:
    """The way between two stops.

    Attributes:
        steps: (N - 1, 3) from frame to frame, on the floor.
        at: (N,) the share of the way that is walked, 0 to 1.
        angles: turns at both ends, radians.
    """

    steps: Array
    at: Array
    angles: tuple[float, float]

    def turn(self, at: Array, change: Array) -> Array:
        """Turns at shares of the way: from one end's to the other's, bent in between.

        ``change`` holds a bend to one side, one to the one side and then the other, and the
        share by which steps grow; all begin and end at nothing, smoothly.
        """
        begin, end = self.angles
        eased = begin + (end - begin) * smoothstep(at)
        return eased + _hill(at) * (change[0] + change[1] * np.cos(np.pi * at))

    def walk(self, change: Array) -> Array:
        """Places (N, 3) from where it begins."""
        middle = 0.5 * (self.at[1:] + self.at[:-1])
        grown = 1 + change[2] * _hill(middle)
        steps = rotate(about_y(self.turn(middle, change)), self.steps) * grown[:, None]
        return np.concatenate([np.zeros((1, 3)), np.cumsum(steps, axis=0)])

    def best(self, asked: Array, unit: float) -> Array:
        """The change (3,) that comes nearest to an end (3,) without bending too much."""
        weights = np.array([1.0, 1.0, _STEP_WEIGHT])
        low = np.array([-MOST_BEND, -MOST_BEND, STEPS[0]])
        high = np.array([MOST_BEND, MOST_BEND, STEPS[1]])

        # Places on the floor as complex numbers: forwards, and to the left times i.
        middle = 0.5 * (self.at[1:] + self.at[:-1])
        hill, wave = _hill(middle), np.cos(np.pi * middle)
        eased = self.angles[0] + (self.angles[1] - self.angles[0]) * smoothstep(middle)
        steps = (self.steps[:, 2] + 1j * self.steps[:, 0]) * np.exp(1j * eased)
        goal = asked[2] + 1j * asked[0]

        def faults(change: Array) -> tuple[Array, Array]:
            turned = steps * np.exp(1j * hill * (change[0] + change[1] * wave))
            grown = turned * (1 + change[2] * hill)
            off = complex(grown.sum() - goal) / unit
            slope = np.array([1j * (grown @ hill), 1j * (grown @ (hill * wave)), turned @ hill])
            return (
                np.array([off.imag, off.real, *(weights * change)]),
                np.array([slope.imag / unit, slope.real / unit, *np.diag(weights)]),
            )

        tried = [_least(faults, np.array([b, 0.0, 0.0]), low, high) for b in _BEGINNINGS]
        sizes = [float(np.sum(faults(change)[0] ** 2)) for change in tried]
        return tried[int(np.argmin(sizes))]


def _hill(at: Array) -> Array:
    """0 at 0 and at 1, with slope and curvature 0 as well, so that no seam shows; 1 half way."""
    return smoothstep(2 * at) * smoothstep(2 * (1 - at))


def _least(
    faults: Callable[[Array], tuple[Array, Array]], start: Array, low: Array, high: Array
) -> Array:
    """The numbers with the least squares of faults near a start, by damped Gauss-Newton.

    Args:
        faults: of (N,) numbers the faults (M,) and their slopes (M, N).
        start: (N,) to begin with.
        low: (N,) the least that each may be.
        high: (N,) the most.
    """
    now, damping = start, 1e-3
    here, slopes = faults(now)
    for _ in range(_ROUNDS):
        matrix = slopes.T @ slopes + damping * np.eye(len(now))
        then = np.clip(now - np.linalg.solve(matrix, slopes.T @ here), low, high)
        there, steeper = faults(then)
        if there @ there < here @ here:
            moved = float(np.abs(then - now).max())
            now, here, slopes, damping = then, there, steeper, 0.3 * damping
            if moved < 1e-6:
                break
        else:
            damping = 10 * damping
    return now

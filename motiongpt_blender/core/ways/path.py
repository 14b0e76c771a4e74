"""A way as a path by its length: places, courses, and the effort of its bends.

Places are (..., 2) metres, x and z. A course is radians, 0 along +z and growing to the left (+x),
as headings are.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final, TypeAlias

import numpy as np
from numpy.typing import NDArray

from ..body.rotations import Array
from ..body.smoothing import gaussian_smooth
from .way import Way

#: Metres from one stored place to the next.
STEP: Final = 0.02
#: Metres over which a corner of a drawn way is rounded, and by how much at most.
ROUNDING, MOST_ROUNDED = 0.10, 0.022
#: Metres over which the effort of a bend is spread.
EFFORT_SPREAD: Final = 0.15
#: Radians a second that a body turns at most without going slower.
TURN_RATE: Final = 3.0
#: Points from one waypoint to the next.
_FINE: Final = 64

Indices: TypeAlias = NDArray[np.intp]


@dataclass(frozen=True)
class WayPath:
    """A way by its length.

    Attributes:
        places: (N, 2), ``STEP`` or a little less apart.
        courses: (N,) radians, unwrapped.
        efforts: (N,) metres of a straight way that take as long as the way so far.
        at: (K,) metres of the way at each of its points.
        step: metres from place to place.
    """

    places: Array
    courses: Array
    efforts: Array
    at: Array
    step: float

    @property
    def metres(self) -> float:
        """Its length."""
        return self.step * (len(self.places) - 1)

    @property
    def effort(self) -> float:
        """Metres of a straight way that take as long as all of it."""
        return float(self.efforts[-1])

    def place(self, metres: Array) -> Array:
        """Places (..., 2) at lengths (...); before and behind the way goes straight on."""
        return places_between(metres, self._lengths, self.places) + self._beyond(metres)

    def course(self, metres: Array) -> Array:
        """Courses (...) at lengths (...)."""
        return np.interp(metres, self._lengths, self.courses)

    def effort_at(self, metres: Array) -> Array:
        """Efforts (...) of lengths (...)."""
        return np.interp(metres, self._lengths, self.efforts)

    def length_of(self, effort: Array) -> Array:
        """Lengths (...) at efforts (...)."""
        return np.interp(effort, self.efforts, self._lengths)

    def nearest(self, place: Array) -> tuple[float, float]:
        """Length of the way at the place nearest to a place (2,), and the distance to it."""
        apart = np.linalg.norm(self.places - place, axis=-1)
        k = int(apart.argmin())
        return k * self.step, float(apart[k])

    @property
    def _lengths(self) -> Array:
        return self.step * np.arange(len(self.places))

    def _beyond(self, metres: Array) -> Array:
        over = np.minimum(metres, 0.0) + np.maximum(metres - self.metres, 0.0)
        return over[..., None] * direction(self.course(metres))


def direction(course: Array) -> Array:
    """Unit vectors (..., 2) along courses (...)."""
    return np.stack([np.sin(course), np.cos(course)], axis=-1)


def course_of(step: Array) -> Array:
    """Courses (...) of vectors (..., 2)."""
    return np.arctan2(step[..., 0], step[..., 1])


def path_of(way: Way, speed: float) -> WayPath:
    """The path of a checked way, for a body of a speed in m/s."""
    points = np.array([[p.x, p.z] for p in way.points], dtype=np.float64)
    line, corners = (points, np.arange(len(points))) if way.drawn else _rounded(points)
    line, corners = _without_repeats(line, corners)
    walked = np.concatenate([[0.0], np.cumsum(np.linalg.norm(np.diff(line, axis=0), axis=-1))])
    whole = float(walked[-1])
    lengths: Array = np.linspace(0.0, whole, max(int(np.ceil(whole / STEP)) + 1, 3))
    places = places_between(lengths, walked, line)
    step = float(lengths[1])
    if way.drawn:
        places = _corners_cut(places, step)
    courses = np.unwrap(course_of(np.gradient(places, axis=0)))
    bend = np.abs(np.gradient(courses)) / step
    cost = odd_smooth(np.maximum(1.0, bend * speed / TURN_RATE), EFFORT_SPREAD / step)
    efforts = np.concatenate([[0.0], np.cumsum(0.5 * (cost[1:] + cost[:-1]) * step)])
    return WayPath(places, courses, efforts, walked[corners], step)


def odd_smooth(values: Array, sigma: float) -> Array:
    """Values (T, ...) smoothed along time; straight lines stay, and so do both ends."""
    reach = int(min(np.ceil(3 * sigma), len(values) - 1))
    if reach < 1:
        return values
    before = 2 * values[:1] - values[reach:0:-1]
    behind = 2 * values[-1:] - values[-2 : -reach - 2 : -1]
    padded = np.concatenate([before, values, behind])
    return gaussian_smooth(padded, sigma)[reach : reach + len(values)]


def _corners_cut(places: Array, step: float) -> Array:
    """Places (N, 2) whose corners are rounded by at most ``MOST_ROUNDED``."""
    away = odd_smooth(places, ROUNDING / step) - places
    length = np.linalg.norm(away, axis=-1, keepdims=True)
    share = np.tanh(length / MOST_ROUNDED) * MOST_ROUNDED / np.maximum(length, 1e-9)
    return places + share * away


def _rounded(points: Array) -> tuple[Array, Indices]:
    """A smooth line through points (K, 2), and the indices of the points in it.

    A centripetal Catmull-Rom spline, which makes no loops.
    """
    if len(points) == 2:
        return points, np.array([0, 1])
    ends = [2 * points[0] - points[1], *points, 2 * points[-1] - points[-2]]
    padded = np.stack(ends)
    knots = np.sqrt(np.maximum(np.linalg.norm(np.diff(padded, axis=0), axis=-1), 1e-6))
    line: list[Array] = []
    for k in range(1, len(padded) - 2):
        a, b, c = knots[k - 1 : k + 2]
        here, there = padded[k], padded[k + 1]
        slope = b * ((here - padded[k - 1]) / a - (there - padded[k - 1]) / (a + b)) + there - here
        slope_there = (
            b * ((padded[k + 2] - there) / c - (padded[k + 2] - here) / (b + c)) + there - here
        )
        t = np.arange(_FINE)[:, None] / _FINE
        line.append(
            (2 * t**3 - 3 * t**2 + 1) * here
            + (t**3 - 2 * t**2 + t) * slope
            + (3 * t**2 - 2 * t**3) * there
            + (t**3 - t**2) * slope_there
        )
    return np.concatenate([*line, points[-1:]]), _FINE * np.arange(len(points))


def _without_repeats(line: Array, corners: Indices) -> tuple[Array, Indices]:
    """A line (N, 2) without points that repeat the one before, and indices in what is left."""
    new = np.concatenate([[True], np.linalg.norm(np.diff(line, axis=0), axis=-1) > 1e-9])
    return line[new], (np.cumsum(new) - 1)[corners]


def places_between(at: Array, x: Array | Indices, y: Array) -> Array:
    """Places (..., 2) at ``at`` (...) between those y (N, 2) at x (N,)."""
    first, second = (np.interp(at, x, y[:, k]) for k in (0, 1))
    return np.stack([first, second], axis=-1)

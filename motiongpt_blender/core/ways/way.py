"""A way over the floor that a motion follows, and which ways are refused. Standard library only."""

from __future__ import annotations

import math
import typing
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from itertools import pairwise
from typing import Any, Final

from ..translation import tr

#: Metres of the shortest and of the longest way, and between two waypoints.
SHORTEST: Final = 0.3
LONGEST: Final = 200.0
APART: Final = 0.05
#: Most points of a way; what has more is sampled more coarsely.
MOST_POINTS: Final = 4000
#: Seconds of the longest motion along a way, which is made piece by piece.
MOST_SECONDS: Final = 60.0
#: m/s that nobody runs.
FASTEST: Final = 9.0


class WayError(ValueError):
    """A way that cannot be followed; the message is one sentence for the user."""


@dataclass(frozen=True)
class Waypoint:
    """A place on the floor.

    Attributes:
        x: metres to the left of the character's origin.
        z: metres ahead of it.
        facing: radians that the body faces there, 0 ahead and growing to the left; None: its way.
        seconds: when it is there, after the motion's first frame; None: when it comes by.
    """

    x: float
    z: float
    facing: float | None = None
    seconds: float | None = None

    def to_dict(self) -> dict[str, Any]:
        """Its fields as plain values."""
        return asdict(self)

    @classmethod
    def from_dict(cls, values: dict[str, Any]) -> Waypoint:
        """The waypoint of such values; raises WayError for others."""
        known = {"x", "z", "facing", "seconds"}
        numbers = all(
            value is None or (type(value) in (int, float) and math.isfinite(value))
            for value in values.values()
        )
        if not set(values) <= known or not numbers or None in (values.get("x"), values.get("z")):
            raise WayError(
                tr("A waypoint has the numbers x and z, and may have facing and seconds.")
            )
        return cls(**values)


@dataclass(frozen=True)
class Way:
    """A way over the floor.

    Attributes:
        points: in their order, two at least.
        drawn: whether the points lie on a line that is followed itself, within 5 cm. Otherwise
            they are waypoints, met within 2 cm, and the way is rounded between them.
    """

    points: tuple[Waypoint, ...]
    drawn: bool = False

    def to_dict(self) -> dict[str, Any]:
        """Its fields as plain values."""
        return {"points": [point.to_dict() for point in self.points], "drawn": self.drawn}

    @classmethod
    def from_dict(cls, values: dict[str, Any]) -> Way:
        """The way of such values; raises WayError for others."""
        points, drawn = values.get("points"), values.get("drawn", False)
        if not set(values) <= {"points", "drawn"} or type(drawn) is not bool:
            raise WayError(tr("A way has the field points, and may have the field drawn."))
        if not isinstance(points, list | tuple):
            raise WayError(tr("The points of a way are a list of waypoints."))
        found = typing.cast("Sequence[Any]", points)
        if not all(isinstance(point, dict) for point in found):
            raise WayError(tr("The points of a way are a list of waypoints."))
        return cls(tuple(Waypoint.from_dict(point) for point in found), drawn)

    @property
    def metres(self) -> float:
        """Its length from point to point."""
        return sum(_apart(a, b) for a, b in pairwise(self.points))

    @property
    def last_seconds(self) -> float | None:
        """When its last point is due, or None."""
        return self.points[-1].seconds if self.points else None


def check_way(way: Way, seconds: float | None = None) -> None:
    """Raise WayError for a way that nobody can follow in a motion of so many seconds."""
    if any(not math.isfinite(v) for p in way.points for v in p.to_dict().values() if v is not None):
        raise WayError(tr("A point of the way is not at a finite place: set it again."))
    if len(way.points) > MOST_POINTS:
        raise WayError(
            tr(
                "The way has {count} points, and {most} are read: draw it with fewer.",
                count=len(way.points),
                most=MOST_POINTS,
            )
        )
    if len(way.points) < 2:
        raise WayError(
            tr("The curve has one point: draw a way from one place to another.")
            if way.drawn
            else tr("A way has two waypoints or more: add one.")
        )
    if way.metres < SHORTEST:
        raise WayError(
            tr(
                "The way is {metres:.2f} m long: draw one of {shortest:g} m or more, or leave it "
                "away.",
                metres=way.metres,
                shortest=SHORTEST,
            )
        )
    if way.metres > LONGEST:
        raise WayError(
            tr(
                "The way is {metres:.0f} m long, and {longest:.0f} m are followed at most: draw a "
                "shorter one.",
                metres=way.metres,
                longest=LONGEST,
            )
        )
    if not way.drawn:
        _check_apart(way.points)
    _check_times(way.points, seconds)


def _check_apart(points: Sequence[Waypoint]) -> None:
    for number, (one, other) in enumerate(pairwise(points), 1):
        if _apart(one, other) < APART:
            raise WayError(
                tr(
                    "The waypoints {one} and {other} are at the same place: move or remove one "
                    "of them.",
                    one=number,
                    other=number + 1,
                )
            )


def _check_times(points: Sequence[Waypoint], seconds: float | None) -> None:
    """Raise WayError for times that contradict each other, the length or every gait."""
    before: tuple[int, float] | None = None
    metres, since = 0.0, 0.0
    for number, point in enumerate(points, 1):
        if number > 1:
            metres += _apart(points[number - 2], point)
        if point.seconds is None:
            continue
        if point.seconds < 0 or (seconds is not None and point.seconds > seconds + 1e-3):
            raise WayError(
                tr(
                    "The waypoint {number} is due at {when:.2f} s, outside the motion: change its "
                    "time, or the length.",
                    number=number,
                    when=point.seconds,
                )
            )
        first, start = before or (1, 0.0)
        taken = point.seconds - start
        if (before is not None or number > 1) and taken <= 0:
            raise WayError(
                tr(
                    "The waypoint {number} is due at {when:.2f} s, and the one before it, {first}, "
                    "at {start:.2f} s: give the later one a later time.",
                    number=number,
                    when=point.seconds,
                    first=first,
                    start=start,
                )
            )
        if taken > 0 and (metres - since) / taken > FASTEST:
            raise WayError(
                tr(
                    "From waypoint {first} to {number} it is {metres:.1f} m in {taken:.1f} s, and "
                    "nobody moves at {speed:.0f} m/s: give it more time.",
                    first=first,
                    number=number,
                    metres=metres - since,
                    taken=taken,
                    speed=(metres - since) / taken,
                )
            )
        before, since = (number, point.seconds), metres


def _apart(one: Waypoint, other: Waypoint) -> float:
    return math.hypot(other.x - one.x, other.z - one.z)

"""Flights: the times in which no foot touches the floor and the pelvis follows a parabola."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np

from motiongpt_blender.core.body.skeleton import Joint

from .scores import above, below
from .tracks import Array, BodyTracks

#: Metres of the lower toe, from which no foot touches the floor.
_OFF_FLOOR: Final = 0.04
#: Metres by which a foot is the lower one.
_LOWER: Final = 0.04
#: m/s^2 that the pelvis falls with in a flight: about 10, less or more where a body bends.
_LEAST_FALL: Final = 4.0
_MOST_FALL: Final = 15.0
#: Frames from which a parabola can be told.
_FRAMES: Final = 4


@dataclass(frozen=True)
class Flight:
    """One flight.

    Attributes:
        start, stop: its frames, without ``stop``.
        seconds: how long no foot touches the floor.
        clearance: metres of the lower toe, most.
        fall: m/s^2 that the pelvis is accelerated down with.
        same_feet: whether it ends on the foot, or the feet, that it began with.
    """

    start: int
    stop: int
    seconds: float
    clearance: float
    fall: float
    same_feet: bool

    def score(self, clearance: float, seconds: float) -> float:
        """Score of a flight so high and so long, with the fall of a body in the air."""
        return min(
            above(self.clearance, clearance, clearance / 5),
            above(self.seconds, seconds, 0.03),
            above(self.fall, _LEAST_FALL, 0.6),
            below(self.fall, _MOST_FALL, 1.0),
        )


def flights(tracks: BodyTracks, off_floor: float = _OFF_FLOOR) -> list[Flight]:
    """The flights of a motion, in their order; those that are under way at its ends included.

    Args:
        tracks: of the motion.
        off_floor: metres of the lower toe from which no foot touches the floor.
    """
    toes = tracks.toes()
    up = np.concatenate([[0], toes > off_floor, [0]]).astype(int)
    spans = np.flatnonzero(np.diff(up)).reshape(-1, 2)
    return [_flight(tracks, toes, int(a), int(b)) for a, b in spans]


def _flight(tracks: BodyTracks, toes: Array, start: int, stop: int) -> Flight:
    before, after = max(start - 1, 0), min(stop + 1, len(toes))
    pelvis = tracks.height[before:after, Joint.PELVIS]
    seconds = np.arange(len(pelvis)) / tracks.fps
    known = len(pelvis) >= _FRAMES
    fall = -2 * float(np.polyfit(seconds, pelvis, 2)[0]) if known else 0.0
    lower = tracks.height[:, Joint.L_FOOT] - tracks.height[:, Joint.R_FOOT]
    left, landed = lower[before], lower[after - 1]
    changed = left * landed < 0 and min(abs(left), abs(landed)) > _LOWER
    return Flight(
        start=start,
        stop=stop,
        seconds=(stop - start) / tracks.fps,
        clearance=float(toes[start:stop].max()),
        fall=fall,
        same_feet=not changed,
    )

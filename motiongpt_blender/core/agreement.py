"""Whether marked poses can follow each other: turns and ways that nobody manages in the time."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise
from typing import Final

import numpy as np

from .motion import heading
from .plan import PlanError
from .poses import MarkedPose
from .windows import frame_text

#: Degrees a second about the vertical: twice what a figure skater turns.
MOST_TURN: Final = 3000.0
#: Degrees of turn below which two poses are never said to contradict each other.
LEAST_TURN: Final = 90.0
#: Metres a second that a sprinter runs.
MOST_SPEED: Final = 9.0


def check_agreement(marked: Sequence[MarkedPose], scene_fps: float) -> None:
    """Raise PlanError for two neighbouring poses that contradict each other."""
    for one, other, seconds in _pairs(marked, scene_fps):
        turn = float(np.degrees(abs(_turn(one, other))))
        if turn > LEAST_TURN and turn > MOST_TURN * seconds:
            raise PlanError(
                f"The poses at frames {frame_text(one.frame)} and {frame_text(other.frame)} face "
                f"{turn:.0f}° apart and leave {seconds:.2f} s for the turn: move one of them in "
                "time, or turn it."
            )


def haste_notes(marked: Sequence[MarkedPose], scene_fps: float) -> list[str]:
    """A sentence for each way between two poses that is longer than anyone runs in the time."""
    notes: list[str] = []
    for one, other, seconds in _pairs(marked, scene_fps):
        way = float(np.linalg.norm((other.joints[0] - one.joints[0])[[0, 2]]))
        if way > 0.5 and way > MOST_SPEED * seconds:
            notes.append(
                f"From frame {frame_text(one.frame)} to {frame_text(other.frame)} the poses ask "
                f"for {way:.1f} m in {seconds:.2f} s, faster than anyone runs: the take gets "
                "there, but its feet slide; give it more time."
            )
    return notes


def _pairs(
    marked: Sequence[MarkedPose], scene_fps: float
) -> list[tuple[MarkedPose, MarkedPose, float]]:
    """Neighbours in time, and the seconds between them."""
    order = sorted(marked, key=lambda pose: pose.frame)
    return [(a, b, (b.frame - a.frame) / scene_fps) for a, b in pairwise(order)]


def _turn(one: MarkedPose, other: MarkedPose) -> float:
    """Radians from one pose's heading to the other's, -pi to pi."""
    turn = float(heading(other.joints) - heading(one.joints))
    return (turn + np.pi) % (2 * np.pi) - np.pi

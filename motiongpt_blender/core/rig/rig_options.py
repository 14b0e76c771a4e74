"""What the animator chooses about how a motion is put on a rig."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import Final

#: Seconds around a marked pose within which what was away from it is spent, if not said otherwise.
REACH: Final = 0.8


class RootTarget(StrEnum):
    """What carries the motion's way over the floor."""

    HIPS = "HIPS"
    BONE = "BONE"
    OBJECT = "OBJECT"


@dataclass(frozen=True)
class RigOptions:
    """How a take is written.

    Attributes:
        root: what moves over the floor; the hips keep the rest.
        in_place: nothing moves over the floor; the way is kept as a curve.
        pin_feet: feet stand where the motion's feet do, at the cost of its directions.
        pin_hands: hands come to where the motion's hands do.
        ik_controls: IK controls and poles are written as well, and switched to.
        plant_feet: feet that stand neither slide nor dip.
        floor: height of the floor over the rig's own, in the rig's unit.
        sparse: few keys with Bézier handles instead of one a frame.
        degrees: how far few keys may be from all, in direction, at head, hands and feet.
        millimetres: and in place, for a person of usual size.
        reach: seconds around a marked pose within which what was away from it is spent.
    """

    root: RootTarget = RootTarget.HIPS
    in_place: bool = False
    pin_feet: bool = False
    pin_hands: bool = False
    ik_controls: bool = False
    lock_feet: bool = False
    floor: float = 0.0
    sparse: bool = False
    degrees: float = 1.0
    millimetres: float = 5.0
    reach: float = REACH

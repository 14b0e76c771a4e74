"""What the animator chooses about how a motion is put on a rig."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


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
    """

    root: RootTarget = RootTarget.HIPS
    in_place: bool = False
    pin_feet: bool = False
    pin_hands: bool = False
    ik_controls: bool = False

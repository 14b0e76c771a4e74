"""The animator's choices for putting a motion on a rig."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import Final

#: Default seconds around a marked pose within which its residual fades.
REACH: Final = 0.8


class RootTarget(StrEnum):
    """What the motion over the floor is keyed on."""

    HIPS = "HIPS"
    BONE = "BONE"
    OBJECT = "OBJECT"


@dataclass(frozen=True)
class RigOptions:
    """How a take is written.

    Attributes:
        root: what moves over the floor; the hips keep what remains.
        in_place: nothing moves over the floor; the root motion is kept as a custom property.
        pin_feet: feet reach the motion's foot positions, so that leg directions differ.
        pin_hands: hands reach the motion's hand positions.
        ik_controls: IK controls and poles are keyed as well, and switched to.
        lock_feet: toes in contact with the floor keep one place, on the floor.
        floor: height of the floor over the rest pose's, in the rig's unit; 0: as the poses tell.
        sparse: few keys with Bézier handles instead of one a frame.
        degrees: largest error of sparse keys in rotation, at head, hands and feet.
        millimetres: largest error of sparse keys in position, for a person of usual size.
        reach: seconds around a marked pose within which its residual fades.
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

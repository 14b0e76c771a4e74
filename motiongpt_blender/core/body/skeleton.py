"""The 22-joint SMPL skeleton that every motion here is expressed in."""

from __future__ import annotations

from enum import IntEnum
from typing import Final


class Joint(IntEnum):
    """SMPL joints, in the order of the second axis of every motion array."""

    PELVIS = 0
    L_HIP = 1
    R_HIP = 2
    SPINE1 = 3
    L_KNEE = 4
    R_KNEE = 5
    SPINE2 = 6
    L_ANKLE = 7
    R_ANKLE = 8
    SPINE3 = 9
    L_FOOT = 10
    R_FOOT = 11
    NECK = 12
    L_COLLAR = 13
    R_COLLAR = 14
    HEAD = 15
    L_SHOULDER = 16
    R_SHOULDER = 17
    L_ELBOW = 18
    R_ELBOW = 19
    L_WRIST = 20
    R_WRIST = 21


JOINT_COUNT: Final = len(Joint)

#: Prefixes of the joints of the left and the right side.
SIDES: Final = ("L", "R")

#: Parent of each joint; the pelvis has none (-1).
PARENTS: Final[tuple[int, ...]] = (
    -1, 0, 0, 0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 9, 9, 12, 13, 14, 16, 17, 18, 19,
)  # fmt: skip

#: The same joint on the other side of the body; middle joints map to themselves.
MIRRORED: Final[tuple[int, ...]] = (
    0, 2, 1, 3, 5, 4, 6, 8, 7, 9, 11, 10, 12, 14, 13, 15, 17, 16, 19, 18, 21, 20,
)  # fmt: skip

#: Kinematic chains from the root outwards: right leg, left leg, spine, right arm, left arm.
CHAINS: Final[tuple[tuple[int, ...], ...]] = (
    (0, 2, 5, 8, 11),
    (0, 1, 4, 7, 10),
    (0, 3, 6, 9, 12, 15),
    (9, 14, 17, 19, 21),
    (9, 13, 16, 18, 20),
)


def of_side(side: str, *names: str) -> tuple[Joint, ...]:
    """The joints of one side (``"L"`` or ``"R"``), by their names without it."""
    return tuple(Joint[f"{side}_{name}"] for name in names)


def joint_name(joint: int) -> str:
    """Lower-case name of a joint, as data files and messages write it (``l_knee``)."""
    return Joint(joint).name.lower()

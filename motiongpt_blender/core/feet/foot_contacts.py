"""When a foot stands on the floor, read from a motion's joints before they reach a rig.

A toe is down from when it is low and slow until it is clearly high or fast: two pairs of
limits, so that noise near one of them cannot make a foot flicker.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from ..body.rotations import Array
from ..body.skeleton import SIDES, Joint
from ..retargeting.part_rotations import gaussian_smooth

#: Metres over the floor and metres a second below which a toe comes down ...
DOWN_HEIGHT: Final = 0.05
DOWN_SPEED: Final = 0.30
#: ... and those above which it has left.
UP_HEIGHT: Final = 0.08
UP_SPEED: Final = 0.50
#: The same for a heel, whose height counts from where it is when it stands.
HEEL_HEIGHT: Final = 0.03
HEEL_SPEED: Final = 0.40
#: Metres over the usual height of its stand at which a toe is not down yet, or not any more.
SETTLED: Final = 0.02
#: Seconds over which speeds are smoothed, shortest stand, and gap that is no step.
SMOOTHING: Final = 0.04
SHORTEST: Final = 0.09
GAP: Final = 0.06
#: Metres that a foot may slide while it is still meant to stand.
MOST_SLIDE: Final = 0.30
#: Metres by which the floor of a motion may be off.
MOST_OFF: Final = 0.05

Mask = NDArray[np.bool_]


@dataclass(frozen=True)
class Contact:
    """A foot on the floor.

    Attributes:
        first: index of the first frame with the toe down.
        last: index of the last.
        heel: index of the first frame with the heel down, at most ``first``.
    """

    first: int
    last: int
    heel: int

    def __len__(self) -> int:
        return self.last - self.first + 1


@dataclass(frozen=True)
class FootContacts:
    """All stands of both feet, in time.

    Attributes:
        left: stands of the left foot.
        right: stands of the right foot.
    """

    left: tuple[Contact, ...]
    right: tuple[Contact, ...]

    def of(self, side: str) -> tuple[Contact, ...]:
        """The stands of side "L" or "R"."""
        return self.left if side == "L" else self.right

    def mask(self, side: str, count: int) -> Array:
        """(T,) of 1 where that toe is down, else 0."""
        out = np.zeros(count)
        for stand in self.of(side):
            out[stand.first : stand.last + 1] = 1
        return out


#: Feet that never stand, or are not asked about.
NO_CONTACTS: Final = FootContacts((), ())


def find_foot_contacts(joints: Array, fps: float) -> FootContacts:
    """When each foot stands.

    Args:
        joints: (T, 22, 3) metres, y up, the floor near 0.
        fps: frames a second.
    """
    if len(joints) < 2:
        return NO_CONTACTS
    floor = _floor(joints)
    left, right = (_stands(joints, side, floor, fps) for side in SIDES)
    return FootContacts(left, right)


def leaves_floor(joints: Array, side: str, fps: float) -> bool:
    """Whether a foot leaves the floor at any time, of a motion as for ``find_foot_contacts``."""
    toe = joints[:, Joint[f"{side}_FOOT"]]
    height, speed = _height_and_speed(toe, _floor(joints), fps)
    return bool(((height > UP_HEIGHT) | (speed > UP_SPEED)).any())


def _height_and_speed(toe: Array, floor: float, fps: float) -> tuple[Array, Array]:
    """Heights (T,) over the floor and speeds (T,) a second of a toe (T, 3), smoothed."""
    smooth = gaussian_smooth(toe, SMOOTHING * fps)
    return smooth[:, 1] - floor, _speed(smooth, fps)


def _floor(joints: Array) -> float:
    """Height of a motion's floor: its lowest toes', where that is near 0."""
    lowest = np.minimum(joints[:, Joint.L_FOOT, 1], joints[:, Joint.R_FOOT, 1])
    return float(np.clip(np.percentile(lowest, 10), -MOST_OFF, MOST_OFF))


def _stands(joints: Array, side: str, floor: float, fps: float) -> tuple[Contact, ...]:
    toe, ankle = joints[:, Joint[f"{side}_FOOT"]], joints[:, Joint[f"{side}_ANKLE"]]
    height, speed = _height_and_speed(toe, floor, fps)
    down = (height < DOWN_HEIGHT) & (speed < DOWN_SPEED)
    up = (height > UP_HEIGHT) | (speed > UP_SPEED)
    mask = _without_gaps(hysteresis(down, up), GAP * fps)
    heels = _heel_down(ankle, mask, fps)
    out: list[Contact] = []
    for first, last in runs(mask):
        for begin, end in _unslid(toe, speed, first, last):
            a, b = _settled(height, begin, end)
            if b - a + 1 < SHORTEST * fps:
                continue
            earliest = out[-1].last + 1 if out else 0
            heel = a
            while heel > earliest and heels[heel - 1]:
                heel -= 1
            out.append(Contact(a, b, heel))
    return tuple(out)


def _settled(height: Array, first: int, last: int) -> tuple[int, int]:
    """A run without the frames at its ends in which the toe still comes down or leaves.

    A foot that lands on its heel, or rolls off, keeps that; its toe is not pulled to the floor.
    """
    most = float(np.median(height[first : last + 1])) + SETTLED
    while first < last and height[first] > most:
        first += 1
    while last > first and height[last] > most:
        last -= 1
    return first, last


def _heel_down(ankle: Array, toes: Mask, fps: float) -> Mask:
    """(T,) whether the heel stands: as low as while the toe stands, and slow."""
    smooth = gaussian_smooth(ankle, SMOOTHING * fps)
    stands = smooth[toes, 1] if toes.any() else smooth[:, 1]
    low = smooth[:, 1] < np.percentile(stands, 20) + HEEL_HEIGHT
    return low & (_speed(smooth, fps) < HEEL_SPEED)


def _speed(places: Array, fps: float) -> Array:
    """Speeds (T,) a second along places (T, 3)."""
    return np.linalg.norm(np.gradient(places, axis=0), axis=-1) * fps


def hysteresis(on: Mask, off: Mask) -> Mask:
    """(T,) bool: from an ``on`` until the next ``off``, and back to before an ``on`` too."""
    out = np.zeros(len(on), dtype=bool)
    for first, last in runs(~off):
        hits = np.flatnonzero(on[first : last + 1])
        if len(hits):
            out[first : last + 1] = True
    return out


def runs(mask: Mask) -> list[tuple[int, int]]:
    """First and last index of each run of truths in (T,)."""
    padded = np.concatenate([[False], mask, [False]])
    edges = np.flatnonzero(padded[1:] != padded[:-1])
    return [(int(a), int(b) - 1) for a, b in edges.reshape(-1, 2)]


def _without_gaps(mask: Mask, longest: float) -> Mask:
    out = mask.copy()
    for first, last in runs(~mask):
        if first > 0 and last < len(mask) - 1 and last - first + 1 <= longest:
            out[first : last + 1] = True
    return out


def _unslid(toe: Array, speed: Array, first: int, last: int) -> list[tuple[int, int]]:
    """A run cut at its fastest frame, again and again, until no part slides too far."""
    places = toe[first : last + 1, [0, 2]]
    if last - first < 2 or np.linalg.norm(np.ptp(places, axis=0)) <= MOST_SLIDE:
        return [(first, last)]
    cut = first + 1 + int(np.argmax(speed[first + 1 : last]))
    return _unslid(toe, speed, first, cut - 1) + _unslid(toe, speed, cut + 1, last)

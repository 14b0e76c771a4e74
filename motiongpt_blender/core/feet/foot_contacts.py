"""Foot contacts: when each foot stands on the floor, from a motion's joint positions.

A toe is in contact from when it is low and slow until it is clearly high or fast: two pairs
of limits (hysteresis), so that noise near one of them does not make the contact flicker. Slow is
measured against the body: the faster it travels, the faster may a foot be that carries it.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from ..body.rotations import Array
from ..body.skeleton import SIDES, Joint, of_side
from ..body.smoothing import gaussian_smooth

#: Metres over the floor and metres a second below which a toe comes into contact ...
DOWN_HEIGHT: Final = 0.05
DOWN_SPEED: Final = 0.30
#: ... and those above which it leaves.
UP_HEIGHT: Final = 0.08
UP_SPEED: Final = 0.50
#: The same speeds as shares of the body's, where that is more: a foot that carries slides in
#: fast generated motion.
DOWN_SHARE: Final = 0.40
UP_SHARE: Final = 0.60
#: The same for a heel, whose height counts from its height in contact.
HEEL_HEIGHT: Final = 0.03
HEEL_SPEED: Final = 0.40
#: Metres over the median height of its contact at which a toe still lands, or leaves already.
LANDING_HEIGHT: Final = 0.02
#: Seconds over which speeds are smoothed.
SMOOTHING: Final = 0.04
#: The same for the body's, which is that of a whole step.
STEP_SMOOTHING: Final = 0.15
#: Seconds of the shortest contact, and of the longest gap that is closed.
MIN_CONTACT: Final = 0.09
MAX_GAP: Final = 0.06
#: Metres that a foot may slide within one contact.
MAX_SLIDE: Final = 0.30
#: Metres by which the floor of a motion may be wrong.
MAX_FLOOR_ERROR: Final = 0.05

Mask = NDArray[np.bool_]

#: Keeps what is level of a position.
_LEVEL: Final = np.array([1.0, 0.0, 1.0])


@dataclass(frozen=True)
class Contact:
    """A span of frames in which a foot is on the floor.

    Attributes:
        first: index of the first frame with the toe in contact.
        last: index of the last.
        heel_strike: index of the first frame with the heel in contact, at most ``first``.
    """

    first: int
    last: int
    heel_strike: int

    def __len__(self) -> int:
        return self.last - self.first + 1


@dataclass(frozen=True)
class FootContacts:
    """All contacts of both feet, by time.

    Attributes:
        left: contacts of the left foot.
        right: contacts of the right foot.
    """

    left: tuple[Contact, ...]
    right: tuple[Contact, ...]

    def of(self, side: str) -> tuple[Contact, ...]:
        """The contacts of side "L" or "R"."""
        return self.left if side == "L" else self.right

    def mask(self, side: str, count: int) -> Array:
        """(T,) of 1 where that toe is in contact, else 0."""
        out = np.zeros(count)
        for contact in self.of(side):
            out[contact.first : contact.last + 1] = 1
        return out


#: Feet that are never in contact, or are not looked at.
NO_CONTACTS: Final = FootContacts((), ())


def find_foot_contacts(joints: Array, fps: float) -> FootContacts:
    """When each foot is in contact with the floor.

    Args:
        joints: (T, 22, 3) metres, y up, the floor near 0.
        fps: frames a second.
    """
    if len(joints) < 2:
        return NO_CONTACTS
    floor = _floor(joints)
    left, right = (_find_contacts(joints, side, floor, fps) for side in SIDES)
    return FootContacts(left, right)


def leaves_floor(joints: Array, side: str, fps: float) -> bool:
    """Whether a foot leaves the floor at any time.

    Args:
        joints: (T, 22, 3) metres, y up, the floor near 0.
        side: "L" or "R".
        fps: frames a second.
    """
    toe = joints[:, Joint[f"{side}_FOOT"]]
    height, speed = _height_and_speed(toe, _floor(joints), fps)
    return bool(((height > UP_HEIGHT) | (speed > UP_SPEED)).any())


def _height_and_speed(toe: Array, floor: float, fps: float) -> tuple[Array, Array]:
    """Heights (T,) over the floor and speeds (T,) a second of a toe (T, 3), smoothed."""
    smooth = gaussian_smooth(toe, SMOOTHING * fps)
    return smooth[:, 1] - floor, _speed(smooth, fps)


def _body_speed(joints: Array, fps: float) -> Array:
    """Speeds (T,) a second of the pelvis over the ground."""
    return _speed(gaussian_smooth(joints[:, Joint.PELVIS] * _LEVEL, STEP_SMOOTHING * fps), fps)


def _floor(joints: Array) -> float:
    """Height of a motion's floor: that of its lowest toes, where it is near 0."""
    lowest = np.minimum(joints[:, Joint.L_FOOT, 1], joints[:, Joint.R_FOOT, 1])
    return float(np.clip(np.percentile(lowest, 10), -MAX_FLOOR_ERROR, MAX_FLOOR_ERROR))


def _find_contacts(joints: Array, side: str, floor: float, fps: float) -> tuple[Contact, ...]:
    toe, ankle = (joints[:, joint] for joint in of_side(side, "FOOT", "ANKLE"))
    height, speed = _height_and_speed(toe, floor, fps)
    body = _body_speed(joints, fps)
    down = (height < DOWN_HEIGHT) & (speed < np.maximum(DOWN_SPEED, DOWN_SHARE * body))
    up = (height > UP_HEIGHT) | (speed > np.maximum(UP_SPEED, UP_SHARE * body))
    mask = _close_gaps(hysteresis(down, up), MAX_GAP * fps)
    heel_down = _heel_down(ankle, mask, fps)
    out: list[Contact] = []
    for first, last in runs(mask):
        for begin, end in _split_slides(toe, speed, first, last):
            a, b = _trim_landing(height, begin, end)
            if b - a + 1 < MIN_CONTACT * fps:
                continue
            earliest = out[-1].last + 1 if out else 0
            heel_strike = a
            while heel_strike > earliest and heel_down[heel_strike - 1]:
                heel_strike -= 1
            out.append(Contact(a, b, heel_strike))
    return tuple(out)


def _trim_landing(height: Array, first: int, last: int) -> tuple[int, int]:
    """A run without the frames at its ends in which the toe still lands or leaves already.

    A foot that lands on its heel, or rolls off, goes on doing so: its toe is not pulled to the
    floor.
    """
    most = float(np.median(height[first : last + 1])) + LANDING_HEIGHT
    while first < last and height[first] > most:
        first += 1
    while last > first and height[last] > most:
        last -= 1
    return first, last


def _heel_down(ankle: Array, toes: Mask, fps: float) -> Mask:
    """(T,) whether the heel is in contact: as low as while the toe is, and slow."""
    smooth = gaussian_smooth(ankle, SMOOTHING * fps)
    standing = smooth[toes, 1] if toes.any() else smooth[:, 1]
    low = smooth[:, 1] < np.percentile(standing, 20) + HEEL_HEIGHT
    return low & (_speed(smooth, fps) < HEEL_SPEED)


def _speed(positions: Array, fps: float) -> Array:
    """Speeds (T,) a second of positions (T, 3)."""
    return np.linalg.norm(np.gradient(positions, axis=0), axis=-1) * fps


def hysteresis(on: Mask, off: Mask) -> Mask:
    """(T,) bool: the runs without ``off`` that hold at least one ``on``."""
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


def _close_gaps(mask: Mask, longest: float) -> Mask:
    out = mask.copy()
    for first, last in runs(~mask):
        if first > 0 and last < len(mask) - 1 and last - first + 1 <= longest:
            out[first : last + 1] = True
    return out


def _split_slides(toe: Array, speed: Array, first: int, last: int) -> list[tuple[int, int]]:
    """A run, cut at its fastest frame until no part slides farther than ``MAX_SLIDE``."""
    positions = toe[first : last + 1, [0, 2]]
    if last - first < 2 or np.linalg.norm(np.ptp(positions, axis=0)) <= MAX_SLIDE:
        return [(first, last)]
    cut = first + 1 + int(np.argmax(speed[first + 1 : last]))
    before = _split_slides(toe, speed, first, cut - 1)
    return before + _split_slides(toe, speed, cut + 1, last)

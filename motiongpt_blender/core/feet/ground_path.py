"""The height of the ground along a motion, from one marked pose to the next.

A body goes from one height to another as it moves over the floor, and in its leaps first.
Each contact of a foot has one height, as on a stair; the body is over the lower foot.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import pairwise
from typing import Final

import numpy as np

from ..body.rotations import LEVEL, Array
from ..body.skeleton import SIDES, Joint
from ..body.smoothing import gaussian_smooth, smoothstep
from .foot_contacts import Contact, FootContacts

#: How much more the ground changes in a frame without contact than in another.
LEAP_WEIGHT: Final = 4.0
#: Seconds over which the body's height is smoothed.
BODY_SMOOTHING: Final = 0.1


def ground_path(grounds: Mapping[int, float], joints: Array, contacts: FootContacts) -> Array:
    """Heights (T,) of the ground along a motion.

    Args:
        grounds: index of a frame -> height of the ground there; at least one.
        joints: (T, 22, 3) metres, the motion on a level floor.
        contacts: when each foot is in contact.
    """
    count = len(joints)
    known = sorted((min(max(f, 0), count - 1), height) for f, height in grounds.items())
    out = np.full(count, known[0][1])
    steps = np.linalg.norm(np.diff(joints[:, Joint.PELVIS] * LEVEL, axis=0), axis=-1)
    leaps = 1 - np.maximum(*(contacts.mask(side, count) for side in SIDES))[1:]
    for (first, begin), (last, end) in pairwise(known):
        part = slice(first, last)
        moved = steps[part] + 0.25 * steps[part].mean() + 1e-9 if last > first else steps[part]
        moved = np.cumsum(moved * (1 + (LEAP_WEIGHT - 1) * leaps[part]))
        if moved.size:
            out[first + 1 : last + 1] = begin + (end - begin) * smoothstep(moved / moved[-1])
        out[last:] = end
    return out


def foot_ground(ground: Array, contacts: Sequence[Contact]) -> Array:
    """Heights (T,) of the ground under one foot: one height a contact, smooth in between."""
    count = len(ground)
    if not np.ptp(ground):
        return ground
    stops = [(c.heel_strike, c.last, _contact_height(ground, c)) for c in contacts]
    if not stops or stops[0][0] > 0:
        stops.insert(0, (0, 0, float(ground[0])))
    if stops[-1][1] < count - 1:
        stops.append((count - 1, count - 1, float(ground[-1])))
    out = np.empty(count)
    for first, last, height in stops:
        out[first : last + 1] = height
    for (_, last, begin), (first, _, end) in pairwise(stops):
        between = np.arange(last, first + 1)
        if len(between) > 1:
            out[between] = begin + (end - begin) * smoothstep((between - last) / (first - last))
    return out


def _contact_height(ground: Array, contact: Contact) -> float:
    """The height of a contact; at an end of the motion, where a pose may be, it is that end's."""
    if contact.heel_strike == 0:
        return float(ground[0])
    if contact.last == len(ground) - 1:
        return float(ground[-1])
    return float(ground[contact.first : contact.last + 1].mean())


def body_ground(ground: Array, contacts: FootContacts, fps: float) -> Array:
    """Heights (T,) by which the body is raised: those of the lower foot."""
    if not np.ptp(ground):
        return ground
    lower = np.minimum(*(foot_ground(ground, contacts.of(side)) for side in SIDES))
    return gaussian_smooth(lower, BODY_SMOOTHING * fps)

"""Offsets that bring each toe in contact to one place, and fade in the swing phases.

During a contact the offset leads to that place; before and after, it eases in and out with
the foot's own speed, so that nothing starts or stops at once.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise
from typing import Final

import numpy as np

from ..body.rotations import Array
from ..body.skeleton import SIDES
from ..body.smoothing import gaussian_smooth, maximum_filter, smoothstep
from ..timeline.blending import bump, inward_speed
from .foot_contacts import Contact, FootContacts

#: Seconds within which a foot eases between its motion and the place of its contact.
EASE: Final = 0.35
#: Seconds from a marked pose within which a contact takes its place from the pose.
NEAR_POSE: Final = 0.2
#: Seconds within which a foot that moves at a blend comes to rest.
SLOW_DOWN: Final = 0.25
#: Height to which a toe is lifted in a step, over the step's length.
CLEARANCE: Final = 0.1
#: Metres of the model by which a fast toe clears the floor in flight.
FLIGHT_CLEARANCE: Final = 0.07
#: Speeds in m/s, of the model, above which a toe in flight is lifted a little, and fully. Feet
#: that a crawling body drags are slower.
SKIM_SPEEDS: Final = (0.5, 1.0)
#: Seconds over which that lift eases in and out.
LIFT_EASE: Final = 0.07


@dataclass(frozen=True)
class FixedFrames:
    """Frames that may not change.

    Attributes:
        frames: their indices, ascending.
        moving: those at an end of the motion that also keep their speed.
    """

    frames: tuple[int, ...]
    moving: frozenset[int] = frozenset()


@dataclass(frozen=True)
class _Knot:
    """Offsets (n, 3) of the frames from ``first`` on, and how fast they change at the ends."""

    first: int
    offsets: Array

    @property
    def last(self) -> int:
        return self.first + len(self.offsets) - 1

    def speeds(self, most: float) -> tuple[Array, Array]:
        """Changes (3,) of the offset a frame at the first and the last frame, ``most`` at most."""
        if len(self.offsets) < 2:
            return np.zeros(3), np.zeros(3)
        ends = self.offsets[1] - self.offsets[0], self.offsets[-1] - self.offsets[-2]
        return _limit_length(ends[0], most), _limit_length(ends[1], most)


def toe_offsets(
    toe: Array,
    heel: Array,
    contacts: tuple[Contact, ...],
    fixed: FixedFrames,
    level: float,
    fps: float,
    max_speed: float,
) -> Array:
    """Offsets (T, 3) to add to a toe's positions.

    Args:
        toe: (T, 3) positions.
        heel: (T, 3) positions.
        contacts: of that foot.
        fixed: frames that may not change.
        level: height of a toe in contact.
        fps: frames a second.
        max_speed: the fastest that an offset changes where a contact begins or ends.
    """
    kept = fixed.frames
    knots: list[_Knot] = []
    inside: set[int] = set()
    for contact in contacts:
        own = [k for k in kept if contact.first <= k <= contact.last]
        place = _contact_place(toe, contact, own, kept, level, fps)
        for end in fixed.moving.intersection(own):
            place = place + _slow_down(toe, end, kept, fps)[contact.first : contact.last + 1]
        offsets = place - toe[contact.first : contact.last + 1]
        begin = contact.first
        soon = contact.heel_strike - NEAR_POSE * fps  # no time to come there from a pose
        early = [k for k in kept if soon < k < contact.first]
        if contact.heel_strike < contact.first and not early:
            begin = contact.heel_strike
            rolling = heel[contact.first] + offsets[0] - heel[begin : contact.first]
            offsets = np.concatenate([rolling, offsets])
        knots.append(_Knot(begin, offsets))
        inside.update(range(begin, contact.last + 1))
    knots += [_Knot(k, np.zeros((1, 3))) for k in kept if k not in inside]
    return _ease_between(
        sorted(knots, key=lambda k: k.first), len(toe), EASE * fps, max_speed / fps
    )


def swing_lift(
    toe: Array, contacts: tuple[Contact, ...], level: float, heights: Array | None
) -> Array:
    """Heights (T,) by which swinging toes have to be lifted to clear the floor.

    A motion that hovers moves its foot over the floor from one contact to the next, little
    higher than in contact: lowered at both ends, it would drag.

    Args:
        toe: (T, 3) positions after locking.
        contacts: of that foot.
        level: height of a toe in contact.
        heights: (T,) of the toe in the motion, over which no toe is lifted; None lifts it in
            every step.
    """
    out = np.zeros(len(toe))
    for one, other in pairwise(contacts):
        swing = slice(one.last + 1, other.heel_strike)
        count = other.heel_strike - one.last - 1
        if count < 1:
            continue
        step = (toe[other.first] - toe[one.last])[[0, 2]]
        need = CLEARANCE * float(np.linalg.norm(step)) - float(toe[swing, 1].max() - level)
        lift = np.sin(np.pi * np.arange(1, count + 1) / (count + 1)) ** 2
        if heights is not None:
            lift *= np.maximum(heights[swing] - toe[swing, 1], 0.0)
            need = min(need / max(float(lift.max()), 1e-12), 1.0)
        out[swing] = max(0.0, need) * lift
    return out


def flight_lift(
    toe: Array, contacts: FootContacts, side: str, level: float, fps: float, scale: float
) -> Array:
    """Heights (T,) by which a fast toe has to be lifted to clear the floor in flight.

    Decoded legs are up to a quarter too short where they swing fast. A rig's are not: its foot
    skims the floor while neither stands, and looks like a foot in contact that slides.

    Args:
        toe: (T, 3) positions after locking.
        contacts: of both feet.
        side: "L" or "R".
        level: height of a toe in contact.
        fps: frames a second.
        scale: the rig's units a metre of the model.
    """
    count = len(toe)
    if count < 2:
        return np.zeros(count)
    flight = 1 - np.maximum(*(contacts.mask(s, count) for s in SIDES))
    speed = np.linalg.norm(np.gradient(toe[:, [0, 2]], axis=0), axis=-1) * fps / scale
    slow, fast = SKIM_SPEEDS
    share = flight * smoothstep((speed - slow) / (fast - slow))
    need = share * np.maximum(level + FLIGHT_CLEARANCE * scale - toe[:, 1], 0.0)
    around = LIFT_EASE * fps
    eased = gaussian_smooth(maximum_filter(need, round(around)), around / 2)
    own = np.flatnonzero(contacts.mask(side, count))
    ends = np.array([-count, *own, 2 * count])
    after = np.searchsorted(ends, np.arange(count))
    frames = np.arange(count)
    apart: Array = np.minimum(ends[after] - frames, frames - ends[after - 1]).astype(np.float64)
    weight: Array = np.clip(apart / max(around, 1.0), 0.0, 1.0)
    return np.maximum(eased, need) * weight


def _contact_place(
    toe: Array, contact: Contact, own: list[int], kept: tuple[int, ...], level: float, fps: float
) -> Array:
    """Positions (n, 3) of the toe in a contact: one place, unless marked poses ask for several."""
    frames = np.arange(contact.first, contact.last + 1)
    if own:
        place = np.broadcast_to(toe[own[0]], (len(frames), 3)).copy()
        for a, b in pairwise(own):
            place += smoothstep((frames - a) / (b - a))[:, None] * (toe[b] - toe[a])
        return place
    ends = contact.first, contact.last
    near = [k for k in kept if min(abs(k - end) for end in ends) < NEAR_POSE * fps]
    place = toe[frames].mean(0)
    if near:
        place = toe[min(frames, key=lambda f: min(abs(f - k) for k in near))].copy()
    place[1] = level
    return np.broadcast_to(place, (len(frames), 3))


def _slow_down(toe: Array, end: int, kept: tuple[int, ...], fps: float) -> Array:
    """Offsets (T, 3) with which a toe that moves at an end of the motion comes to rest."""
    room = min((abs(k - end) for k in kept if k != end), default=len(toe) - 1)
    reach = min(SLOW_DOWN * fps, room)
    if reach < 2:
        return 0 * toe
    return bump(len(toe), end, reach)[:, None] * inward_speed(toe, end)


def _ease_between(knots: list[_Knot], count: int, reach: float, most: float) -> Array:
    """Offsets (T, 3) through the knots, smooth between them, zero beyond ``reach`` frames."""
    out = np.zeros((count, 3))
    for knot in knots:
        out[knot.first : knot.last + 1] = knot.offsets
    if not knots:
        return out
    zero = np.zeros(3)
    starts = [(k.first, k.offsets[0], k.speeds(most)[0]) for k in knots]
    ends = [(k.last, k.offsets[-1], k.speeds(most)[1]) for k in knots]
    first, last = knots[0].first, knots[-1].last
    if first > 0:  # from zero, if there is the room
        begin = min(0.0, first - reach) if first < reach else first - reach
        _ease(out, (begin, zero, zero), starts[0])
    for end, start in zip(ends, starts[1:], strict=False):
        if start[0] - end[0] > 2 * reach:
            _ease(out, end, (end[0] + reach, zero, zero))
            _ease(out, (start[0] - reach, zero, zero), start)
        else:
            _ease(out, end, start)
    if last < count - 1:
        _ease(out, ends[-1], (last + reach, zero, zero))
    return out


def _limit_length(vector: Array, most: float) -> Array:
    return vector * min(1.0, most / max(float(np.linalg.norm(vector)), 1e-12))


def _ease(out: Array, start: tuple[float, Array, Array], end: tuple[float, Array, Array]) -> None:
    """Fill the frames strictly between two knots (frame, value, speed) with a cubic."""
    (a, p, v), (b, q, w) = start, end
    frames = np.arange(max(int(np.floor(a)) + 1, 0), min(int(np.ceil(b)), len(out)))
    t = ((frames - a) / (b - a))[:, None]
    values = p * (1 + 2 * t) * (1 - t) ** 2 + q * t * t * (3 - 2 * t)
    out[frames] = values + (b - a) * (v * t * (1 - t) ** 2 - w * t * t * (1 - t))

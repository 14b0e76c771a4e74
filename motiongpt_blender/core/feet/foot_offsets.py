"""How far each frame's toe has to move so that a standing foot keeps one place.

While a foot stands, its offset is what leads to that place; before and after, it eases in
and out with the foot's own speed, so that nothing starts or stops at once.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise
from typing import Final

import numpy as np

from ..body.rotations import Array
from ..retargeting.part_rotations import smoothstep
from ..timeline.blending import bump, inward_speed
from .foot_contacts import Contact

#: Seconds within which a foot comes from its place in the motion to its stand, and back.
EASE: Final = 0.35
#: Seconds from a marked pose within which a stand takes its place from it.
NEAR_KEY: Final = 0.2
#: Seconds within which a foot that moves at a seam comes to rest.
REST: Final = 0.25
#: Share of a step's length by which its toe is lifted.
CLEARANCE: Final = 0.1


@dataclass(frozen=True)
class FixedFrames:
    """Frames that may not change.

    Attributes:
        frames: their indices, ascending.
        moving: those at an end of the motion that also keep their speed.
    """

    frames: tuple[int, ...]
    moving: frozenset[int] = frozenset()


def offsets(
    tip: Array,
    heel: Array,
    stands: tuple[Contact, ...],
    held: FixedFrames,
    level: float,
    fps: float,
    most_speed: float,
) -> Array:
    """How far (T, 3) each frame's toe has to move.

    Args:
        tip: (T, 3) where the toe is.
        heel: (T, 3) where the heel is.
        stands: when the toe stands.
        held: frames that may not change.
        level: height of a toe that stands.
        fps: frames a second.
        most_speed: the fastest that an offset changes where a stand begins or ends.
    """
    kept = held.frames
    knots: list[tuple[int, int, Array]] = []  # first frame, last frame, offsets (n, 3)
    inside: set[int] = set()
    for stand in stands:
        own = [k for k in kept if stand.first <= k <= stand.last]
        place = _place(tip, stand, own, kept, level, fps)
        for seam in held.moving.intersection(own):
            place = place + _coming_to_rest(tip, seam, kept, fps)[stand.first : stand.last + 1]
        away = place - tip[stand.first : stand.last + 1]
        begin = stand.first
        soon = stand.heel - NEAR_KEY * fps  # no time to come there from a marked pose
        early = [k for k in kept if soon < k < stand.first]
        if stand.heel < stand.first and not early:
            rolled = heel[stand.first] + away[0] - heel[stand.heel : stand.first]
            away, begin = np.concatenate([rolled, away]), stand.heel
        knots.append((begin, stand.last, away))
        inside.update(range(begin, stand.last + 1))
    knots += [(k, k, np.zeros((1, 3))) for k in kept if k not in inside]
    return _filled(sorted(knots, key=lambda k: k[0]), len(tip), EASE * fps, most_speed / fps)


def swing_lift(
    places: Array, stands: tuple[Contact, ...], level: float, heights: Array | None
) -> Array:
    """How far (T,) swinging toes have to be lifted so that they clear the floor.

    A motion that hovers brings its foot over the floor from one stand to the next, little
    higher than it stands: lowered at both ends, it would be dragged.

    Args:
        places: (T, 3) where the toe is going to be.
        stands: when it stands.
        level: height of a toe that stands.
        heights: (T,) of the toe in the motion, over which no toe is lifted; None lifts it in
            every step.
    """
    out = np.zeros(len(places))
    for one, other in pairwise(stands):
        between = slice(one.last + 1, other.heel)
        count = other.heel - one.last - 1
        if count < 1:
            continue
        away = (places[other.first] - places[one.last])[[0, 2]]
        need = CLEARANCE * float(np.linalg.norm(away)) - float(places[between, 1].max() - level)
        lift = np.sin(np.pi * np.arange(1, count + 1) / (count + 1)) ** 2
        if heights is not None:
            lift *= np.maximum(heights[between] - places[between, 1], 0.0)
            need = min(need / max(float(lift.max()), 1e-12), 1.0)
        out[between] = max(0.0, need) * lift
    return out


def _place(
    tip: Array, stand: Contact, own: list[int], kept: tuple[int, ...], level: float, fps: float
) -> Array:
    """Where (n, 3) the toe stands: one place, unless marked poses ask for several."""
    frames = np.arange(stand.first, stand.last + 1)
    if own:
        place = np.broadcast_to(tip[own[0]], (len(frames), 3)).copy()
        for a, b in pairwise(own):
            place += smoothstep((frames - a) / (b - a))[:, None] * (tip[b] - tip[a])
        return place
    near = [k for k in kept if min(abs(k - stand.first), abs(k - stand.last)) < NEAR_KEY * fps]
    place = tip[frames].mean(0)
    if near:
        place = tip[min(frames, key=lambda f: min(abs(f - k) for k in near))].copy()
    place[1] = level
    return np.broadcast_to(place, (len(frames), 3))


def _coming_to_rest(tip: Array, seam: int, kept: tuple[int, ...], fps: float) -> Array:
    """Ways (T, 3) of a toe from a seam, at which it still has its speed, to its place."""
    room = min((abs(k - seam) for k in kept if k != seam), default=len(tip) - 1)
    reach = min(REST * fps, room)
    if reach < 2:
        return 0 * tip
    return bump(len(tip), seam, reach)[:, None] * inward_speed(tip, seam)


def _filled(knots: list[tuple[int, int, Array]], count: int, reach: float, most: float) -> Array:
    """Offsets (T, 3) through the knots, smooth between them, gone within ``reach``."""
    out = np.zeros((count, 3))
    for first, last, away in knots:
        out[first : last + 1] = away
    if not knots:
        return out
    speeds = [(_capped(a[1] - a[0], most), _capped(a[-1] - a[-2], most))
              if len(a) > 1 else (np.zeros(3), np.zeros(3)) for *_, a in knots]  # fmt: skip
    nothing = np.zeros(3)
    first, away = knots[0][0], knots[0][2]
    if first > 0:  # from nothing, if there is the room
        begin = min(0.0, first - reach) if first < reach else first - reach
        _ease(out, (begin, nothing, nothing), (first, away[0], speeds[0][0]))
    for i in range(len(knots) - 1):
        start = (knots[i][1], knots[i][2][-1], speeds[i][1])
        end = (knots[i + 1][0], knots[i + 1][2][0], speeds[i + 1][0])
        if end[0] - start[0] > 2 * reach:
            _ease(out, start, (start[0] + reach, nothing, nothing))
            _ease(out, (end[0] - reach, nothing, nothing), end)
        else:
            _ease(out, start, end)
    last, away = knots[-1][1], knots[-1][2]
    if last < count - 1:
        _ease(out, (last, away[-1], speeds[-1][1]), (last + reach, nothing, nothing))
    return out


def _capped(speed: Array, most: float) -> Array:
    return speed * min(1.0, most / max(float(np.linalg.norm(speed)), 1e-12))


def _ease(out: Array, start: tuple[float, Array, Array], end: tuple[float, Array, Array]) -> None:
    """Fill the frames strictly between two knots (frame, value, speed) with a cubic."""
    (a, p, v), (b, q, w) = start, end
    frames = np.arange(max(int(np.floor(a)) + 1, 0), min(int(np.ceil(b)), len(out)))
    t = ((frames - a) / (b - a))[:, None]
    span = b - a
    out[frames] = (
        p * (1 + 2 * t) * (1 - t) ** 2 + q * t * t * (3 - 2 * t)
        + span * (v * t * (1 - t) ** 2 - w * t * t * (1 - t))
    )  # fmt: skip

"""A motion laid along a way: its path becomes the way's, its steps and its sway stay its own.

How far the body has got along its own path says how far along the way it is. It turns by as much
as both courses differ. A foot that stands is laid there as a whole, as the body is in the middle
of its contact, so that it stands in one place; in its swing it goes on to the next one.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Final

import numpy as np

from ..body.motion import MODEL_FPS, heading
from ..body.rotations import Array, about_y, rotate, wrap_angle
from ..body.smoothing import monotone_cubic, smoothstep
from ..feet.foot_contacts import runs
from .legs import LEGS, with_feet
from .path import Indices, WayPath, course_of, direction, odd_smooth, places_between
from .way import Way

#: Seconds over which the sway of a step is smoothed away, and courses.
STEP_SECONDS: Final = 0.35
TURN_SECONDS: Final = 0.22
#: m/s from which the body is on its way, and from which its course is known.
MOVES: Final = (0.06, 0.25)
#: Metres of sway to the side that are kept.
MOST_SWAY: Final = 0.02
#: Seconds about a waypoint in which the sway goes and comes back.
MEETING_SECONDS: Final = 0.35
#: Metres of a way before and behind a waypoint in which the body turns to face what it asks for.
FACING_METRES: Final = 1.2
#: Seconds on either side of a mark in which the way leads to it and back, and metres off the way
#: up to which a mark tells when the body is there.
MARK_SECONDS: Final = 1.2
ON_WAY: Final = 0.6
#: Metres of a toe that stands; m/s, or share of the body's speed, up to which it does.
LOW: Final = 0.07
SLOW, SLOW_SHARE = 0.4, 0.35
#: Metres of progress that a second adds where nobody moves, so that none takes no time.
_CREEP: Final = 0.01


@dataclass(frozen=True)
class Mark:
    """Where and how a body stands at a frame, before any way.

    Attributes:
        frame: of the motion.
        place: (2,) metres of its pelvis, x and z.
        facing: radians.
    """

    frame: int
    place: Array
    facing: float


@dataclass(frozen=True)
class Followed:
    """A motion on a way.

    Attributes:
        joints: (T, 22, 3) metres.
        at: (K,) frame in which each point of the way is met.
        strain: mean size of the logarithm by which steps became longer or shorter.
    """

    joints: Array
    at: Array
    strain: float


@dataclass(frozen=True)
class _Laid:
    """How each frame of a motion is laid: turned about its own place, then put elsewhere.

    Attributes:
        own: (T, 2) places on the motion's smooth path.
        put: (T, 2) where these come.
        turn: (T,) radians.
    """

    own: Array
    put: Array
    turn: Array

    def at(self, times: Array) -> _Laid:
        """How it is at times (N,), in frames."""
        frames = np.arange(len(self.turn))
        own, put = (places_between(times, frames, places) for places in (self.own, self.put))
        return _Laid(own, put, np.interp(times, frames, self.turn))

    def points(self, points: Array) -> Array:
        """Points (T, N, 3) laid; heights stay."""
        away = points - _level(self.own)[:, None]
        turn = np.broadcast_to(about_y(self.turn)[:, None], (*away.shape[:-1], 4))
        return rotate(turn, away) + _level(self.put)[:, None]


def follow_way(
    joints: Array, way: Way, path: WayPath, marks: Sequence[Mark] = (), fps: float = MODEL_FPS
) -> Followed:
    """A motion (T, 22, 3) laid along a way, through marks where it has some.

    Args:
        joints: metres, y up, the floor at 0.
        way: checked; its times lie inside the motion.
        path: of the way.
        marks: ascending by frame; they count more than the way.
        fps: frames a second.
    """
    joints = joints.astype(np.float64)
    if len(joints) < 3:
        return Followed(joints, np.zeros(len(path.at)), 0.0)
    pelvis = joints[:, 0][:, [0, 2]]
    own = _smooth_path(pelvis, fps)
    gone, course = _progress(own, fps)
    effort = _effort_at(gone, way, path, marks, fps, len(joints))
    metres = path.length_of(effort) + np.maximum(effort - path.effort, 0.0)
    turn = odd_smooth(path.course(metres), TURN_SECONDS * fps) - course
    turn = turn + _facing_turns(joints, turn, way, path, metres)
    laid = _Laid(own, path.place(metres), turn)
    at = np.interp(path.effort_at(path.at), effort, np.arange(len(joints)))
    laid = _swaying(laid, pelvis, path.course(metres), at if not way.drawn else at[[0, -1]], fps)
    laid = _through_marks(laid, joints, marks, fps)
    speed = np.gradient(gone)
    moving = speed > 1e-3
    grown = np.log(np.maximum(np.gradient(metres)[moving], 1e-6) / speed[moving])
    strain = float(np.abs(grown).mean()) if moving.any() else 3.0
    return Followed(_on_feet(joints, laid, marks, fps), at, strain)


def _level(places: Array) -> Array:
    """Places (..., 2) as points (..., 3) on the floor."""
    return np.stack([places[..., 0], np.zeros(places.shape[:-1]), places[..., 1]], axis=-1)


def _smooth_path(pelvis: Array, fps: float) -> Array:
    """The path (T, 2) of a pelvis without the sway of its steps, but with its bends."""
    smooth = odd_smooth(pelvis, STEP_SECONDS * fps)
    return smooth + odd_smooth(pelvis - smooth, STEP_SECONDS * fps)


def _progress(own: Array, fps: float) -> tuple[Array, Array]:
    """Metres (T,) that a body has got along its path (T, 2), and its course (T,) there."""
    velocity = np.gradient(own, axis=0) * fps
    speed = np.linalg.norm(velocity, axis=-1)
    low, high = MOVES
    share = smoothstep((speed - low) / (high - low))
    steps = (share * speed + _CREEP) / fps
    gone = np.concatenate([[0.0], np.cumsum(0.5 * (steps[1:] + steps[:-1]))])
    frames, known = np.arange(len(own)), np.flatnonzero(share > 0.5)
    if not len(known):
        return gone, np.full(len(own), float(course_of(own[-1] - own[0])))
    return gone, np.interp(frames, known, np.unwrap(course_of(velocity[known])))


def _effort_at(
    gone: Array, way: Way, path: WayPath, marks: Sequence[Mark], fps: float, count: int
) -> Array:
    """How much effort (T,) of the way is behind the body in each frame.

    In proportion to its own progress, between what times and marks say.
    """
    known: dict[float, float] = {0: 0.0, count - 1: path.effort}
    for mark in marks:
        metres, apart = path.nearest(mark.place)
        if apart < ON_WAY:
            known[mark.frame] = float(path.effort_at(np.array(metres)))
    for point, at in zip(way.points, path.at, strict=True):
        if point.seconds is not None:
            known[min(point.seconds * fps, count - 1)] = float(path.effort_at(np.array(at)))
    frames = _ascending(known)
    if len(frames) < 2:
        return gone * path.effort / gone[-1]
    efforts = np.array([known[frame] for frame in frames])
    then = np.interp(frames, np.arange(count), gone)
    # A last time between two frames is met where the way goes on to the second of them.
    last = min(int(np.ceil(frames[-1])), count - 1)
    beyond = np.clip(gone, then[-1], gone[last]) - then[-1]
    return np.maximum(monotone_cubic(then, efforts, gone), 0.0) + beyond * efforts[-1] / then[-1]


def _ascending(known: dict[float, float]) -> list[float]:
    """The frames whose values ascend; of two that contradict each other the later one goes."""
    kept: list[float] = []
    for frame in sorted(known):
        if not kept or known[frame] > known[kept[-1]]:
            kept.append(frame)
    return kept


def _facing_turns(joints: Array, turn: Array, way: Way, path: WayPath, metres: Array) -> Array:
    """Radians (T,) by which a body turns beyond its course to face what waypoints ask for."""
    faces = np.unwrap(heading(joints)) + turn
    out = np.zeros(len(joints))
    wanted = [(at, p.facing) for at, p in zip(path.at, way.points, strict=True)]
    for k, (at, facing) in enumerate(wanted):
        if facing is None:
            continue
        before = [other for other, f in wanted[:k] if f is not None]
        behind = [other for other, f in wanted[k + 1 :] if f is not None]
        reach_before = min([FACING_METRES, *(0.5 * (at - other) for other in before)])
        reach_behind = min([FACING_METRES, *(0.5 * (other - at) for other in behind)])
        off = metres - at
        reach = np.where(off < 0, reach_before, reach_behind)
        share = smoothstep(1 - np.abs(off) / np.maximum(reach, 1e-6))
        here = int(np.abs(off).argmin())
        out += share * float(wrap_angle(np.asarray(facing - faces[here])))
    return out


def _swaying(laid: _Laid, pelvis: Array, course: Array, at: Array, fps: float) -> _Laid:
    """Laid so that the pelvis sways within limits to the side, and not at all in frames ``at``."""
    turn = laid.turn
    sway = pelvis - laid.own
    turned = rotate(about_y(turn), _level(sway))[:, [0, 2]]
    ahead = direction(course)
    aside = np.stack([ahead[:, 1], -ahead[:, 0]], axis=-1)
    along, across = (turned * ahead).sum(-1), (turned * aside).sum(-1)
    kept = along[:, None] * ahead + (MOST_SWAY * np.tanh(across / MOST_SWAY))[:, None] * aside
    away = np.abs(np.arange(len(turn))[:, None] - np.atleast_1d(at)).min(-1)
    kept = kept * smoothstep(away / (MEETING_SECONDS * fps))[:, None]
    return replace(laid, put=laid.put + kept - turned)


def _through_marks(laid: _Laid, joints: Array, marks: Sequence[Mark], fps: float) -> _Laid:
    """Laid so that the body stands where marks have it, eased in and out of each."""
    if not marks:
        return laid
    faces = np.unwrap(heading(joints)) + laid.turn
    stands = laid.points(joints[:, :1])[:, 0][:, [0, 2]]
    frames, reach = np.array([mark.frame for mark in marks]), MARK_SECONDS * fps
    off = np.stack([mark.place - stands[mark.frame] for mark in marks])
    turns = wrap_angle(np.array([mark.facing - faces[mark.frame] for mark in marks]))
    weights = _weights(frames, len(joints), reach)
    turn = weights @ turns
    # The body turns about its pelvis, not about the smooth path.
    sway = stands - laid.put
    turned = rotate(about_y(turn), _level(sway))[:, [0, 2]]
    return _Laid(laid.own, laid.put + weights @ off + sway - turned, laid.turn + turn)


def _weights(frames: Indices, count: int, reach: float) -> Array:
    """Weights (T, K) of values at frames (K,): 1 at its own, 0 at all others and out of reach."""
    at, out = np.arange(count), np.zeros((count, len(frames)))
    for k, frame in enumerate(frames):
        before = frame - frames[k - 1] if k else np.inf
        behind = frames[k + 1] - frame if k + 1 < len(frames) else np.inf
        room = np.where(at < frame, min(reach, before), min(reach, behind))
        out[:, k] = smoothstep(1 - np.abs(at - frame) / room)
    return out


def _on_feet(joints: Array, laid: _Laid, marks: Sequence[Mark], fps: float) -> Array:
    """The motion laid, each foot that stands laid as a whole."""
    fixed = [mark.frame for mark in marks]
    body = laid.points(joints)
    ankles: list[Array] = []
    toes: list[Array] = []
    turns: list[Array] = []
    for _, _, ankle, toe in LEGS:
        times = _foot_times(_stands(joints, toe, fps), len(joints), fixed)
        foot = laid.at(times)
        placed = foot.points(joints[:, [ankle, toe]])
        ankles.append(placed[:, 0])
        toes.append(placed[:, 1])
        turns.append(0.5 * (foot.turn - laid.turn))
    return with_feet(body, ankles, toes, turns).astype(np.float32)


def _stands(joints: Array, toe: int, fps: float) -> list[tuple[int, int]]:
    """First and last frames in which a toe stands.

    Broader than ``find_foot_contacts``: a foot that rolls off still stands on its toe.
    """
    low = joints[:, toe, 1] < LOW
    moved, pelvis = (np.diff(joints[:, k][:, [0, 2]], axis=0) * fps for k in (toe, 0))
    speed = np.linalg.norm(moved, axis=-1)
    most = np.maximum(SLOW, SLOW_SHARE * np.linalg.norm(pelvis, axis=-1))
    return [(a, b + 1) for a, b in runs(low[1:] & low[:-1] & (speed < most))]


def _foot_times(stands: Sequence[tuple[int, int]], count: int, fixed: Sequence[int]) -> Array:
    """The time (T,) as of which a foot is laid: one while it stands, then on to the next."""
    known: dict[int, float] = {}
    for first, last in stands:
        marked = [frame for frame in fixed if first <= frame <= last]
        known[first] = known[last] = marked[0] if marked else 0.5 * (first + last)
    for end in (0, count - 1, *fixed):
        if not any(first <= end <= last for first, last in stands):
            known[end] = end
    frames = sorted(known)
    return np.interp(np.arange(count), frames, [known[f] for f in frames])

"""Seams: where a take meets animation that stays, speed goes on as smoothly as place does.

At a seam the take already stands in its neighbour's pose, since that pose was a marked
one. Here a small residual is added which is nothing at the seam itself, makes up for the
difference of speed there, and is spent within ``REACH``, before the next marked pose.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass, replace
from typing import Final

import numpy as np

from ..body.rotations import (
    Array,
    continuous,
    from_log,
    inverse,
    multiply,
    normalise,
    rotate,
    to_log,
)
from ..pose_constraints.correction import RigPose
from ..rig.rig_description import RigMotion

#: Seconds within which a difference of speed is spent.
REACH: Final = 0.5
#: The residual is scaled anew until this share of the difference is left at most.
_ROUNDS: Final = 3


@dataclass(frozen=True)
class BlendFrame:
    """A frame that a take shares with animation that stays.

    Attributes:
        frame: index of the frame in the take, its first or its last.
        outside: the neighbour's poses one and two frames away from the take.
    """

    frame: int
    outside: tuple[RigPose, RigPose]


@dataclass(frozen=True)
class BlendReport:
    """How much the speed changed at a seam, before and after.

    Attributes:
        frame: index of the frame in the take.
        degrees: mean over the controls of the jump in turning speed, degrees a second.
        cm: jump in the root's speed, centimetres of the model a second.
        degrees_left: what is left of ``degrees``.
        cm_left: what is left of ``cm``.
    """

    frame: int
    degrees: float
    cm: float
    degrees_left: float
    cm_left: float


def blend_speeds(
    motion: RigMotion, seams: Sequence[BlendFrame], kept: Collection[int] = ()
) -> tuple[RigMotion, tuple[BlendReport, ...]]:
    """The motion with its neighbours' speeds at the seams.

    Args:
        motion: stands in its neighbours' poses at the seams.
        seams: at the first frame, at the last, or at both.
        kept: indices of frames that may not change: the marked poses.
    """
    reports: list[BlendReport] = []
    for seam in seams:
        reach = _room(len(motion), seam.frame, kept, REACH * motion.fps)
        if reach < 2:
            continue
        before = speed_jump(motion, seam)
        free = not any(k != seam.frame for k in kept)
        motion = _fitted(motion, seam, reach, free=free)
        after = speed_jump(motion, seam)
        reports.append(BlendReport(seam.frame, *before, *after))
    return motion, tuple(reports)


def speed_jump(motion: RigMotion, seam: BlendFrame) -> tuple[float, float]:
    """Jump at a seam: degrees a second (mean over the controls), centimetres a second."""
    inward = _inward(seam.frame)
    names = _shared(motion, seam)
    q = _together(motion, names)
    turns = _turning(q, seam.frame, inward) - _outer_turning(q, names, seam)
    away = _moving(motion.locations, seam.frame, inward) - _outer_moving(motion, seam)
    degrees = float(np.degrees(np.linalg.norm(turns, axis=-1).mean())) if names else 0.0
    return degrees * motion.fps, 100 * float(np.linalg.norm(away)) * motion.fps / motion.scale


def _fitted(motion: RigMotion, seam: BlendFrame, reach: float, *, free: bool) -> RigMotion:
    inward = _inward(seam.frame)
    weights = bump(len(motion), seam.frame, reach)
    rotations = dict(motion.rotations)
    names = _shared(motion, seam)
    q = _together(motion, names)
    fitted = _with_turning(q, seam.frame, _outer_turning(q, names, seam), weights)
    rotations.update((name, fitted[:, k]) for k, name in enumerate(names))
    away = _outer_moving(motion, seam) - _moving(motion.locations, seam.frame, inward)
    locations = motion.locations + weights[:, None] * away
    if free:  # nothing waits at the other end: the way goes on beside where it was
        up = rotate(inverse(motion.root_rest), np.array([0.0, 1.0, 0.0]))
        level = away - up * (away @ up)
        locations += (_drift(len(motion), seam.frame, reach) - weights)[:, None] * level
    return replace(motion, rotations=rotations, locations=locations)


def _shared(motion: RigMotion, seam: BlendFrame) -> list[str]:
    """The controls that the neighbour has too."""
    return [n for n in motion.rotations if all(n in pose.rotations for pose in seam.outside)]


def _together(motion: RigMotion, names: Sequence[str]) -> Array:
    """Rotations (T, C, 4) of some controls; as one they are fitted many times faster."""
    if not names:
        return np.zeros((len(motion), 0, 4))
    return np.stack([motion.rotations[name] for name in names], axis=1)


def _with_turning(q: Array, frame: int, wanted: Array, weights: Array) -> Array:
    """Rotations (T, C, 4) that turn with ``wanted`` (C, 3) radians a frame at an end of theirs.

    Args:
        q: the rotations.
        frame: first or last index.
        wanted: away from the end, into the motion.
        weights: (T,) nothing at ``frame``, with a slope of one there.
    """
    inward, added = _inward(frame), np.zeros_like(wanted)
    out = q
    for _ in range(_ROUNDS):  # turns do not add up like numbers, but nearly
        added = added + wanted - _turning(out, frame, inward)
        out = continuous(multiply(q, from_log(weights[:, None, None] * added)))
    return out


def _inward(frame: int) -> int:
    """Step from a seam into the take."""
    return 1 if frame == 0 else -1


def _room(count: int, frame: int, kept: Collection[int], reach: float) -> float:
    """Frames from a seam to the next frame that may not change, at most ``reach``."""
    others = [abs(k - frame) for k in kept if k != frame]
    return float(min([reach, count - 1, *others]))


def bump(count: int, frame: int, reach: float) -> Array:
    """Weights (T,): 0 at the seam with a slope of one, 0 from ``reach`` on, smooth between."""
    away: Array = np.abs(np.arange(count, dtype=np.float64) - frame)
    left = _left(away, reach)
    return _with_slope(away * left**3, frame)


def _drift(count: int, frame: int, reach: float) -> Array:
    """Weights (T,): 0 at the seam with a slope of one, the same from ``reach`` on."""
    away: Array = np.abs(np.arange(count, dtype=np.float64) - frame)
    left = _left(away, reach)
    return _with_slope(1 - left**4, frame)


def _left(away: Array, reach: float) -> Array:
    """1 at the seam, 0 from ``reach`` on."""
    out: Array = np.clip(1.0 - away / reach, 0.0, 1.0)
    return out


def _with_slope(weights: Array, frame: int) -> Array:
    """Weights (T,) scaled so that their speed at the seam, as measured here, is one."""
    slope = float(_moving(weights[:, None], frame, _inward(frame))[0])
    return weights / slope if slope > 1e-9 else 0 * weights


def _turning(q: Array, frame: int, step: int) -> Array:
    """Turning speeds (C, 3) in radians a frame at an end of rotations (T, C, 4), going inward."""
    near, far = (to_log(multiply(inverse(q[frame]), q[frame + k * step])) for k in (1, 2))
    return 2 * near - 0.5 * far


def inward_speed(places: Array, frame: int) -> Array:
    """Speed (3,) a frame of places (T, 3) at their first or last frame, going inward."""
    return _moving(places, frame, _inward(frame))


def _moving(places: Array, frame: int, step: int) -> Array:
    """Speed (3,) a frame at an end of places (T, 3), going inward."""
    near, far = (places[frame + k * step] - places[frame] for k in (1, 2))
    return 2 * near - 0.5 * far


def _outer_turning(q: Array, names: Sequence[str], seam: BlendFrame) -> Array:
    """The neighbour's turning speeds (C, 3) of some controls, going into the take."""
    poses = [
        np.array([pose.rotations[name] for name in names]).reshape(-1, 4) for pose in seam.outside
    ]
    back = inverse(q[seam.frame])
    near, far = (to_log(multiply(back, normalise(turns))) for turns in poses)
    return 0.5 * far - 2 * near


def _outer_moving(motion: RigMotion, seam: BlendFrame) -> Array:
    """The neighbour's root's speed (3,), going into the take."""
    here = motion.locations[seam.frame]
    near, far = (np.array(pose.root_location) - here for pose in seam.outside)
    return 0.5 * far - 2 * near

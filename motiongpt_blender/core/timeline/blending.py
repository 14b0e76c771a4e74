"""Blending: where a take meets animation that stays, its speed is made continuous.

At a blend frame the take already has its neighbour's pose, since that was a marked pose. Here
a small residual is added that is zero at the frame itself, makes up for the difference of
speed there, and fades within ``REACH``, before the next marked pose.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass, replace
from typing import Final

import numpy as np

from ..body.rotations import Array, continuous, from_log, inverse, multiply, normalise, to_log
from ..pose_constraints.rig_pose import RigPose
from ..rig.kinematics import local_up
from ..rig.rig_description import RigMotion

#: Seconds within which the residual of a difference of speed fades.
REACH: Final = 0.5
#: Iterations in which the residual of rotations is corrected: they do not add up like numbers.
_ITERATIONS: Final = 3


@dataclass(frozen=True)
class BlendFrame:
    """A frame that a take shares with animation that stays.

    Attributes:
        frame: index of the frame in the take, its first or its last.
        outside: the neighbour's poses, one and two frames away from the take.
    """

    frame: int
    outside: tuple[RigPose, RigPose]


@dataclass(frozen=True)
class BlendReport:
    """The jump in speed at a blend frame, before and after blending.

    Attributes:
        frame: index of the frame in the take.
        degrees: mean jump in angular speed over the controls, degrees a second.
        cm: jump in the root's speed, centimetres of the model a second.
        degrees_left: ``degrees`` after blending.
        cm_left: ``cm`` after blending.
    """

    frame: int
    degrees: float
    cm: float
    degrees_left: float
    cm_left: float


def blend_speeds(
    motion: RigMotion, blend_frames: Sequence[BlendFrame], kept: Collection[int] = ()
) -> tuple[RigMotion, tuple[BlendReport, ...]]:
    """The motion with its neighbours' speeds at the blend frames.

    Args:
        motion: has its neighbours' poses at the blend frames.
        blend_frames: the first frame, the last, or both.
        kept: indices of frames that may not change: the marked poses.
    """
    reports: list[BlendReport] = []
    for blend in blend_frames:
        reach = _room(len(motion), blend.frame, kept, REACH * motion.fps)
        if reach < 2:
            continue
        before = speed_jump(motion, blend)
        free = not any(k != blend.frame for k in kept)
        motion = _blend(motion, blend, reach, free=free)
        after = speed_jump(motion, blend)
        reports.append(BlendReport(blend.frame, *before, *after))
    return motion, tuple(reports)


def speed_jump(motion: RigMotion, blend: BlendFrame) -> tuple[float, float]:
    """Jump at a blend frame: degrees a second (mean over the controls), centimetres a second."""
    inward = _inward(blend.frame)
    names = _common_controls(motion, blend)
    q = _stack(motion, names)
    jump = _angular_speed(q, blend.frame, inward) - _outer_angular_speed(q, names, blend)
    away = _speed(motion.locations, blend.frame, inward) - _outer_speed(motion, blend)
    degrees = float(np.degrees(np.linalg.norm(jump, axis=-1).mean())) if names else 0.0
    return degrees * motion.fps, 100 * float(np.linalg.norm(away)) * motion.fps / motion.scale


def _blend(motion: RigMotion, blend: BlendFrame, reach: float, *, free: bool) -> RigMotion:
    inward = _inward(blend.frame)
    weights = bump(len(motion), blend.frame, reach)
    rotations = dict(motion.rotations)
    names = _common_controls(motion, blend)
    q = _stack(motion, names)
    blended = _with_angular_speed(q, blend.frame, _outer_angular_speed(q, names, blend), weights)
    rotations.update((name, blended[:, k]) for k, name in enumerate(names))
    away = _outer_speed(motion, blend) - _speed(motion.locations, blend.frame, inward)
    locations = motion.locations + weights[:, None] * away
    if free:  # no pose follows: the path goes on beside its old one
        up = local_up(motion)
        level = away - up * (away @ up)
        locations += (_drift(len(motion), blend.frame, reach) - weights)[:, None] * level
    return replace(motion, rotations=rotations, locations=locations)


def _common_controls(motion: RigMotion, blend: BlendFrame) -> list[str]:
    """The controls that the neighbour has too."""
    return [n for n in motion.rotations if all(n in pose.rotations for pose in blend.outside)]


def _stack(motion: RigMotion, names: Sequence[str]) -> Array:
    """Rotations (T, C, 4) of some controls; together they are blended many times faster."""
    if not names:
        return np.zeros((len(motion), 0, 4))
    return np.stack([motion.rotations[name] for name in names], axis=1)


def _with_angular_speed(q: Array, frame: int, wanted: Array, weights: Array) -> Array:
    """Rotations (T, C, 4) with angular speeds ``wanted`` (C, 3), radians a frame, at an end.

    Args:
        q: the rotations.
        frame: first or last index.
        wanted: speeds away from the end, into the motion.
        weights: (T,) zero at ``frame``, with a slope of one there.
    """
    inward, added = _inward(frame), np.zeros_like(wanted)
    out = q
    for _ in range(_ITERATIONS):
        added = added + wanted - _angular_speed(out, frame, inward)
        out = continuous(multiply(q, from_log(weights[:, None, None] * added)))
    return out


def _inward(frame: int) -> int:
    """Step from a blend frame into the take."""
    return 1 if frame == 0 else -1


def _room(count: int, frame: int, kept: Collection[int], reach: float) -> float:
    """Frames from a blend frame to the next that may not change, at most ``reach``."""
    others = [abs(k - frame) for k in kept if k != frame]
    return float(min([reach, count - 1, *others]))


def bump(count: int, frame: int, reach: float) -> Array:
    """Weights (T,): 0 at ``frame`` with a slope of one, 0 from ``reach`` on, smooth between."""
    away: Array = np.abs(np.arange(count, dtype=np.float64) - frame)
    return _with_unit_slope(away * _fade(away, reach) ** 3, frame)


def _drift(count: int, frame: int, reach: float) -> Array:
    """Weights (T,): 0 at ``frame`` with a slope of one, constant from ``reach`` on."""
    away: Array = np.abs(np.arange(count, dtype=np.float64) - frame)
    return _with_unit_slope(1 - _fade(away, reach) ** 4, frame)


def _fade(away: Array, reach: float) -> Array:
    """1 at the blend frame, 0 from ``reach`` on, linear between."""
    out: Array = np.clip(1.0 - away / reach, 0.0, 1.0)
    return out


def _with_unit_slope(weights: Array, frame: int) -> Array:
    """Weights (T,) scaled so that their speed at a frame, as measured here, is one."""
    slope = float(_speed(weights[:, None], frame, _inward(frame))[0])
    return weights / slope if slope > 1e-9 else 0 * weights


def _angular_speed(q: Array, frame: int, step: int) -> Array:
    """Angular speeds (C, 3), radians a frame, at an end of rotations (T, C, 4), going inward."""
    near, far = (to_log(multiply(inverse(q[frame]), q[frame + k * step])) for k in (1, 2))
    return 2 * near - 0.5 * far


def inward_speed(positions: Array, frame: int) -> Array:
    """Speed (3,) a frame of positions (T, 3) at their first or last frame, going inward."""
    return _speed(positions, frame, _inward(frame))


def _speed(positions: Array, frame: int, step: int) -> Array:
    """Speed (C,) a frame at an end of positions (T, C), going inward; of second order."""
    near, far = (positions[frame + k * step] - positions[frame] for k in (1, 2))
    return 2 * near - 0.5 * far


def _outer_angular_speed(q: Array, names: Sequence[str], blend: BlendFrame) -> Array:
    """The neighbour's angular speeds (C, 3) of some controls, going into the take."""
    poses = [
        np.array([pose.rotations[name] for name in names]).reshape(-1, 4) for pose in blend.outside
    ]
    back = inverse(q[blend.frame])
    near, far = (to_log(multiply(back, normalise(q))) for q in poses)
    return 0.5 * far - 2 * near


def _outer_speed(motion: RigMotion, blend: BlendFrame) -> Array:
    """The neighbour's root's speed (3,), going into the take."""
    location = motion.locations[blend.frame]
    near, far = (np.array(pose.root_location) - location for pose in blend.outside)
    return 0.5 * far - 2 * near

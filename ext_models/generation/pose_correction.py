"""The final correction of a clip: it passes exactly through the poses it was asked for.

What the rig does with its controls happens here with joints, for clips that are written to
files. Between poses the correction is smooth, away from them it fades; bones keep their
length where the pose has the same. Where poses are placed the path is bent towards them.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

import numpy as np
from numpy.typing import NDArray
from scipy.interpolate import PchipInterpolator

from motiongpt_blender.core.body.motion import heading
from motiongpt_blender.core.body.rotations import (
    about_y,
    between,
    from_log,
    normalise,
    rotate,
    to_log,
    wrap_angle,
)

from .body_bones import BodyBones
from .request import PoseCondition

Array = NDArray[np.floating]

#: Frames over which the correction of a body fades away from a pose (0.75 s).
REACH: Final = 15


def meet_poses(joints: NDArray[np.float32], poses: Sequence[PoseCondition]) -> NDArray[np.float32]:
    """A motion (T, 22, 3) corrected to pass through poses, one a frame, ascending.

    The first pose says where the others stand, if they are placed. A pose that is not keeps
    the place and the heading that the motion has there; its height counts.
    """
    if not poses:
        return joints
    frames = np.array([pose.frame for pose in poses])
    targets = np.stack([_target(joints, pose, poses[0]) for pose in poses])
    body, goal = BodyBones.of(joints), BodyBones.of(targets)
    count, off = len(joints), goal.path - body.path[frames]
    turn = _along(count, frames, wrap_angle(goal.facing - body.facing[frames]))
    moved = body.path + _along(count, frames, off)
    moved[:, 1] = body.path[:, 1] + _near(count, frames, off[:, 1])
    bones = _corrected(body.bones, frames, goal.bones)
    return BodyBones(moved, body.facing + turn, bones).joints().astype(np.float32)


def _target(joints: Array, pose: PoseCondition, first: PoseCondition) -> Array:
    """A pose (22, 3) where it is to stand in the motion's own world."""
    body, target = joints[pose.frame], pose.joints.astype(np.float64)
    if pose is first or not pose.placed:
        turn = about_y(np.asarray(heading(body) - heading(target)))
        at = body[0] * np.array([1, 0, 1]) + target[0] * np.array([0, 1, 0])
        return rotate(np.broadcast_to(turn, (len(target), 4)), target - target[0]) + at
    # Seen from the first pose, wherever the motion has that.
    begin = joints[first.frame]
    turn = about_y(np.asarray(heading(begin) - heading(first.joints)))
    flat = np.array([1, 0, 1])
    away = target - first.joints[0] * flat
    return rotate(np.broadcast_to(turn, (len(target), 4)), away) + begin[0] * flat


def _along(count: int, frames: NDArray[np.intp], values: Array) -> Array:
    """Values at some frames carried over all (count, ...), the ends held."""
    if len(frames) == 1:
        return np.broadcast_to(values[0], (count, *values.shape[1:])).copy()
    inside = np.clip(np.arange(count), frames[0], frames[-1])
    return _smooth(frames, values, inside)


def _near(count: int, frames: NDArray[np.intp], values: Array) -> Array:
    """Values at some frames that fade to nothing away from them, (count, ...)."""
    knots = {int(f): v for f, v in zip(frames, values, strict=True)}
    nothing = np.zeros_like(values[0])
    before = [-np.inf, *frames[:-1]]
    behind = [*frames[1:], np.inf]
    for frame, last, following in zip(frames, before, behind, strict=True):
        if frame - last > 2 * REACH:
            knots.setdefault(int(frame) - REACH, nothing)
        if following - frame > 2 * REACH:
            knots.setdefault(int(frame) + REACH, nothing)
    at = sorted(knots)
    inside = np.clip(np.arange(count), at[0], at[-1])
    return _smooth(np.array(at), np.stack([knots[k] for k in at]), inside)


def _smooth(frames: NDArray[np.intp], values: Array, at: NDArray[np.intp]) -> Array:
    """Values (K, ...) at some frames, led from each to the next without overshooting."""
    return PchipInterpolator(frames, values, axis=0)(at).astype(np.float64)


def _corrected(bones: Array, frames: NDArray[np.intp], goal: Array) -> Array:
    """Bones (T, 21, 3) turned and stretched to be those of ``goal`` (K, 21, 3) at its frames."""
    current = bones[frames]
    turns = to_log(between(normalise(current), normalise(goal)))
    lengths = np.linalg.norm(goal, axis=-1) / np.maximum(np.linalg.norm(current, axis=-1), 1e-9)
    turn = from_log(_near(len(bones), frames, turns))
    stretch = np.exp(_near(len(bones), frames, np.log(np.maximum(lengths, 1e-6))))
    turned = rotate(turn, bones) * stretch[..., None]
    turned[frames] = goal  # the last digits that angles lose
    return turned

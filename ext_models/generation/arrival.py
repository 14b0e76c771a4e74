"""Arrivals: a motion moves into an unusual pose, and out of it, as early as the pose is far.

A model that knows few poses keeps walking until a marked pose is due and snaps into it in its
last frames. So where the body has not been near the pose before, it is turned towards it over a
window that follows from the distance. A pose that the motion passes anyway, such as a stride in
a walk, is left to the motion; so are the legs of a stride whose arms alone are unusual.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from itertools import pairwise
from typing import Final

import numpy as np
from numpy.typing import NDArray

from motiongpt_blender.core.body.motion import heading
from motiongpt_blender.core.body.rotations import between, from_log, normalise, rotate, to_log
from motiongpt_blender.core.body.skeleton import CHAINS, JOINT_COUNT, Joint
from motiongpt_blender.core.body.smoothing import smoothstep

from .body_bones import Array, BodyBones
from .request import PoseCondition
from .schedule import FAR, approach_frames, is_stride

#: Frames before a pose in which being near it is too late, and frames before it that count.
LATE: Final = 12
LOOK_BACK: Final = 28
#: Metres of the farthest joint from which an arm is far from a pose; for bodies see ``FAR``.
FAR_ARM: Final = 0.15

#: Shoulder, elbow and wrist of each arm.
_ARMS: Final = tuple(chain[2:] for chain in CHAINS[3:])


def ease_into_poses(
    joints: NDArray[np.float32], poses: Sequence[PoseCondition]
) -> NDArray[np.float32]:
    """A motion (T, 22, 3) that moves into poses, ascending, and out of them in time."""
    last = len(joints) - 1
    frames = [-1, *(pose.frame for pose in poses), last + 1]
    for pose, (before, _), (_, after) in zip(
        poses, pairwise(frames), pairwise(frames[1:]), strict=False
    ):
        joints = _eased(joints, pose, pose.frame, pose.frame - before - 1)
        backwards = _eased(joints[::-1], pose, last - pose.frame, after - pose.frame - 1)
        joints = backwards[::-1]
    return joints


def _eased(
    joints: NDArray[np.float32], pose: PoseCondition, frame: int, room: int
) -> NDArray[np.float32]:
    """The motion turned to a pose at a frame, within so many frames before it."""
    if room <= LATE:
        return joints
    motion = BodyBones.of(joints)
    goal = BodyBones.of(pose.joints[None])
    looked = slice(max(frame - LOOK_BACK, frame - room), frame - LATE + 1)
    windows = _windows(motion, pose, looked)
    if not windows.any():
        return joints
    windows = np.minimum(windows, room)
    at = np.arange(frame + 1)[:, None]
    weights = smoothstep(1 - (frame - at) / np.maximum(windows, 1)) * (windows > 0)
    weights = np.concatenate([weights, np.zeros((len(joints) - len(weights), JOINT_COUNT))])
    weights[frame + 1 :] = 0.0
    return _turned(motion, goal, weights, looked).joints().astype(np.float32)


def _windows(motion: BodyBones, pose: PoseCondition, looked: slice) -> Array:
    """Frames (22,) over which each joint is turned; 0 where the motion was near the pose."""
    windows, goal = np.zeros(JOINT_COUNT), BodyBones.of(pose.joints[None])
    bound = np.ones(JOINT_COUNT, bool) if pose.bound is None else pose.bound
    here, there = motion.on_the_spot[looked], goal.on_the_spot
    for shoulder, *arm in _ARMS:
        apart = (here - here[:, shoulder, None]) - (there - there[:, shoulder, None])
        farthest = _nearest(apart[:, [joint for joint in arm if bound[joint]]])
        if farthest > FAR_ARM:
            windows[arm] = approach_frames(max(farthest, FAR))
    if bound[Joint.PELVIS]:
        up = np.array([0, 1, 0])
        apart = here + motion.path[looked, None] * up - there - goal.path[:, None] * up
        legs = [j for chain in CHAINS[:3] for j in chain]
        if _nearest(apart[:, legs]) > FAR:
            windows[:] = approach_frames(_nearest(apart))
        elif windows.any() and not is_stride(pose.joints):
            windows[:] = windows.max()
    return np.where(bound, windows, 0.0)


def _nearest(apart: Array) -> float:
    """Metres of the farthest joint in the nearest of some frames, of offsets (T, J, 3)."""
    if not apart.shape[1]:
        return 0.0
    return float(np.linalg.norm(apart, axis=-1).max(-1).min())


def _turned(motion: BodyBones, goal: BodyBones, weights: Array, looked: slice) -> BodyBones:
    """The motion with its bones turned to a pose by weights (T, 22).

    The pelvis gets the height at which the lowest joint is as high as before, so that nobody
    sinks or floats while the legs bend.
    """
    share = weights[:, 1:, None]
    aim = normalise(goal.bones)
    # One rotation for all frames: a swinging arm should not choose its way anew in each of them.
    common = to_log(between(normalise(motion.bones[looked].mean(0)), aim[0]))
    rest = to_log(between(rotate(from_log(common)[None], normalise(motion.bones)), aim))
    bones = rotate(from_log(share * rest), rotate(from_log(share * common), motion.bones))
    turned = BodyBones(motion.path.copy(), motion.facing, bones)
    turned = replace(turned, facing=motion.facing - heading(turned.on_the_spot))
    lowest, lowest_goal = motion.on_the_spot[..., 1].min(-1), goal.on_the_spot[..., 1].min()
    drop = weights[:, 0]
    above = (1 - drop) * (motion.path[:, 1] + lowest) + drop * (goal.path[0, 1] + lowest_goal)
    height = above - turned.on_the_spot[..., 1].min(-1)
    turned.path[:, 1] = np.where(drop > 0, height, motion.path[:, 1])
    return turned

"""Arrivals: a motion moves into an unusual pose, and out of it, as early as the pose is far.

A model that knows few poses keeps walking until a marked pose is due and snaps into it in its
last frames. So where the body has not been near the pose before, it is turned towards it over a
window that follows from the distance, and a body that goes down too fast is slowed. The window
grows until half of the change is done in time and no joint is too fast. A pose that the motion
passes anyway, such as a stride in a walk, is left to the motion; so are the legs of a stride
whose arms alone are unusual.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import pairwise
from typing import Final

import numpy as np
from numpy.typing import NDArray

from motiongpt_blender.core.body.motion import MODEL_FPS, heading
from motiongpt_blender.core.body.rotations import (
    LEVEL,
    UP,
    between,
    from_log,
    normalise,
    rotate,
    to_log,
)
from motiongpt_blender.core.body.skeleton import CHAINS, JOINT_COUNT, Joint
from motiongpt_blender.core.body.smoothing import smoothstep

from .body_bones import Array, BodyBones
from .request import PoseCondition
from .retiming import joint_speeds, slowed_down
from .schedule import FAR, SHORT, UPRIGHT, approach_frames, is_stride

#: Frames before a pose in which being near it is too late, and frames before it that count.
LATE: Final = 12
LOOK_BACK: Final = 28
#: Metres of the farthest joint from which an arm is far from a pose; for bodies see ``FAR``.
FAR_ARM: Final = 0.15
#: Frames before a pose in which half of the change to it is done.
HALF_DONE: Final = 13
#: m/s of a joint that an approach is slowed down to, and at which its window grows. On rigs the
#: joints are up to half a metre a second faster.
COMFORTABLE, MOST_SPEED = 2.3, 2.5
#: By how much a window grows while an approach is late or too fast, and how often.
GROWTH: Final = 1.25
GROWS: Final = 5

#: Shoulder, elbow and wrist of each arm.
_ARMS: Final = tuple(chain[2:] for chain in CHAINS[3:])
_LEGS: Final = [joint for chain in CHAINS[:3] for joint in chain]


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


@dataclass(frozen=True)
class _Approach:
    """How a motion moves into a pose.

    Attributes:
        windows: (22,) frames over which each joint is turned; 0 where the motion is left alone.
        settles: whether the legs are far as well, so that the body gets to its place meanwhile.
    """

    windows: Array
    settles: bool = False

    def within(self, room: int) -> _Approach:
        """The same with windows of at most so many frames."""
        return replace(self, windows=np.minimum(self.windows, room))

    @property
    def frames(self) -> int:
        """Frames that it takes; 0 for none."""
        return round(float(self.windows.max()))


def _eased(
    joints: NDArray[np.float32], pose: PoseCondition, frame: int, room: int
) -> NDArray[np.float32]:
    """The motion turned to a pose at a frame, within so many frames before it."""
    if room <= LATE:
        return joints
    motion = BodyBones.of(joints)
    looked = slice(max(frame - LOOK_BACK, frame - room), frame - LATE + 1)
    approach = _approach(motion, pose, looked).within(room)
    if not approach.frames:  # a body that goes down in time may still fall
        low = pose.bound is None and pose.joints[0, 1] < UPRIGHT
        return slowed_down(joints, looked.start, frame, COMFORTABLE) if low else joints
    eased = joints
    for _ in range(GROWS):
        eased = _moved_in(motion, pose, frame, approach, looked)
        if approach.settles:  # legs that go on keep their pace
            eased = slowed_down(eased, frame - approach.frames, frame, COMFORTABLE)
        if approach.frames == room or _in_time(eased[frame - room : frame + 1], pose, approach):
            break
        approach = replace(approach, windows=GROWTH * approach.windows).within(room)
    return eased


def _in_time(part: Array, pose: PoseCondition, approach: _Approach) -> bool:
    """Whether a motion is half way to the pose of its last frame in time, and not too fast."""
    turned = approach.windows > 0
    apart = np.linalg.norm(_offsets(BodyBones.of(part), pose)[:, turned], axis=-1).mean(-1)
    change = max(float(apart[0]), float(np.median(apart[: len(apart) // 2])))
    late = bool((apart[-HALF_DONE - 1 :] > 0.5 * change).any())
    fastest = joint_speeds(part[-LOOK_BACK:, turned], MODEL_FPS).max()
    return not late and bool(fastest <= MOST_SPEED)


def _approach(motion: BodyBones, pose: PoseCondition, looked: slice) -> _Approach:
    """How early each joint has to move; the looked-at frames were near the pose or not."""
    windows, goal = np.zeros(JOINT_COUNT), BodyBones.of(pose.joints[None])
    bound = np.ones(JOINT_COUNT, bool) if pose.bound is None else pose.bound
    here, there = motion.on_the_spot[looked], goal.on_the_spot
    travel = motion.path[looked]
    passes = bool(np.linalg.norm((travel[-1] - travel[0])[[0, 2]]) > SHORT)
    for shoulder, *arm in _ARMS:
        apart = (here - here[:, shoulder, None]) - (there - there[:, shoulder, None])
        farthest = _farthest(apart[:, [joint for joint in arm if bound[joint]]], passes=passes)
        if farthest > FAR_ARM:
            windows[arm] = approach_frames(max(farthest, FAR))
    settles = False
    if bound[Joint.PELVIS]:
        apart = _offsets(motion, pose)[looked]
        settles = _farthest(apart[:, _LEGS]) > FAR
        if settles:
            windows[:] = approach_frames(_farthest(apart))
        elif windows.any() and not is_stride(pose.joints):
            windows[:] = windows.max()
    return _Approach(np.where(bound, windows, 0.0), settles)


def _offsets(motion: BodyBones, pose: PoseCondition) -> Array:
    """Offsets (T, 22, 3) of a motion's joints from a pose, wherever it stands."""
    goal = BodyBones.of(pose.joints[None])
    here = motion.on_the_spot + motion.path[:, None] * UP
    return here - goal.on_the_spot - goal.path[:, None] * UP


def _farthest(apart: Array, *, passes: bool = True) -> float:
    """Metres of the farthest joint, of offsets (T, J, 3).

    In the nearest frame of a motion that passes by; in the middle one of arms that stay where
    they are, as they pass no pose.
    """
    if not apart.shape[1]:
        return 0.0
    farthest = np.linalg.norm(apart, axis=-1).max(-1)
    return float(farthest.min() if passes else np.median(farthest))


def _moved_in(
    motion: BodyBones, pose: PoseCondition, frame: int, approach: _Approach, looked: slice
) -> NDArray[np.float32]:
    """The motion whose joints are turned to a pose at a frame."""
    at, windows = np.arange(len(motion.path))[:, None], approach.windows
    weights = smoothstep(1 - (frame - at) / np.maximum(windows, 1)) * (windows > 0)
    weights[frame + 1 :] = 0.0
    if approach.settles:  # or it would slide into place when it lies or kneels already
        left = (motion.path[frame] - motion.path) * LEVEL
        motion = replace(motion, path=motion.path + weights[:, :1] * left)
    goal = BodyBones.of(pose.joints[None])
    return _turned(motion, goal, weights, looked).joints().astype(np.float32)


def _turned(motion: BodyBones, goal: BodyBones, weights: Array, looked: slice) -> BodyBones:
    """The motion with its bones turned to a pose by weights (T, 22).

    Decoded bones are a little too long or too short; they get the length of the pose's. The
    pelvis gets the height at which the lowest joint is as high as before, so that nobody sinks
    or floats while the legs bend.
    """
    share = weights[:, 1:, None]
    aim, length = normalise(goal.bones), np.linalg.norm(goal.bones, axis=-1, keepdims=True)
    # One rotation for all frames: a swinging arm should not choose its way anew in each of them.
    common = to_log(between(normalise(motion.bones[looked].mean(0)), aim[0]))
    rest = to_log(between(rotate(from_log(common)[None], normalise(motion.bones)), aim))
    bones = rotate(from_log(share * rest), rotate(from_log(share * common), motion.bones))
    lengths = np.maximum(np.linalg.norm(bones, axis=-1, keepdims=True), 1e-9)
    bones = bones * (1 + share * (length / lengths - 1))
    turned = BodyBones(motion.path.copy(), motion.facing, bones)
    turned = replace(turned, facing=motion.facing - heading(turned.on_the_spot))
    lowest, lowest_goal = motion.on_the_spot[..., 1].min(-1), goal.on_the_spot[..., 1].min()
    drop = weights[:, 0]
    above = (1 - drop) * (motion.path[:, 1] + lowest) + drop * (goal.path[0, 1] + lowest_goal)
    height = above - turned.on_the_spot[..., 1].min(-1)
    turned.path[:, 1] = np.where(drop > 0, height, motion.path[:, 1])
    return turned

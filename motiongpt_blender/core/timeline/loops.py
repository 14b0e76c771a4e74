"""Loops: a take that ends as it begins, so that it can be repeated.

The body closes; its path over the floor does not have to: each cycle of a walk begins where
the last one ended. Marked poses and blend frames close a loop; they are found here.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Final

import numpy as np

from ..body.motion import remove_heading
from ..body.rotations import (
    LEVEL,
    Array,
    about_y,
    from_local_basis,
    from_log,
    inverse,
    local_basis,
    multiply,
    normalise,
    rotate,
    slerp,
    to_log,
    wrap_angle,
    yaw_angle,
)
from ..pose_constraints.rig_pose import Quaternion, RigPose, pose_at
from ..rig.kinematics import local_up
from ..rig.rig_description import RigMotion
from .blending import BlendFrame

#: Seconds generated beyond the loop, from which the best span is chosen.
SPARE_SECONDS: Final = 1.5
#: Weight in seconds of speeds beside distances where two frames are compared.
_SPEED_SECONDS: Final = 0.1


def best_loop_start(joints: Array, count: int, fps: float) -> int:
    """First frame of the ``count`` frames whose last is most like their first.

    Args:
        joints: (T, 22, 3) metres, y up; position and heading do not count.
        count: frames of the loop, at most T.
        fps: frames a second.
    """
    bodies = remove_heading(joints, joints - joints[:, :1] * LEVEL)
    speed = np.gradient(joints, axis=0) * fps if len(joints) > 1 else 0 * joints
    moves = remove_heading(joints, speed) * _SPEED_SECONDS
    starts = np.arange(len(joints) - count + 1)
    ends = starts + count - 1
    away = np.linalg.norm(bodies[ends] - bodies[starts], axis=-1).mean(1)
    away += np.linalg.norm(moves[ends] - moves[starts], axis=-1).mean(1)
    return int(np.argmin(away))


def loop_end_poses(motion: RigMotion, start: RigPose | None = None) -> tuple[RigPose, RigPose]:
    """The poses of the first and the last frame with which a motion is a loop.

    Args:
        motion: as the model gave it.
        start: the pose marked at the first frame; None takes the middle between both ends.
    """
    first, last = pose_at(motion, 0), pose_at(motion, len(motion) - 1)
    if start is None:
        start = _middle_pose(motion, first, last)
    up = local_up(motion)
    travel = np.array(last.root_location) - np.array(first.root_location)
    travel = travel - up * (travel @ up)
    turned, aside = _yaw_between(motion, first, last), _yaw_between(motion, first, start)
    # An arc walked without its turn is a straight line in the middle of both directions.
    rotation = local_basis(about_y(np.array(aside - turned / 2)), motion.root_rest)
    x, y, z = (float(v) for v in np.array(start.root_location) + rotate(rotation, travel))
    return start, replace(start, root_location=(x, y, z))


def loop_blend_frames(motion: RigMotion) -> tuple[BlendFrame, BlendFrame]:
    """Blend frames at both ends that give them one speed: the mean of what they have.

    Args:
        motion: begins and ends in the same pose; positions may differ.
    """
    last = len(motion) - 1
    back = motion.locations[0] - motion.locations[last]
    after: list[RigPose] = []
    before: list[RigPose] = []
    for step in (1, 2):
        one, other = pose_at(motion, last - step), pose_at(motion, step)
        before.append(_mean_speed_pose(motion, 0, one, other, back))
        after.append(_mean_speed_pose(motion, last, other, one, -back))
    return BlendFrame(0, (before[0], before[1])), BlendFrame(last, (after[0], after[1]))


def _mean_speed_pose(
    motion: RigMotion, frame: int, outer: RigPose, inner: RigPose, offset: Array
) -> RigPose:
    """The pose outside a blend frame that gives the mean speed of both its sides.

    Args:
        motion: the loop.
        frame: the blend frame.
        outer: some frames further round the loop.
        inner: as many frames into the take from the blend frame.
        offset: (3,) from the far end's location to the blend frame's.
    """
    names = list(motion.rotations)
    here = np.array([motion.rotations[name][frame] for name in names])
    back = inverse(here)
    out, into = (
        to_log(multiply(back, np.array([pose.rotations[name] for name in names])))
        for pose in (outer, inner)
    )
    middle = multiply(here, from_log(0.5 * (out - into))).tolist()
    rotations = {name: (w, x, y, z) for name, (w, x, y, z) in zip(names, middle, strict=True)}
    location = motion.locations[frame]
    away, near = np.array(outer.root_location) + offset, np.array(inner.root_location)
    x, y, z = (float(v) for v in location + 0.5 * ((away - location) - (near - location)))
    return RigPose(rotations, (x, y, z))


def _middle_pose(motion: RigMotion, first: RigPose, last: RigPose) -> RigPose:
    """The pose half way from the first to the last, at the first one's position and heading."""
    half = np.array(0.5)
    turn = about_y(np.array(-_yaw_between(motion, first, last)))
    turned = {motion.root: motion.root_rest, **motion.unparented}
    rotations: dict[str, Quaternion] = {}
    for name, q in first.rotations.items():
        other = np.array(last.rotations[name])
        if name in turned:  # as if the last pose had the heading of the first
            other = multiply(local_basis(turn, turned[name]), other)
        w, x, y, z = (float(v) for v in normalise(slerp(np.array(q), other, half)))
        rotations[name] = (w, x, y, z)
    up = local_up(motion)
    a, b = np.array(first.root_location), np.array(last.root_location)
    x, y, z = (float(v) for v in a + 0.5 * up * ((b - a) @ up))
    return RigPose(rotations, (x, y, z))


def _yaw_between(motion: RigMotion, one: RigPose, other: RigPose) -> float:
    """Radians about the vertical from one pose's heading to another's, -pi to pi."""
    first, second = (
        from_local_basis(np.array(p.rotations[motion.root]), motion.root_rest) for p in (one, other)
    )
    return float(wrap_angle(yaw_angle(multiply(second, inverse(first)))))

"""Loops: a take that ends as it begins, so that it can be played round and round.

The body closes; its way over the floor does not have to: a walk goes on, cycle by cycle,
where the last one ended. Closing is done by marked poses and seams; this says which.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Final

import numpy as np

from ..body.motion import heading
from ..body.rotations import (
    Array,
    about_y,
    from_log,
    inverse,
    multiply,
    normalise,
    rotate,
    slerp,
    to_log,
)
from ..pose_constraints.correction import RigPose, pose_at
from ..rig.rig_description import RigMotion
from .blending import BlendFrame

#: Seconds that the model is asked for beyond the loop, to choose the best stretch from.
SPARE_SECONDS: Final = 1.5
#: Seconds by which speeds count beside distances when two moments are compared.
_SPEED_SECONDS: Final = 0.1
_UP: Final = np.array([0.0, 1.0, 0.0])


def best_stretch(joints: Array, count: int, fps: float) -> int:
    """First frame of the ``count`` frames whose last is most like their first.

    Args:
        joints: (T, 22, 3) metres, y up; place and heading do not count.
        count: frames of the loop, at most T.
        fps: frames a second.
    """
    here = _in_own_frame(joints, joints)
    speed = np.gradient(joints, axis=0) * fps if len(joints) > 1 else 0 * joints
    moves = _in_own_frame(joints, speed, moved=False) * _SPEED_SECONDS
    starts = np.arange(len(joints) - count + 1)
    ends = starts + count - 1
    away = np.linalg.norm(here[ends] - here[starts], axis=-1).mean(1)
    away += np.linalg.norm(moves[ends] - moves[starts], axis=-1).mean(1)
    return int(np.argmin(away))


def _in_own_frame(joints: Array, vectors: Array, *, moved: bool = True) -> Array:
    """Vectors (T, 22, 3) seen by the body (T, 22, 3) at that frame: over its pelvis, ahead."""
    level = np.array([1.0, 0.0, 1.0])
    if moved:
        vectors = vectors - joints[:, :1] * level
    turn = about_y(-heading(joints))[:, None]
    return rotate(np.broadcast_to(turn, (*vectors.shape[:-1], 4)), vectors)


def loop_end_poses(motion: RigMotion, start: RigPose | None = None) -> tuple[RigPose, RigPose]:
    """The poses that the first and the last frame have to show.

    Args:
        motion: as the model gave it.
        start: the pose marked there; None takes the middle between both ends.
    """
    first, last = pose_at(motion, 0), pose_at(motion, len(motion) - 1)
    if start is None:
        start = _between(motion, first, last)
    begun, ended = (np.array(p.root_location) for p in (first, last))
    rest = motion.root_rest
    up = rotate(inverse(rest), _UP)
    way = ended - begun
    way = way - up * (way @ up)
    turned = _yaw_from(motion, first, last)
    aside = _yaw_from(motion, first, start)
    # An arc walked without its turn is a straight line in the middle of both directions.
    turn = multiply(multiply(inverse(rest), about_y(np.array(aside - turned / 2))), rest)
    place = np.array(start.root_location) + rotate(turn, way)
    x, y, z = (float(v) for v in place)
    return start, replace(start, root_location=(x, y, z))


def loop_blend_frames(motion: RigMotion) -> tuple[BlendFrame, BlendFrame]:
    """Seams at both ends that give them one speed: the middle of what they have.

    Args:
        motion: begins and ends in the same pose; places may differ.
    """
    last = len(motion) - 1
    back = motion.locations[0] - motion.locations[last]
    after: list[RigPose] = []
    before: list[RigPose] = []
    for step in (1, 2):
        one, other = pose_at(motion, last - step), pose_at(motion, step)
        before.append(_mirrored_middle(motion, 0, one, other, back))
        after.append(_mirrored_middle(motion, last, other, one, -back))
    return BlendFrame(0, (before[0], before[1])), BlendFrame(last, (after[0], after[1]))


def _mirrored_middle(
    motion: RigMotion, frame: int, outer: RigPose, inner: RigPose, moved: Array
) -> RigPose:
    """The pose outside a seam that goes on half as the outside does, half as the inside.

    Args:
        motion: the loop.
        frame: the seam.
        outer: some frames further round the loop.
        inner: as many frames into the take from the seam.
        moved: (3,) from the far end's place to the seam's.
    """
    names = list(motion.rotations)
    turned = np.array([motion.rotations[name][frame] for name in names])
    back = inverse(turned)
    out, into = (
        to_log(multiply(back, np.array([pose.rotations[name] for name in names])))
        for pose in (outer, inner)
    )
    middle = multiply(turned, from_log(0.5 * (out - into))).tolist()
    rotations = {name: (w, x, y, z) for name, (w, x, y, z) in zip(names, middle, strict=True)}
    here = motion.locations[frame]
    away, near = np.array(outer.root_location) + moved, np.array(inner.root_location)
    x, y, z = (float(v) for v in here + 0.5 * ((away - here) - (near - here)))
    return RigPose(rotations, (x, y, z))


def _between(motion: RigMotion, first: RigPose, last: RigPose) -> RigPose:
    """The first pose, half way to the last; place and heading stay the first one's."""
    half = np.array(0.5)
    rest = motion.root_rest
    turn = about_y(np.array(-_yaw_from(motion, first, last)))
    rotations: dict[str, tuple[float, float, float, float]] = {}
    for name, q in first.rotations.items():
        other = np.array(last.rotations[name])
        if name == motion.root:  # as if the last faced where the first does
            other = multiply(multiply(multiply(inverse(rest), turn), rest), other)
        w, x, y, z = (float(v) for v in normalise(slerp(np.array(q), other, half)))
        rotations[name] = (w, x, y, z)
    up = rotate(inverse(rest), _UP)
    a, b = np.array(first.root_location), np.array(last.root_location)
    x, y, z = (float(v) for v in a + 0.5 * up * ((b - a) @ up))
    return RigPose(rotations, (x, y, z))


def _yaw_from(motion: RigMotion, one: RigPose, other: RigPose) -> float:
    """Radians about the vertical from one pose's heading to another's, -pi to pi."""
    rest = motion.root_rest
    turns = [
        multiply(multiply(rest, np.array(p.rotations[motion.root])), inverse(rest))
        for p in (one, other)
    ]
    change = multiply(turns[1], inverse(turns[0]))
    angle = 2 * float(np.arctan2(change[2], change[0]))
    return float((angle + np.pi) % (2 * np.pi) - np.pi)

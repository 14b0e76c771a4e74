"""Turns of the body's parts, read from joint positions.

Every function compares a motion with the neutral pose and returns turns: quaternions
(T, 4) in model axes (y up) that carry the part from rest to where it is. A rig at rest
turned by them stands like the person, whatever its own rest pose.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np

from ..body.neutral_pose import DIRECTIONS, NEUTRAL
from ..body.rotations import (
    Array,
    between,
    cross,
    from_log,
    from_matrix,
    inverse,
    multiply,
    normalise,
    rotate,
    slerp,
)
from ..body.skeleton import Joint

#: Sine of the bend below which a knee or an elbow says nothing about its hinge, and above
#: which it says everything.
HINGE_BLIND: Final = 0.08
HINGE_SURE: Final = 0.35
#: Seconds over which the hinge's twist is smoothed while its plane is sure; the less sure,
#: the longer.
HINGE_SMOOTHING: Final = 0.04
#: Weight with which a twist goes back to nothing, beside a sure plane's 1.
HINGE_EASE: Final = 0.01
#: Share of the clavicle's and neck's motion that is passed on; data is rough there.
COLLAR_SHARE: Final = 0.4
NECK_SHARE: Final = 0.6
#: The most that toes bend back, radians.
MOST_TOE_BEND: Final = 0.9
#: Seconds over which that bend is smoothed: a toe leaves the floor within a frame or two.
TOE_SMOOTHING: Final = 0.06


def smoothstep(x: Array) -> Array:
    """0 below 0, 1 above 1, smooth to the second derivative in between."""
    x = np.clip(x, 0.0, 1.0)
    return x * x * x * (x * (x * 6 - 15) + 10)


def gaussian_smooth(values: Array, sigma: float) -> Array:
    """Values (T, ...) smoothed along time; sigma in frames, the ends held."""
    if sigma <= 0 or len(values) < 2:
        return values
    reach = max(1, int(np.ceil(3 * sigma)))
    kernel = np.exp(-0.5 * (np.arange(-reach, reach + 1) / sigma) ** 2)
    kernel /= kernel.sum()
    padded = np.concatenate([values[:1].repeat(reach, 0), values, values[-1:].repeat(reach, 0)])
    count = len(values)
    return np.sum([w * padded[i : i + count] for i, w in enumerate(kernel)], axis=0)


def frame(across: Array, up: Array) -> Array:
    """Rotations (..., 4) whose x axis is ``across`` and whose y axis is near ``up``."""
    x = normalise(across)
    z = normalise(cross(x, up))
    return from_matrix(np.stack([x, cross(z, x), z], axis=-1))


def hip_centre(joints: Array) -> Array:
    """The point (..., 3) between the hips."""
    return 0.5 * (joints[..., Joint.L_HIP, :] + joints[..., Joint.R_HIP, :])


def _pelvis_frame(joints: Array) -> Array:
    across = joints[..., Joint.L_HIP, :] - joints[..., Joint.R_HIP, :]
    # The second spine joint, not the first: sources disagree on where that one sits.
    return frame(across, joints[..., Joint.SPINE2, :] - hip_centre(joints))


def _chest_frame(joints: Array) -> Array:
    across = (
        joints[..., Joint.L_SHOULDER, :] - joints[..., Joint.R_SHOULDER, :]
        + joints[..., Joint.L_COLLAR, :] - joints[..., Joint.R_COLLAR, :]
    )  # fmt: skip
    return frame(across, joints[..., Joint.NECK, :] - joints[..., Joint.SPINE2, :])


_NEUTRAL_PELVIS: Final = inverse(_pelvis_frame(NEUTRAL))
_NEUTRAL_CHEST: Final = inverse(_chest_frame(NEUTRAL))


def pelvis_turn(joints: Array) -> Array:
    """Turn (T, 4) of the pelvis: the line across the hips, then the lower spine."""
    return multiply(_pelvis_frame(joints), _NEUTRAL_PELVIS)


def chest_turn(joints: Array) -> Array:
    """Turn (T, 4) of the chest: the line across the shoulders, then the upper spine."""
    return multiply(_chest_frame(joints), _NEUTRAL_CHEST)


def direction(joints: Array, start: Joint, end: Joint) -> Array:
    """Unit vectors (T, 3) from one joint to another."""
    return normalise(joints[:, end] - joints[:, start])


def swing(carrier: Array, rest: Array, target: Array) -> Array:
    """The carrier's turn (T, 4), bent the short way so that ``rest`` points to ``target``.

    Args:
        carrier: (T, 4) turn of the part that carries this one.
        rest: (3,) direction at rest.
        target: (T, 3) unit directions to reach.
    """
    return multiply(between(rotate(carrier, _over_time(rest, carrier)), target), carrier)


def partial_rotation(carrier: Array, turned: Array, share: float) -> Array:
    """A turn (T, 4) only ``share`` of the way from its carrier's."""
    return slerp(carrier, turned, np.full(len(carrier), share))


def collar_turn(joints: Array, chest: Array, side: str) -> Array:
    """Turn (T, 4) of a clavicle, gently; ``side`` is "L" or "R"."""
    start, end = Joint[f"{side}_COLLAR"], Joint[f"{side}_SHOULDER"]
    return partial_rotation(
        chest, swing(chest, DIRECTIONS[end], direction(joints, start, end)), COLLAR_SHARE
    )


def neck_rotation(joints: Array, chest: Array) -> Array:
    """Turn (T, 4) of the neck, of which the head takes all."""
    target = direction(joints, Joint.NECK, Joint.HEAD)
    return partial_rotation(chest, swing(chest, DIRECTIONS[Joint.HEAD], target), NECK_SHARE)


@dataclass(frozen=True, eq=False)
class Limb:
    """An arm or a leg of the neutral body.

    Attributes:
        neutral: (3,) direction of its upper bone in a T-pose.
        hinge: (3,) axis about which its lower bone bends there.
        is_leg: a knee bends one way only; an elbow's plane is freer.
    """

    neutral: Array
    hinge: Array
    is_leg: bool

    @staticmethod
    def leg() -> Limb:
        """A leg, which hangs; its knee bends backwards."""
        return Limb(np.array([0.0, -1.0, 0.0]), np.array([1.0, 0.0, 0.0]), True)

    @staticmethod
    def arm(side: str) -> Limb:
        """An arm, held out to its ``side`` ("L" or "R"); its elbow bends forwards."""
        sign = 1.0 if side == "L" else -1.0
        return Limb(np.array([sign, 0.0, 0.0]), np.array([0.0, -sign, 0.0]), False)


def limb_rotations(
    carrier: Array, rest: tuple[Array, Array], motion: tuple[Array, Array], limb: Limb, fps: float
) -> tuple[Array, Array]:
    """Turns ((T, 4), (T, 4)) of the upper and lower bone of an arm or a leg.

    The bones point exactly along the motion's. What directions leave open, the twist
    about the upper bone, comes from the plane of the knee or elbow; where the limb is
    straight and the plane is unknown, it eases to the carrier's own twist. All of it is
    worked out from the T-pose: the rig's own rest comes in at the very end.

    Args:
        carrier: (T, 4) turn of what the limb hangs on.
        rest: unit directions (3,) of the upper and the lower bone at rest.
        motion: unit directions (T, 3) of both in the motion.
        limb: which limb it is.
        fps: frames a second.
    """
    upper, lower = motion
    from_neutral = swing(carrier, limb.neutral, upper)
    hinge = rotate(from_neutral, _over_time(limb.hinge, carrier))
    angle, trust = _hinge_vote(hinge, upper, lower, limb.is_leg)
    turn = multiply(about(upper, _settled(angle, trust, fps)), from_neutral)
    turn = multiply(turn, inverse(rest_from_neutral(rest, limb)))
    # Straightened first, then bent about the hinge: an elbow that rests a little beside the
    # plane in which it bends would roll the forearm, and the palm with it.
    straight = multiply(turn, np.broadcast_to(between(rest[1], rest[0]), turn.shape))
    return turn, multiply(between(rotate(turn, _over_time(rest[0], turn)), lower), straight)


def rest_hinge(rest: tuple[Array, Array], limb: Limb) -> Array:
    """Axis (3,) about which a rig's limb bends while at rest, square to its upper bone."""
    return rotate(rest_from_neutral(rest, limb), limb.hinge)


def rest_from_neutral(rest: tuple[Array, Array], limb: Limb) -> Array:
    """Rotation (4,) of the upper bone from the T-pose to a rig's rest."""
    upper, lower = rest
    bent = between(limb.neutral, upper)
    angle, trust = _hinge_vote(
        rotate(bent, limb.hinge)[None], upper[None], lower[None], limb.is_leg
    )
    return multiply(about(upper[None], _settled(angle, trust, 1.0))[0], bent)


def about(axis: Array, angle: Array) -> Array:
    """Rotations (T, 4) by ``angle`` (T,) about unit axes (T, 3) or one for all (3,)."""
    half = 0.5 * angle[:, None]
    return np.concatenate([np.cos(half), np.sin(half) * axis], axis=-1)


def _hinge_vote(hinge: Array, upper: Array, lower: Array, is_leg: bool) -> tuple[Array, Array]:
    """Angles (T,) from a hinge to the plane in which the limb bends, and their weights."""
    seen = cross(upper, lower)
    sine = np.linalg.norm(seen, axis=-1)
    cosine = (hinge * normalise(seen)).sum(-1)
    angle = np.arctan2((cross(hinge, seen) * upper).sum(-1), (hinge * seen).sum(-1))
    trust = smoothstep((sine - HINGE_BLIND) / (HINGE_SURE - HINGE_BLIND))
    # A hinge that bends the wrong way is noise of a nearly straight limb.
    wrong = np.clip(cosine + 0.3, 0, 1) if is_leg else np.clip(2 * (cosine + 1), 0, 1)
    return angle, trust * wrong


def _settled(angle: Array, trust: Array, fps: float) -> Array:
    """Angles (T,) near the trusted ones, smooth in between, at ease where none is trusted.

    The least sum of squares of: distance to the angle seen, times trust; speed; distance
    to zero, lightly. One tridiagonal system, so that no frame can jump alone.

    Args:
        angle: (T,) radians, as seen.
        trust: (T,) 0 to 1.
        fps: frames a second.
    """
    angle = _unwrapped(angle, trust)
    stiff = (HINGE_SMOOTHING * fps) ** 2
    count = len(angle)
    diagonal = trust + HINGE_EASE + stiff * (np.minimum(np.arange(count), 1)
                                             + np.minimum(np.arange(count)[::-1], 1))  # fmt: skip
    beside = [-stiff] * (count - 1)
    return np.array(solve_tridiagonal(diagonal.tolist(), beside, (trust * angle).tolist()))


def _unwrapped(angle: Array, trust: Array) -> Array:
    """The same angles (T,) with whole turns added so that trusted neighbours are close."""
    sure = np.flatnonzero(trust > HINGE_EASE)
    out = angle.copy()
    if len(sure):
        out[sure] = np.unwrap(angle[sure])
        out[sure] -= 2 * np.pi * np.round(np.median(out[sure]) / (2 * np.pi))
    return out


def solve_tridiagonal(
    diagonal: list[float], beside: list[float], right: list[float]
) -> list[float]:
    """Solution of a symmetric system, ``beside`` (one fewer) on both sides of its diagonal."""
    count = len(diagonal)
    ratio, value = [0.0] * count, [0.0] * count
    for k in range(count):
        left = beside[k - 1] if k else 0.0
        pivot = diagonal[k] - left * (ratio[k - 1] if k else 0.0)
        ratio[k] = beside[k] / pivot if k + 1 < count else 0.0
        value[k] = (right[k] - left * (value[k - 1] if k else 0.0)) / pivot
    for k in range(count - 2, -1, -1):
        value[k] -= ratio[k] * value[k + 1]
    return value


def foot_rotations(
    joints: Array, shin: Array, side: str, heading: Array, fps: float
) -> tuple[Array, Array]:
    """Turns ((T, 4), (T, 4)) of a foot and its toes, with the sole flat on the floor.

    Args:
        joints: (T, 22, 3) metres.
        shin: (T, 4) turn of the shin.
        side: "L" or "R".
        heading: (3,) level direction in which the rig's foot points at rest.
        fps: frames a second.
    """
    ankle, toe = Joint[f"{side}_ANKLE"], Joint[f"{side}_FOOT"]
    target = direction(joints, ankle, toe)
    slope = flat_slope(joints[:, toe], target, fps)
    rest = heading * np.cos(slope) - np.array([0.0, np.sin(slope), 0.0])
    turn = swing(shin, rest, target)
    near_floor = smoothstep((0.16 - joints[:, toe, 1]) / 0.12)
    turn = _rolled_level(turn, rest, 0.8 * near_floor)
    return turn, _toes_down(turn, smoothstep((0.20 - joints[:, toe, 1]) / 0.18), fps)


def _rolled_level(turn: Array, rest: Array, share: Array) -> Array:
    """Turns (T, 4) rolled about the foot, which stays where it points, until its sole is level.

    Args:
        turn: (T, 4) turns of a foot.
        rest: (3,) direction from ankle to toe at rest, the sole flat on the floor.
        share: (T,) how much of the roll to take away; less where the foot stands on end
            or upside down.
    """
    across = normalise(np.array([rest[2], 0.0, -rest[0]]))  # up x rest: square to the foot
    along, side, up = (
        rotate(turn, _over_time(axis, turn)) for axis in (rest, across, np.eye(3)[1])
    )
    roll: Array = np.arctan2(side[:, 1], cross(along, side)[:, 1])
    share = share * smoothstep((up[:, 1] - 0.2) / 0.4)
    return multiply(from_log(-(share * roll)[:, None] * along), turn)


def _toes_down(foot: Array, share: Array, fps: float) -> Array:
    """Turns (T, 4) of toes that bend back to lie on the floor while the heel is up."""
    side, up, forward = (rotate(foot, _over_time(axis, foot)) for axis in np.eye(3))
    pitch: Array = np.arcsin(np.clip(-forward[:, 1], 0.0, 1.0))
    bend = np.minimum(pitch, MOST_TOE_BEND) * share * smoothstep((up[:, 1] - 0.1) / 0.3)
    bend = gaussian_smooth(bend, TOE_SMOOTHING * fps)
    return multiply(from_log(-bend[:, None] * side), foot)


def flat_slope(toe: Array, target: Array, fps: float) -> float:
    """How far the line from ankle to toe points down in this motion when the sole is flat.

    Sources place the ankle differently, so it is read from frames in which the toe
    rests; too few of them, and the usual slope of the skeleton counts.
    """
    usual = -float(np.arcsin(DIRECTIONS[Joint.L_FOOT][1]))
    step = np.linalg.norm(np.diff(toe, axis=0, append=toe[-1:]), axis=-1)
    resting = (step * fps < 0.2) & (toe[:, 1] < toe[:, 1].min() + 0.03) & (toe[:, 1] < 0.06)
    if resting.sum() < 0.2 * fps:
        return usual
    down: Array = np.arcsin(np.clip(-target[resting, 1], -1.0, 1.0))
    sure = min(1.0, resting.sum() / fps)
    found = float(np.clip(np.percentile(down, 25), np.radians(10), np.radians(50)))
    return usual + sure * (found - usual)


def _over_time(vector: Array, like: Array) -> Array:
    return np.broadcast_to(vector, (*like.shape[:-1], 3))

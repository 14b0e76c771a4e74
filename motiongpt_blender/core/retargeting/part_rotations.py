"""Rotations of the body's parts, read from joint positions.

Every function compares a motion with the neutral pose and returns global rotations away from
rest: quaternions (T, 4) in model axes (y up). A rig at rest whose parts are rotated by them
stands like the person, whatever its own rest pose.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np

from ..body.neutral_pose import DIRECTIONS, NEUTRAL
from ..body.rotations import (
    LEVEL,
    UP,
    Array,
    about_axis,
    about_y,
    between,
    cross,
    from_log,
    from_matrix,
    inverse,
    multiply,
    normalise,
    rotate,
    slerp,
    yaw_angle,
)
from ..body.skeleton import Joint, of_side
from ..body.smoothing import gaussian_smooth, smoothstep, solve_tridiagonal
from ..rig.part_joints import ARM_JOINTS, LEG_JOINTS

#: Sines of the bend at which a knee's or an elbow's hinge axis has weight 0 and weight 1.
HINGE_UNKNOWN: Final = 0.08
HINGE_KNOWN: Final = 0.35
#: Seconds over which the twist is smoothed at weight 1; the less weight, the longer.
TWIST_SMOOTHING: Final = 0.04
#: Weight with which a twist returns to zero, beside the hinge's.
TWIST_RETURN: Final = 0.01
#: Share of the clavicle's and neck's rotation that is used; data is noisy there.
COLLAR_SHARE: Final = 0.4
NECK_SHARE: Final = 0.6
#: The most that toes bend back, radians.
MAX_TOE_BEND: Final = 0.9
#: Seconds over which that bend is smoothed: a toe leaves the floor within a frame or two.
TOE_SMOOTHING: Final = 0.06


def rotation_from_axes(across: Array, up: Array) -> Array:
    """Rotations (..., 4) whose x axis is ``across`` and whose y axis is near ``up``."""
    x = normalise(across)
    z = normalise(cross(x, up))
    return from_matrix(np.stack([x, cross(z, x), z], axis=-1))


def hip_centre(joints: Array) -> Array:
    """The point (..., 3) between the hips."""
    return 0.5 * (joints[..., Joint.L_HIP, :] + joints[..., Joint.R_HIP, :])


def _pelvis_axes(joints: Array) -> Array:
    across = joints[..., Joint.L_HIP, :] - joints[..., Joint.R_HIP, :]
    # The second spine joint, not the first: sources place the first one differently.
    return rotation_from_axes(across, joints[..., Joint.SPINE2, :] - hip_centre(joints))


def _chest_axes(joints: Array) -> Array:
    shoulders = joints[..., Joint.L_SHOULDER, :] - joints[..., Joint.R_SHOULDER, :]
    collars = joints[..., Joint.L_COLLAR, :] - joints[..., Joint.R_COLLAR, :]
    up = joints[..., Joint.NECK, :] - joints[..., Joint.SPINE2, :]
    return rotation_from_axes(shoulders + collars, up)


_NEUTRAL_PELVIS: Final = inverse(_pelvis_axes(NEUTRAL))
_NEUTRAL_CHEST: Final = inverse(_chest_axes(NEUTRAL))


def pelvis_rotation(joints: Array) -> Array:
    """Rotation (T, 4) of the pelvis, from the line across the hips and the lower spine."""
    return multiply(_pelvis_axes(joints), _NEUTRAL_PELVIS)


def chest_rotation(joints: Array) -> Array:
    """Rotation (T, 4) of the chest, from the line across the shoulders and the upper spine."""
    return multiply(_chest_axes(joints), _NEUTRAL_CHEST)


def direction(joints: Array, start: Joint, end: Joint) -> Array:
    """Unit vectors (T, 3) from one joint to another."""
    return normalise(joints[:, end] - joints[:, start])


def swing(carrier: Array, rest: Array, target: Array) -> Array:
    """The carrier's rotation (T, 4), swung the short way so that ``rest`` points to ``target``.

    Args:
        carrier: (T, 4) rotation of the part that carries this one.
        rest: (3,) direction at rest.
        target: (T, 3) unit directions.
    """
    return multiply(between(rotate(carrier, rest), target), carrier)


def partial_rotation(carrier: Array, rotation: Array, share: float) -> Array:
    """A rotation (T, 4) that is ``share`` of the way from its carrier's to another."""
    return slerp(carrier, rotation, np.full(len(carrier), share))


def collar_rotation(joints: Array, chest: Array, side: str) -> Array:
    """Rotation (T, 4) of a clavicle, ``COLLAR_SHARE`` of the seen; ``side`` is "L" or "R"."""
    start, end = of_side(side, "COLLAR", "SHOULDER")
    seen = swing(chest, DIRECTIONS[end], direction(joints, start, end))
    return partial_rotation(chest, seen, COLLAR_SHARE)


def neck_rotation(joints: Array, chest: Array) -> Array:
    """Rotation (T, 4) of the neck, ``NECK_SHARE`` of the seen; the head has the same."""
    target = direction(joints, Joint.NECK, Joint.HEAD)
    return partial_rotation(chest, swing(chest, DIRECTIONS[Joint.HEAD], target), NECK_SHARE)


@dataclass(frozen=True, eq=False)
class Limb:
    """An arm or a leg of the neutral body.

    Attributes:
        joints: where the upper bone, the lower bone and the end begin, without the side.
        neutral: (3,) direction of its upper bone in the T-pose.
        hinge: (3,) axis about which its lower bone bends there.
        is_leg: a knee bends in one direction only; an elbow's plane is freer.
    """

    joints: tuple[str, str, str]
    neutral: Array
    hinge: Array
    is_leg: bool

    @staticmethod
    def leg() -> Limb:
        """A leg, which hangs; its knee bends backwards."""
        return Limb(LEG_JOINTS, np.array([0.0, -1.0, 0.0]), np.array([1.0, 0.0, 0.0]), True)

    @staticmethod
    def arm(side: str) -> Limb:
        """An arm, held out to its ``side`` ("L" or "R"); its elbow bends forwards."""
        sign = 1.0 if side == "L" else -1.0
        return Limb(ARM_JOINTS, np.array([sign, 0.0, 0.0]), np.array([0.0, -sign, 0.0]), False)


def limb_rotations(
    carrier: Array, rest: tuple[Array, Array], motion: tuple[Array, Array], limb: Limb, fps: float
) -> tuple[Array, Array]:
    """Rotations ((T, 4), (T, 4)) of the upper and lower bone of an arm or a leg.

    The bones point exactly along the motion's. The twist about the upper bone, which
    directions leave open, comes from the plane of the knee or elbow; where the limb is
    straight and the plane is unknown, it returns to the carrier's own twist. All of it is
    computed from the T-pose; the rig's own rest pose enters at the very end.

    Args:
        carrier: (T, 4) rotation of the part that carries the limb.
        rest: unit directions (3,) of the upper and the lower bone at rest.
        motion: unit directions (T, 3) of both in the motion.
        limb: which limb it is.
        fps: frames a second.
    """
    upper, lower = motion
    from_neutral = swing(carrier, limb.neutral, upper)
    angle, weight = _hinge_angle(rotate(from_neutral, limb.hinge), upper, lower, limb.is_leg)
    rotation = multiply(about_axis(upper, _smooth_twist(angle, weight, fps)), from_neutral)
    rotation = multiply(rotation, inverse(rest_from_neutral(rest, limb)))
    # Straightened first, then bent about the hinge: an elbow that rests a little beside the
    # plane in which it bends would roll the forearm, and the palm with it.
    straight = multiply(rotation, between(rest[1], rest[0]))
    return rotation, multiply(between(rotate(rotation, rest[0]), lower), straight)


def rest_hinge(rest: tuple[Array, Array], limb: Limb) -> Array:
    """Axis (3,) about which a rig's limb bends while at rest, square to its upper bone."""
    return rotate(rest_from_neutral(rest, limb), limb.hinge)


def rest_from_neutral(rest: tuple[Array, Array], limb: Limb) -> Array:
    """Rotation (4,) of the upper bone from the T-pose to a rig's rest pose."""
    upper, lower = rest
    swung = between(limb.neutral, upper)
    hinge = rotate(swung, limb.hinge)
    angle, weight = _hinge_angle(hinge[None], upper[None], lower[None], limb.is_leg)
    return multiply(about_axis(upper[None], _smooth_twist(angle, weight, 1.0))[0], swung)


def _hinge_angle(hinge: Array, upper: Array, lower: Array, is_leg: bool) -> tuple[Array, Array]:
    """Angles (T,) from a hinge to the axis about which the limb bends, and their weights."""
    seen = cross(upper, lower)
    sine = np.linalg.norm(seen, axis=-1)
    cosine = (hinge * normalise(seen)).sum(-1)
    angle = np.arctan2((cross(hinge, seen) * upper).sum(-1), (hinge * seen).sum(-1))
    weight = smoothstep((sine - HINGE_UNKNOWN) / (HINGE_KNOWN - HINGE_UNKNOWN))
    # A hinge that bends in the wrong direction is noise of a nearly straight limb.
    plausible = np.clip(cosine + 0.3, 0, 1) if is_leg else np.clip(2 * (cosine + 1), 0, 1)
    return angle, weight * plausible


def _smooth_twist(angle: Array, weight: Array, fps: float) -> Array:
    """Angles (T,) near those of high weight, smooth in between, zero where no weight is near.

    The least sum of squares of: distance to the angle seen, times its weight; speed; distance
    to zero, times ``TWIST_RETURN``. One tridiagonal system, so that no frame can jump alone.

    Args:
        angle: (T,) radians, as seen.
        weight: (T,) 0 to 1.
        fps: frames a second.
    """
    angle = _unwrapped(angle, weight)
    stiffness = (TWIST_SMOOTHING * fps) ** 2
    count = len(angle)
    neighbours = np.minimum(np.arange(count), 1) + np.minimum(np.arange(count)[::-1], 1)
    diagonal = weight + TWIST_RETURN + stiffness * neighbours
    beside = [-stiffness] * (count - 1)
    return np.array(solve_tridiagonal(diagonal.tolist(), beside, (weight * angle).tolist()))


def _unwrapped(angle: Array, weight: Array) -> Array:
    """The same angles (T,) plus whole rotations, so that neighbours with weight are close."""
    known = np.flatnonzero(weight > TWIST_RETURN)
    out = angle.copy()
    if len(known):
        out[known] = np.unwrap(angle[known])
        out[known] -= 2 * np.pi * np.round(np.median(out[known]) / (2 * np.pi))
    return out


def foot_rotations(
    joints: Array, shin: Array, side: str, forward: Array, fps: float, roll_share: float = 1.0
) -> tuple[Array, Array]:
    """Rotations ((T, 4), (T, 4)) of a foot and its toes, with the sole flat on the floor.

    Args:
        joints: (T, 22, 3) metres.
        shin: (T, 4) rotation of the shin.
        side: "L" or "R".
        forward: (3,) level direction in which the rig's foot points at rest.
        fps: frames a second.
        roll_share: share of the motion's roll over the floor that a foot has; a long one needs
            less to lift its heel as high, a short one more.
    """
    ankle, toe = of_side(side, "ANKLE", "FOOT")
    target = direction(joints, ankle, toe)
    height = joints[:, toe, 1]
    slope = flat_slope(joints[:, toe], target, fps)
    rest = forward * np.cos(slope) - np.sin(slope) * UP
    foot = swing(shin, rest, target)
    foot = _level_sole(foot, rest, 0.8 * smoothstep((0.16 - height) / 0.12))
    if roll_share != 1:
        near = smoothstep((0.4 - height) / 0.3)
        foot = slerp(about_y(yaw_angle(foot)), foot, 1 - near * (1 - roll_share))
    return foot, _bend_toes(foot, smoothstep((0.20 - height) / 0.18), fps)


def _level_sole(foot: Array, rest: Array, share: Array) -> Array:
    """Rotations (T, 4) of a foot, rolled about its own direction until its sole is level.

    Args:
        foot: (T, 4) rotations.
        rest: (3,) direction from ankle to toe at rest, the sole flat on the floor.
        share: (T,) share of the roll to remove; less where the foot is upside down, and where
            it stands on end: then the roll is not defined.
    """
    across = normalise(np.array([rest[2], 0.0, -rest[0]]))  # up x rest: square to the foot
    along, side, up = (rotate(foot, axis) for axis in (rest, across, UP))
    roll: Array = np.arctan2(side[:, 1], cross(along, side)[:, 1])
    level = np.linalg.norm(along * LEVEL, axis=-1)
    share = share * smoothstep((up[:, 1] - 0.2) / 0.4) * smoothstep((level - 0.1) / 0.3)
    return multiply(from_log(-(share * roll)[:, None] * along), foot)


def _bend_toes(foot: Array, share: Array, fps: float) -> Array:
    """Rotations (T, 4) of toes that lie on the floor while the heel is up."""
    side, up, forward = (rotate(foot, axis) for axis in np.eye(3))
    pitch: Array = np.arcsin(np.clip(-forward[:, 1], 0.0, 1.0))
    bend = np.minimum(pitch, MAX_TOE_BEND) * share * smoothstep((up[:, 1] - 0.1) / 0.3)
    bend = gaussian_smooth(bend, TOE_SMOOTHING * fps)
    return multiply(from_log(-bend[:, None] * side), foot)


def flat_slope(toe: Array, target: Array, fps: float) -> float:
    """Radians by which the line from ankle to toe points down where the sole is flat.

    Sources place the ankle differently, so it is read from frames in which the toe rests;
    where these are too few, it is the skeleton's usual slope.

    Args:
        toe: (T, 3) positions, metres.
        target: (T, 3) unit directions from ankle to toe.
        fps: frames a second.
    """
    usual = -float(np.arcsin(DIRECTIONS[Joint.L_FOOT][1]))
    step = np.linalg.norm(np.diff(toe, axis=0, append=toe[-1:]), axis=-1)
    resting = (step * fps < 0.2) & (toe[:, 1] < toe[:, 1].min() + 0.03) & (toe[:, 1] < 0.06)
    if resting.sum() < 0.2 * fps:
        return usual
    slopes: Array = np.arcsin(np.clip(-target[resting, 1], -1.0, 1.0))
    weight = min(1.0, resting.sum() / fps)
    found = float(np.clip(np.percentile(slopes, 25), np.radians(10), np.radians(50)))
    return usual + weight * (found - usual)


def level_direction(vector: Array) -> Array:
    """The unit direction (..., 3) of a vector over the floor."""
    return normalise(vector * LEVEL)

"""Turns of the body's parts, read from joint positions.

Every function compares a motion with the neutral pose and returns turns: quaternions
(T, 4) in model axes (y up) that carry the part from rest to where it is. A rig at rest
turned by them stands like the person, whatever its own rest pose.
"""

from __future__ import annotations

from typing import Final

import numpy as np

from .neutral import DIRECTIONS, NEUTRAL
from .rotations import (
    Array,
    between,
    from_log,
    from_matrix,
    inverse,
    multiply,
    normalise,
    rotate,
    slerp,
)
from .skeleton import Joint

#: Sine of the bend below which a knee or an elbow says nothing about its hinge, and above
#: which it says everything.
HINGE_BLIND: Final = 0.08
HINGE_SURE: Final = 0.35
#: Seconds over which the hinge's twist is smoothed.
HINGE_SMOOTHING: Final = 0.10
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
    z = normalise(np.cross(x, up))
    return from_matrix(np.stack([x, np.cross(z, x), z], axis=-1))


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


def share_of(carrier: Array, turned: Array, share: float) -> Array:
    """A turn (T, 4) only ``share`` of the way from its carrier's."""
    return slerp(carrier, turned, np.full(len(carrier), share))


def collar_turn(joints: Array, chest: Array, side: str) -> Array:
    """Turn (T, 4) of a clavicle, gently; ``side`` is "L" or "R"."""
    start, end = Joint[f"{side}_COLLAR"], Joint[f"{side}_SHOULDER"]
    return share_of(
        chest, swing(chest, DIRECTIONS[end], direction(joints, start, end)), COLLAR_SHARE
    )


def neck_turn(joints: Array, chest: Array) -> Array:
    """Turn (T, 4) of the neck, of which the head takes all."""
    target = direction(joints, Joint.NECK, Joint.HEAD)
    return share_of(chest, swing(chest, DIRECTIONS[Joint.HEAD], target), NECK_SHARE)


def limb_turns(
    carrier: Array, rest: tuple[Array, Array], motion: tuple[Array, Array], is_leg: bool, fps: float
) -> tuple[Array, Array]:
    """Turns ((T, 4), (T, 4)) of the upper and lower bone of an arm or a leg.

    The bones point exactly along the motion's. What directions leave open, the twist
    about the upper bone, comes from the plane of the knee or elbow; where the limb is
    straight and the plane is unknown, it eases to the carrier's own twist.

    Args:
        carrier: (T, 4) turn of what the limb hangs on.
        rest: unit directions (3,) of the upper and the lower bone at rest.
        motion: unit directions (T, 3) of both in the motion.
        is_leg: a knee bends backwards, an elbow forwards.
        fps: frames a second.
    """
    upper, lower = motion
    reference = swing(carrier, rest[0], upper)
    hinge = rotate(reference, _over_time(rest_hinge(rest[0], rest[1], is_leg), carrier))
    twist = _hinge_twist(hinge, upper, lower, is_leg, fps)
    half = 0.5 * twist[:, None]
    turn = multiply(np.concatenate([np.cos(half), np.sin(half) * upper], axis=-1), reference)
    return turn, swing(turn, rest[1], lower)


def rest_hinge(upper: Array, lower: Array, is_leg: bool) -> Array:
    """Axis (3,) about which a limb at rest bends, square to its upper bone."""
    bends_towards = np.array([0.0, 0.0, -1.0 if is_leg else 1.0])
    usual = normalise(np.cross(upper, bends_towards))
    bent = np.cross(upper, lower)
    clear = np.linalg.norm(bent) > np.sin(np.radians(4.0))
    if clear and normalise(bent) @ usual > 0.7:
        return normalise(bent)
    return usual


def _hinge_twist(hinge: Array, upper: Array, lower: Array, is_leg: bool, fps: float) -> Array:
    """Angles (T,) from the untwisted hinge to the plane in which the limb bends."""
    seen = np.cross(upper, lower)
    sine = np.linalg.norm(seen, axis=-1)
    seen = normalise(seen)
    cosine = (hinge * seen).sum(-1)
    angle = np.arctan2((np.cross(hinge, seen) * upper).sum(-1), cosine)
    trust = smoothstep((sine - HINGE_BLIND) / (HINGE_SURE - HINGE_BLIND))
    # A hinge that bends the wrong way is noise of a nearly straight limb.
    trust = trust * (np.clip(cosine + 0.3, 0, 1) if is_leg else np.clip(2 * (cosine + 1), 0, 1))
    vote = trust * np.exp(1j * angle) + 0.15 * (1 - trust)
    return np.angle(gaussian_smooth(vote, HINGE_SMOOTHING * fps))


def foot_turn(
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
    turn = _rolled_level(turn, 0.8 * near_floor)
    return turn, _toes_down(turn, smoothstep((0.20 - joints[:, toe, 1]) / 0.18), fps)


def _rolled_level(turn: Array, share: Array) -> Array:
    """Turns (T, 4) rolled about their forward axis until the sole is level across.

    Args:
        turn: (T, 4) turns of a foot.
        share: (T,) how much of the roll to take away; less where the foot stands on end
            or upside down.
    """
    side, up, forward = (rotate(turn, _over_time(axis, turn)) for axis in np.eye(3))
    roll: Array = np.arctan2(side[:, 1], up[:, 1])
    share = share * smoothstep((up[:, 1] - 0.2) / 0.4)
    return multiply(from_log(-(share * roll)[:, None] * forward), turn)


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

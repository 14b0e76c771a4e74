"""Converts recorded joints to the project's conventions.

22 joints, metres, y up, the floor at y = 0, starting over the origin and facing +z, and by default
the bone lengths of the skeleton that all packs share.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import gaussian_filter1d, uniform_filter1d

from ext_models.motion.representations import HUMANML3D, KIT
from motiongpt_blender.core.body.motion import across, from_blender, place_at_origin, resample
from motiongpt_blender.core.body.neutral_pose import LEG_LENGTH, build
from motiongpt_blender.core.body.rotations import normalise
from motiongpt_blender.core.body.skeleton import JOINT_COUNT, PARENTS, Joint

from .examples import DataError, check_finite

Array = NDArray[np.floating]

#: Metres in one unit of a recording: metre, centimetre, inch, millimetre, CMU's unit.
UNITS: Final = (1.0, 0.01, 0.0254, 0.001, 0.0254 / 0.45)
#: Limits of a plausible leg length, metres.
LEGS: Final = (0.2, 2.0)
#: Position of each spine joint on the line from pelvis to neck, 0 to 1.
SPINE: Final = {
    Joint.PELVIS: 0.0,
    Joint.SPINE1: 0.24,
    Joint.SPINE2: 0.50,
    Joint.SPINE3: 0.60,
    Joint.NECK: 1.0,
}
#: Percent of the frames in which a foot may be below the floor: corrupt frames, jitter.
BELOW: Final = 5.0
#: Metres a frame below which a toe is in contact.
STILL: Final = 0.012
#: Largest distance in metres of such a toe from the floor.
REPAIR: Final = 0.15
#: Standard deviation in frames of the smoothing of the body's vertical correction.
LIFT_SIGMA: Final = 4.0
#: Our joints -> indices of KIT-ML's joints.
FROM_KIT: Final = {
    Joint.PELVIS: 0, Joint.SPINE1: 1, Joint.SPINE3: 2, Joint.NECK: 3, Joint.HEAD: 4,
    Joint.R_SHOULDER: 5, Joint.R_ELBOW: 6, Joint.R_WRIST: 7,
    Joint.L_SHOULDER: 8, Joint.L_ELBOW: 9, Joint.L_WRIST: 10,
    Joint.R_HIP: 11, Joint.R_KNEE: 12, Joint.R_ANKLE: 13, Joint.R_FOOT: 15,
    Joint.L_HIP: 16, Joint.L_KNEE: 17, Joint.L_ANKLE: 18, Joint.L_FOOT: 20,
}  # fmt: skip


class Up(StrEnum):
    """Which axis of a recording points up."""

    AUTO = "auto"
    Y = "y"
    Z = "z"


@dataclass(frozen=True)
class Conventions:
    """How recordings are read.

    Attributes:
        scale: metres in one unit of the recording; None: guessed from the legs.
        up: the axis that points up; by default it is guessed.
        uniform: give every clip the bone lengths of the packs' skeleton.
    """

    scale: float | None = None
    up: Up = Up.AUTO
    uniform: bool = True

    def __post_init__(self) -> None:
        if self.scale is not None and not (np.isfinite(self.scale) and self.scale > 0):
            raise DataError(
                f"the scale must be a positive number of metres in one unit; it is {self.scale:g}."
            )


def to_conventions(
    found: Mapping[Joint, Array], how: Conventions, rest: Mapping[Joint, Array] | None = None
) -> NDArray[np.float32]:
    """The joints of a recording as (T, 22, 3) by our conventions.

    Args:
        found: joint -> (T, 3), in the recording's unit and axes.
        how: unit, axis and skeleton.
        rest: joint -> (3,) of the recording's rest pose, which helps to find the up axis.

    Raises:
        DataError: when the legs have no length or an implausible one.
    """
    for points in found.values():
        check_finite(points)
    if how.up is Up.Z or (how.up is Up.AUTO and _is_z_up(found, rest)):
        found = {joint: from_blender(p) for joint, p in found.items()}
    leg = _leg(found)
    joints = complete(found) * _metres_per_unit(leg, how)
    if how.uniform:
        joints = to_uniform(joints)
    return place_at_origin(on_floor(joints)).astype(np.float32)


def on_floor(joints: Array) -> Array:
    """The same motion (T, 22, 3) with the floor at y = 0.

    The floor is the height below which the feet are in ``BELOW`` percent of the frames. A change of
    skeleton moves the feet off the floor by centimetres; so the body is moved up and down slowly
    until toes in contact are on the floor. A jump stays a jump.
    """
    feet = joints[:, [Joint.L_ANKLE, Joint.R_ANKLE, Joint.L_FOOT, Joint.R_FOOT], 1]
    joints = joints - np.array([0.0, np.percentile(feet.min(axis=1), BELOW), 0.0])
    toes = joints[:, [Joint.L_FOOT, Joint.R_FOOT]]
    speed = np.linalg.norm(np.gradient(toes, axis=0), axis=-1)
    stands = (uniform_filter1d(speed, 3, axis=0) < STILL) & (np.abs(toes[..., 1]) < REPAIR)
    frames = np.flatnonzero(stands.any(axis=1))
    if len(frames) == 0:
        return joints
    heights = np.where(stands, toes[..., 1], np.inf).min(axis=1)[frames]
    lift = np.interp(np.arange(len(joints)), frames, heights)
    lift = gaussian_filter1d(lift, LIFT_SIGMA, mode="nearest")
    return joints - lift[:, None, None] * np.array([0.0, 1.0, 0.0])


def to_uniform(joints: Array) -> Array:
    """The motion (T, 22, 3) with the packs' bone lengths; travel is scaled by leg length."""
    directions = normalise(joints - joints[:, [max(p, 0) for p in PARENTS]])
    leg = _leg({j: joints[:, j] for j in Joint})
    return build(directions, joints[:, Joint.PELVIS] * (LEG_LENGTH / leg))


def from_kit(joints: Array) -> NDArray[np.float32]:
    """Joints (T, 22, 3) at 20 fps of KIT-ML's (T, 21, 3) at 12.5 fps in its own unit."""
    found = {joint: joints[:, k] for joint, k in FROM_KIT.items()}
    return resample(to_conventions(found, Conventions(up=Up.Y)), KIT.fps, HUMANML3D.fps).astype(
        np.float32
    )


def complete(found: Mapping[Joint, Array]) -> Array:
    """All joints (T, 22, 3) of a y-up recording; missing ones are computed from neighbours."""
    have = dict(found)
    least = 0.01 * _leg(have)
    for joint in (Joint.SPINE1, Joint.SPINE2, Joint.SPINE3, Joint.L_COLLAR, Joint.R_COLLAR):
        # a helper bone without a length has no position of its own
        if joint in have and any(
            np.linalg.norm(have[joint] - have[o], axis=-1).mean() < least
            for o in have
            if o is not joint
        ):
            del have[joint]
    _complete_spine(have)
    middle = 0.5 * (have[Joint.L_SHOULDER] + have[Joint.R_SHOULDER])
    for side in "LR":
        shoulder, ankle = have[Joint[f"{side}_SHOULDER"]], have[Joint[f"{side}_ANKLE"]]
        elbow = have[Joint[f"{side}_ELBOW"]]
        have.setdefault(Joint[f"{side}_COLLAR"], middle + (shoulder - middle) / 3)
        have.setdefault(Joint[f"{side}_WRIST"], elbow + (elbow - shoulder))
        have.setdefault(Joint[f"{side}_FOOT"], ankle + _foot(have))
    return np.stack([have[joint] for joint in Joint], axis=1)


def _complete_spine(have: dict[Joint, Array]) -> None:
    pelvis = have[Joint.PELVIS]
    middle = 0.5 * (have[Joint.L_SHOULDER] + have[Joint.R_SHOULDER])
    neck = have.setdefault(Joint.NECK, pelvis + 1.19 * (middle - pelvis))
    have.setdefault(Joint.HEAD, neck + 0.19 * (neck - pelvis))
    known = [joint for joint in SPINE if joint in have]
    for joint, at in SPINE.items():
        if joint not in have:
            before = max((j for j in known if SPINE[j] < at), key=lambda j: SPINE[j])
            after = min((j for j in known if SPINE[j] > at), key=lambda j: SPINE[j])
            share = (at - SPINE[before]) / (SPINE[after] - SPINE[before])
            have[joint] = have[before] + share * (have[after] - have[before])


def _foot(have: Mapping[Joint, Array]) -> Array:
    """From ankle to toe of a flat foot that points where the body faces, (T, 3)."""
    body = np.zeros((len(have[Joint.PELVIS]), JOINT_COUNT, 3))
    for joint in (Joint.L_HIP, Joint.R_HIP, Joint.L_SHOULDER, Joint.R_SHOULDER):
        body[:, joint] = have[joint]
    forward = np.cross(across(body), np.array([0.0, 1.0, 0.0]))
    return (0.16 * forward - np.array([0.0, 0.065, 0.0])) * _leg(have)


def _leg(found: Mapping[Joint, Array]) -> float:
    """Mean length of thigh and shin together; raises DataError when there is none."""
    bones = [
        np.linalg.norm(found[Joint[f"{s}_{b}"]] - found[Joint[f"{s}_{a}"]], axis=-1)
        for s in "LR"
        for a, b in (("HIP", "KNEE"), ("KNEE", "ANKLE"))
    ]
    lengths = [float(np.median(b)) for b in bones]
    if min(lengths) <= 1e-9:
        raise DataError("a leg has no length: its scale or its offsets are 0.")
    return sum(lengths) / 2


def _metres_per_unit(leg: float, how: Conventions) -> float:
    if how.scale is None:
        return min(UNITS, key=lambda unit: abs(np.log(unit * leg / LEG_LENGTH)))
    if not LEGS[0] <= leg * how.scale <= LEGS[1]:
        raise DataError(
            f"with the scale {how.scale:g} its legs are {leg * how.scale:.3g} m long: give the "
            "metres in one unit of the file, such as 0.01 for centimetres."
        )
    return how.scale


def _is_z_up(found: Mapping[Joint, Array], rest: Mapping[Joint, Array] | None) -> bool:
    """Whether z is up: in the motion, or in the rest pose where the motion does not show it."""
    shown = _upright(found)
    at_rest = np.zeros(3) if rest is None else _upright({j: p[None] for j, p in rest.items()})
    if shown[1] > 0.7:
        return False
    if shown[2] > 0.7 and at_rest[1] < 0.7:
        return True
    return bool(at_rest[2] > 0.7)


def _upright(found: Mapping[Joint, Array]) -> Array:
    """Mean unit direction (3,) from the ankles to the shoulders."""
    ankles = found[Joint.L_ANKLE] + found[Joint.R_ANKLE]
    shoulders = found[Joint.L_SHOULDER] + found[Joint.R_SHOULDER]
    return normalise(normalise(shoulders - ankles).mean(axis=0))

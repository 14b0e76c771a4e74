"""Foot locking: toes in contact with the floor keep one place, by IK of the legs.

The distance of a toe from its place fades in the swing phases before and after. The foot
keeps its roll and rotates about the toe. Each knee keeps its hinge; where a leg is too short,
the pelvis comes down a little, then the heel up. Fixed frames, the marked poses, do not change.
"""

from __future__ import annotations

from collections.abc import Collection, Generator
from dataclasses import dataclass, replace
from typing import Final

import numpy as np

from ..body.rotations import UP, Array, continuous, from_log, multiply, normalise, rotate, slerp
from ..body.skeleton import SIDES, of_side
from ..body.slices import run_to_end
from ..body.smoothing import gaussian_smooth, maximum_filter, smoothstep
from ..retargeting.part_rotations import Limb, rest_hinge
from ..retargeting.two_bone_ik import solve_leg_ik
from ..rig.kinematics import (
    PosedRig,
    basis_rotation,
    control_of,
    controls_of,
    forward_kinematics,
    joint_position,
    raise_root,
)
from ..rig.part_joints import LEG_JOINTS, LEG_PARTS, side_parts
from ..rig.rig_description import Control, RigDescription, RigMotion
from .foot_contacts import UP_SPEED, Contact, FootContacts, runs
from .foot_offsets import FixedFrames, flight_lift, swing_lift, toe_offsets
from .ground_path import foot_ground
from .heel_lift import lift_above_floor, lift_within_reach

#: Seconds on either side of a marked pose within which the locking fades.
POSE_EASE: Final = 0.35
#: The same for the lift of feet in flight, also at the ends, where another take may go on.
FLIGHT_EASE: Final = 0.5
#: Height of a foot in a marked pose, in leg lengths, above which it is not in contact.
LIFTED: Final = 0.04
#: Seconds about the time that it is lifted in which it is not in contact either.
LIFTED_SECONDS: Final = 0.2
#: Share of the leg's length to which it is stretched at most, unless the motion stretches it.
MAX_STRETCH: Final = 0.985
#: The most that the pelvis comes down, in leg lengths, and how smoothly in seconds.
MAX_DROP: Final = 0.045
DROP_SMOOTHING: Final = 0.08
#: Seconds over which the rotations of a standing foot are smoothed.
FOOT_SMOOTHING: Final = 0.07
#: The fastest that a toe's offset changes where it eases, in leg lengths a second.
MAX_OFFSET_SPEED: Final = 0.4
#: Leg lengths by which a swinging toe may be below the floor.
MAX_DIP: Final = 0.004

#: A foot's own axis to the left, while it is at rest.
_LEFT: Final = np.array([1.0, 0.0, 0.0])


@dataclass(frozen=True)
class FootLockReport:
    """What foot locking changed, in centimetres of the model.

    Attributes:
        moved_cm: the farthest that a toe was moved.
        lowered_cm: the most that the pelvis was lowered.
        slid_cm: the farthest that a toe in contact remains from its place.
    """

    moved_cm: float = 0.0
    lowered_cm: float = 0.0
    slid_cm: float = 0.0


@dataclass(frozen=True)
class _LegTrack:
    """One leg over time: its controls, its joints, and where its toe is to be.

    Attributes:
        toe_position: (T, 3) of the toe in the motion.
        target: (T, 3) where the toe is to be.
        reach: (T,) the largest distance between ankle and hip.
        heel_lift: (T,) radians by which the foot rolls so that its heel clears the floor.
    """

    side: str
    thigh: Control
    shin: Control
    foot: Control
    toe: Control | None
    hip: Array
    knee: Array
    ankle: Array
    toe_position: Array
    target: Array
    reach: Array
    heel_lift: Array


def lock_feet(
    rig: RigDescription,
    motion: RigMotion,
    foot_contacts: FootContacts,
    kept: Collection[int] = (),
    ground: Array | float = 0.0,
) -> tuple[RigMotion, FootLockReport]:
    """``lock_feet_slices`` run to its end."""
    return run_to_end(lock_feet_slices(rig, motion, foot_contacts, kept, ground))


def lock_feet_slices(
    rig: RigDescription,
    motion: RigMotion,
    foot_contacts: FootContacts,
    kept: Collection[int] = (),
    ground: Array | float = 0.0,
    moving: Collection[int] = (),
    *,
    step: bool = False,
) -> Generator[None, None, tuple[RigMotion, FootLockReport]]:
    """The motion with its feet locked, and what that changed, in slices of a few milliseconds.

    Args:
        rig: the motion's rig.
        motion: its channels.
        foot_contacts: when each foot is in contact.
        kept: indices of frames that may not change.
        ground: height of the ground over the rig's own floor, or heights (T,) along the motion.
        moving: those of ``kept`` at an end of the motion whose speed may not change either:
            a foot in contact there comes to rest instead of stopping at once.
        step: lift a foot also where the motion drags it over the floor between contacts, but
            not in flight.
    """
    kept = sorted(k for k in kept if 0 <= k < len(motion))
    if not foot_contacts.left and not foot_contacts.right:
        return motion, FootLockReport()
    posed = forward_kinematics(rig, motion)
    ground = np.broadcast_to(np.asarray(ground, dtype=np.float64), (len(motion),))
    yield
    fixed = FixedFrames(tuple(kept), frozenset(moving))
    legs: list[_LegTrack] = []
    for side in SIDES:
        contacts = foot_contacts.of(side)
        _smooth_foot(rig, posed.rotations, contacts, side, kept, motion.fps)
        if leg_is_connected(rig, side):
            below = foot_ground(ground, contacts)
            legs.append(_track_leg(rig, motion, posed, foot_contacts, side, fixed, below, step))
        yield
    if not legs:
        return motion, FootLockReport()
    drop = _pelvis_drop(legs, kept, motion.fps, rig.leg)
    global_rotations = dict(posed.rotations)
    rotations, slid = dict(motion.rotations), 0.0
    for leg in legs:
        reached = _bend_leg(rig, leg, leg.hip - drop[:, None] * UP, global_rotations)
        yield
        mask = foot_contacts.mask(leg.side, len(motion)) > 0
        if mask.any():
            slid = max(slid, float(np.linalg.norm((reached - leg.target)[mask], axis=-1).max()))
        for control in (leg.thigh, leg.shin, leg.foot, leg.toe):
            if control is not None:
                basis = basis_rotation(rig, control, global_rotations, motion.rotations)
                basis[kept] = motion.rotations[control.name][kept]
                rotations[control.name] = continuous(basis)
        yield
    locations = raise_root(motion, -drop)
    locations[kept] = motion.locations[kept]
    moved = max(float(np.linalg.norm(x.target - x.toe_position, axis=-1).max()) for x in legs)
    cm = 100 / motion.scale
    report = FootLockReport(cm * moved, cm * float(drop.max()), cm * slid)
    return replace(motion, rotations=rotations, locations=locations), report


def leg_is_connected(rig: RigDescription, side: str) -> bool:
    """Whether a leg's controls carry each other; IK cannot reach a foot on its own."""
    thigh, shin, foot = (control_of(rig, part) for part in side_parts(side, *LEG_PARTS))
    if thigh is None or shin is None or foot is None:
        return False
    return shin.parent == thigh.name and (foot.carrier or foot.parent) == shin.name


def leg_hinge(rig: RigDescription, side: str) -> Array:
    """Axis (3,) about which a rig's knee bends while at rest."""
    hip, knee, ankle = (rig.points[joint] for joint in of_side(side, *LEG_JOINTS))
    return rest_hinge((normalise(knee - hip), normalise(ankle - knee)), Limb.leg())


def _track_leg(
    rig: RigDescription,
    motion: RigMotion,
    posed: PosedRig,
    foot_contacts: FootContacts,
    side: str,
    fixed: FixedFrames,
    ground: Array,
    step: bool,
) -> _LegTrack:
    """One leg of a motion, with the targets of its toe over the ground (T,) under that foot."""
    kept, fps = list(fixed.frames), motion.fps
    joints = of_side(side, *LEG_JOINTS, "FOOT")
    hip, knee, ankle, toe = (joint_position(rig, posed, joint) for joint in joints)
    thigh, shin, foot = controls_of(rig, *side_parts(side, *LEG_PARTS))
    rotation = posed.rotations[foot.name]
    heel = ankle + rotate(rotation, -rig.points[joints[2]][1] * UP)
    below = ground[:, None] * UP
    toe, heel = toe - below, heel - below
    level = float(rig.points[joints[3]][1])
    contacts = _possible_contacts(foot_contacts.of(side), toe, fixed, level, rig, fps)
    offsets = toe_offsets(toe, heel, contacts, fixed, level, fps, MAX_OFFSET_SPEED * rig.leg)
    target = _keep_above(toe + offsets, kept, level - MAX_DIP * rig.leg, fps)
    lift = swing_lift(target, contacts, level, None if step else toe[:, 1])
    away = _away_from(kept, len(toe), fps)
    target[:, 1] += lift * away
    if not step:
        lift = flight_lift(target, foot_contacts, side, level, fps, rig.scale)
        ends = [0, *kept, len(toe) - 1]
        target[:, 1] += lift * _away_from(ends, len(toe), fps, FLIGHT_EASE)
    # No lower than it was before: a motion may have its heel in the floor.
    lowest = np.minimum(heel[:, 1], 0.0) - MAX_DIP * rig.leg
    heel_lift = lift_above_floor(heel - toe, rotate(rotation, _LEFT), lowest - target[:, 1])
    heel_lift = gaussian_smooth(heel_lift, FOOT_SMOOTHING * fps)
    return _LegTrack(
        side=side,
        thigh=thigh,
        shin=shin,
        foot=foot,
        toe=control_of(rig, side_parts(side, "toe")[0]),
        hip=hip,
        knee=knee,
        ankle=ankle,
        toe_position=toe + below,
        target=target + below,
        reach=_max_distances((hip, knee, ankle), kept, fps),
        heel_lift=heel_lift * away,
    )


def _max_distances(chain: tuple[Array, Array, Array], kept: list[int], fps: float) -> Array:
    """Largest distances (T,) of an ankle from its hip: not stretched, unless the motion is.

    Near a marked pose every frame may be as it was, so that the leg comes there without a jerk.
    """
    hip, knee, ankle = chain
    length = float(np.linalg.norm(knee[0] - hip[0]) + np.linalg.norm(ankle[0] - knee[0]))
    beyond = np.maximum(np.linalg.norm(ankle - hip, axis=-1) - MAX_STRETCH * length, 0.0)
    share = _away_from(kept, len(hip), fps)
    smooth = gaussian_smooth(beyond, FOOT_SMOOTHING * fps)
    return MAX_STRETCH * length + share * smooth + (1 - share) * np.maximum(beyond, smooth)


def _smooth_foot(
    rig: RigDescription,
    rotations: dict[str, Array],
    contacts: tuple[Contact, ...],
    side: str,
    kept: list[int],
    fps: float,
) -> None:
    """Smooth the rotations of a foot in contact and its toes: their noise would move the knee."""
    for part in side_parts(side, "foot", "toe"):
        control = control_of(rig, part)
        if control is None:
            continue
        rotation = continuous(rotations[control.name])
        share = np.zeros(len(rotation))
        for contact in contacts:
            share[contact.heel_strike : contact.last + 1] = 1.0
        share = gaussian_smooth(share, 0.5 * FOOT_SMOOTHING * fps)
        share = share * _away_from(kept, len(rotation), fps)
        smooth = normalise(gaussian_smooth(rotation, FOOT_SMOOTHING * fps))
        rotations[control.name] = slerp(rotation, smooth, share)


def _possible_contacts(
    contacts: tuple[Contact, ...],
    toe: Array,
    fixed: FixedFrames,
    level: float,
    rig: RigDescription,
    fps: float,
) -> tuple[Contact, ...]:
    """The contacts without the frames in which that foot cannot be in contact.

    These are the ones about a marked pose that lifts it, and about a blend at which it moves.
    """
    away = round(LIFTED_SECONDS * fps)
    high = toe[:, 1] - level > LIFTED * rig.leg
    speed = np.linalg.norm(np.gradient(toe, axis=0), axis=-1) * fps if len(toe) > 1 else 0 * high
    fast = speed > UP_SPEED * rig.scale
    spans = [
        (first - away, last + away)
        for mask, frames in ((high, fixed.frames), (fast, fixed.moving))
        for first, last in runs(mask)
        if any(first <= k <= last for k in frames)
    ]
    out: list[Contact] = []
    for contact in contacts:
        pieces = [contact]
        for first, last in spans:
            pieces = [piece for whole in pieces for piece in _cut(whole, first, last)]
        out += pieces
    return tuple(out)


def _cut(contact: Contact, first: int, last: int) -> list[Contact]:
    """A contact without the frames from ``first`` to ``last``."""
    if last < contact.heel_strike or first > contact.last:
        return [contact]
    out: list[Contact] = []
    if first > contact.first:
        out.append(Contact(contact.first, first - 1, contact.heel_strike))
    if last < contact.last:
        begin = max(last + 1, contact.first)
        out.append(Contact(begin, contact.last, begin))
    return [piece for piece in out if len(piece) >= 2]


def _keep_above(target: Array, kept: list[int], lowest: float, fps: float) -> Array:
    """Positions (T, 3) raised to a height where they are below it, except at marked poses."""
    lift = np.maximum(lowest - target[:, 1], 0.0) * _away_from(kept, len(target), fps)
    return target + lift[:, None] * UP


def _away_from(kept: list[int], count: int, fps: float, ease: float = POSE_EASE) -> Array:
    """Weights (T,): 0 at the kept frames, 1 from ``ease`` seconds on."""
    if not kept:
        return np.ones(count)
    frames = np.arange(count)
    distance = np.abs(frames[:, None] - np.array(kept)[None]).min(1)
    return smoothstep(distance / max(ease * fps, 1.0))


def _pelvis_drop(legs: list[_LegTrack], kept: list[int], fps: float, length: float) -> Array:
    """Heights (T,) by which the pelvis comes down so that both legs can reach."""
    need = np.zeros(len(legs[0].target))
    for leg in legs:
        ankle = leg.target + leg.ankle - leg.toe_position
        span, reach = leg.hip - ankle, leg.reach
        level = np.linalg.norm(span[:, [0, 2]], axis=-1)
        height = np.sqrt(np.maximum(reach**2 - level**2, 0.0))
        need = np.maximum(need, np.where(level < reach, span[:, 1] - height, 0.0))
    most = MAX_DROP * length
    need = most * (1 - np.exp(-need / most))  # the last of it comes from the heels
    sigma = DROP_SMOOTHING * fps
    widest = maximum_filter(need, max(1, round(2 * sigma)))
    return gaussian_smooth(widest, sigma) * _away_from(kept, len(need), fps)


def _bend_leg(
    rig: RigDescription, leg: _LegTrack, hip: Array, rotations: dict[str, Array]
) -> Array:
    """Set a leg's rotations so that its toe reaches its target; the positions (T, 3) it reaches.

    Args:
        rig: the leg's rig.
        leg: the leg and its target.
        hip: (T, 3) new positions of its hip.
        rotations: control -> (T, 4) global rotations, changed in place.
    """
    axis = rotate(rotations[leg.foot.name], _LEFT)
    ankle = leg.ankle - leg.toe_position
    lift = lift_within_reach(hip - leg.target, ankle, axis, leg.reach)
    roll = from_log(np.maximum(lift, leg.heel_lift)[:, None] * axis)
    rolled = rotate(roll, ankle)
    hinge = rotate(rotations[leg.thigh.name], leg_hinge(rig, leg.side))
    chain = (leg.hip, leg.knee, leg.ankle)
    thigh, shin, reached = solve_leg_ik(chain, hinge, hip, leg.target + rolled)
    rotations[leg.thigh.name] = multiply(thigh, rotations[leg.thigh.name])
    rotations[leg.shin.name] = multiply(shin, rotations[leg.shin.name])
    rotations[leg.foot.name] = multiply(roll, rotations[leg.foot.name])  # the toes stay
    return reached - rolled

"""Feet that stand, stay: legs bent anew so that planted toes neither slide nor dip.

A planted toe gets one place; how far it was from there is spent, smoothly, in the swings
before and after. The foot keeps its roll and turns about the toe. Each knee keeps the
hinge that it has; where a leg is too short, the pelvis comes down a little, then the
heel up. Frames that may not change, the marked poses, do not.
"""

from __future__ import annotations

from collections.abc import Collection, Generator
from dataclasses import dataclass, replace
from typing import Final

import numpy as np

from ..body.rotations import Array, continuous, cross, from_log, multiply, normalise, rotate, slerp
from ..body.skeleton import SIDES, Joint
from ..body.slices import run_to_end
from ..retargeting.part_rotations import Limb, gaussian_smooth, rest_hinge, smoothstep
from ..retargeting.two_bone_ik import solve_leg_ik
from ..rig.bone_maps import Part
from ..rig.kinematics import (
    PosedRig,
    basis_rotation,
    control_of,
    forward_kinematics,
    joint_position,
    raised,
)
from ..rig.rig_description import Control, RigDescription, RigMotion
from .foot_contacts import UP_SPEED, Contact, FootContacts, runs
from .foot_offsets import FixedFrames, offsets, swing_lift

#: Seconds on either side of a marked pose within which the pelvis comes back up.
KEY_EASE: Final = 0.35
#: A foot that is lifted so much in a marked pose, in leg lengths, does not stand there.
LIFTED: Final = 0.04
#: Seconds about the time that it is lifted in which it does not stand either.
LIFTED_SECONDS: Final = 0.2
#: Share of the leg's length beyond which it is not stretched, unless it was.
STRETCH: Final = 0.985
#: The most that the pelvis comes down, in leg lengths, and how smoothly in seconds.
MOST_DROP: Final = 0.045
DROP_SMOOTHING: Final = 0.08
#: Seconds over which the turns of a standing foot are smoothed.
CALM: Final = 0.07
#: The most that a heel is raised, radians.
MOST_RAISE: Final = 0.6
#: The most that a foot's ease overshoots, in leg lengths a second.
MOST_SPEED: Final = 0.4
#: Leg lengths that a swinging toe may be below the floor.
DIP: Final = 0.004


@dataclass(frozen=True)
class FootLockReport:
    """What planting had to do, in centimetres of the model.

    Attributes:
        moved_cm: the farthest that a planted toe was moved.
        lowered_cm: the most that the pelvis was lowered.
        slid_cm: the farthest that a planted toe still is from its place.
    """

    moved_cm: float = 0.0
    lowered_cm: float = 0.0
    slid_cm: float = 0.0


@dataclass(frozen=True)
class _Leg:
    """One leg over time: what turns it, where it is, and where its toe is wanted.

    Attributes:
        tip: (T, 3) where the toe is.
        wanted: (T, 3) where it is wanted.
        far: (T,) the farthest that the ankle may be from the hip.
        heel: (T,) the angle by which its heel has to come up to stay over the floor.
    """

    side: str
    thigh: Control
    shin: Control
    foot: Control
    toe: Control | None
    hip: Array
    knee: Array
    ankle: Array
    tip: Array
    wanted: Array
    far: Array
    heel: Array


def move_to_floor(motion: RigMotion, height: float) -> RigMotion:
    """The motion on a floor so much higher than the rig's own."""
    up = np.full(len(motion), height)
    return replace(motion, locations=raised(motion.root_rest, motion.locations, up))


def lock_feet(
    rig: RigDescription,
    motion: RigMotion,
    foot_contacts: FootContacts,
    kept: Collection[int] = (),
    floor: float = 0.0,
) -> tuple[RigMotion, FootLockReport]:
    """``plant_steps``, all at once."""
    return run_to_end(lock_feet_slices(rig, motion, foot_contacts, kept, floor))


def lock_feet_slices(
    rig: RigDescription,
    motion: RigMotion,
    foot_contacts: FootContacts,
    kept: Collection[int] = (),
    floor: float = 0.0,
    moving: Collection[int] = (),
    *,
    step: bool = False,
) -> Generator[None, None, tuple[RigMotion, FootLockReport]]:
    """The motion with its feet planted, and what that took, in slices of a few milliseconds.

    Args:
        rig: whose motion it is.
        motion: its channels.
        foot_contacts: when each foot stands.
        kept: indices of frames that may not change.
        floor: height of the floor over the rig's own.
        moving: those of ``kept`` at an end of the motion whose speed may not change either:
            a foot that stands there comes to rest instead of stopping at once.
        step: lift a foot also where the motion drags it over the floor from stand to stand.
    """
    kept = sorted(k for k in kept if 0 <= k < len(motion))
    if not foot_contacts.left and not foot_contacts.right:
        return motion, FootLockReport()
    figure = forward_kinematics(rig, motion)
    yield
    held = FixedFrames(tuple(kept), frozenset(moving))
    legs: list[_Leg] = []
    for side in SIDES:
        stands = foot_contacts.of(side)
        _calm(rig, figure.turns, stands, side, kept, motion.fps)
        if leg_is_connected(rig, side):
            legs.append(_leg(rig, motion, figure, stands, side, held, floor, step))
        yield
    if not legs:
        return motion, FootLockReport()
    drop = _drop(legs, kept, motion.fps, rig.leg)
    turns = dict(figure.turns)
    down = np.stack([0 * drop, -drop, 0 * drop], axis=-1)
    rotations, slid = dict(motion.rotations), 0.0
    for leg in legs:
        reached = _bend(rig, leg, leg.hip + down, turns)
        yield
        mask = foot_contacts.mask(leg.side, len(motion)) > 0
        if mask.any():
            slid = max(slid, float(np.linalg.norm((reached - leg.wanted)[mask], axis=-1).max()))
        for control in (leg.thigh, leg.shin, leg.foot, leg.toe):
            if control is not None:
                basis = basis_rotation(rig, control, turns, motion.rotations)
                basis[kept] = motion.rotations[control.name][kept]
                rotations[control.name] = continuous(basis)
        yield
    locations = raised(motion.root_rest, motion.locations, -drop)
    locations[kept] = motion.locations[kept]
    moved = max(float(np.linalg.norm(leg.wanted - leg.tip, axis=-1).max()) for leg in legs)
    cm = 100 / motion.scale
    report = FootLockReport(cm * moved, cm * float(drop.max()), cm * slid)
    return replace(motion, rotations=rotations, locations=locations), report


def leg_is_connected(rig: RigDescription, side: str) -> bool:
    """Whether a leg's controls carry each other; a foot on its own cannot be reached."""
    thigh, shin, foot = (
        control_of(rig, Part(f"{p}_{side.lower()}")) for p in ("thigh", "shin", "foot")
    )
    if thigh is None or shin is None or foot is None:
        return False
    return shin.parent == thigh.name and (foot.carrier or foot.parent) == shin.name


def _leg(
    rig: RigDescription,
    motion: RigMotion,
    figure: PosedRig,
    stands: tuple[Contact, ...],
    side: str,
    held: FixedFrames,
    floor: float,
    step: bool,
) -> _Leg:
    kept = list(held.frames)
    hip, knee, ankle, tip = (
        joint_position(rig, figure, Joint[f"{side}_{j}"]) for j in ("HIP", "KNEE", "ANKLE", "FOOT")
    )
    thigh, shin, foot = (
        control_of(rig, Part(f"{p}_{side.lower()}")) for p in ("thigh", "shin", "foot")
    )
    assert thigh is not None
    assert shin is not None
    assert foot is not None
    rest_ankle = rig.points[Joint[f"{side}_ANKLE"]]
    heel = ankle + rotate(figure.turns[foot.name], np.array([0.0, -rest_ankle[1], 0.0]))
    level = floor + float(rig.points[Joint[f"{side}_FOOT"]][1])
    stands = _standing(stands, tip, held, level, rig, motion.fps)
    wanted = tip + offsets(tip, heel, stands, held, level, motion.fps, MOST_SPEED * rig.leg)
    wanted = _above(wanted, kept, level - DIP * rig.leg, motion.fps)
    lift = swing_lift(wanted, stands, level, None if step else tip[:, 1])
    wanted[:, 1] += lift * _away_from(kept, len(tip), motion.fps)
    toe = control_of(rig, Part(f"toe_{side.lower()}"))
    far = _farthest((hip, knee, ankle), kept, motion.fps)
    across = rotate(figure.turns[foot.name], np.array([1.0, 0.0, 0.0]))
    # No lower than it was before: a motion may have its heel in the floor.
    lowest = np.minimum(heel[:, 1], floor) - DIP * rig.leg
    raised_by = _heel_clear(heel - tip, across, lowest - wanted[:, 1])
    raised_by = gaussian_smooth(raised_by, CALM * motion.fps)
    raised_by *= _away_from(kept, len(tip), motion.fps)
    return _Leg(side, thigh, shin, foot, toe, hip, knee, ankle, tip, wanted, far, raised_by)


def _farthest(chain: tuple[Array, Array, Array], kept: list[int], fps: float) -> Array:
    """Distances (T,) to which an ankle may be from its hip: not stretched, unless it was.

    Near a marked pose every frame may be as it was, so that the leg comes there without a jerk.
    """
    hip, knee, ankle = chain
    length = float(np.linalg.norm(knee[0] - hip[0]) + np.linalg.norm(ankle[0] - knee[0]))
    beyond = np.maximum(np.linalg.norm(ankle - hip, axis=-1) - STRETCH * length, 0.0)
    share = _away_from(kept, len(hip), fps)
    smooth = gaussian_smooth(beyond, CALM * fps)
    return STRETCH * length + share * smooth + (1 - share) * np.maximum(beyond, smooth)


def _calm(
    rig: RigDescription,
    turns: dict[str, Array],
    stands: tuple[Contact, ...],
    side: str,
    kept: list[int],
    fps: float,
) -> None:
    """Smooth how a standing foot and its toes are turned: their trembling would move the knee."""
    for part in ("foot", "toe"):
        control = control_of(rig, Part(f"{part}_{side.lower()}"))
        if control is None:
            continue
        turn = continuous(turns[control.name])
        share = np.zeros(len(turn))
        for stand in stands:
            share[stand.heel : stand.last + 1] = 1.0
        share = gaussian_smooth(share, 0.5 * CALM * fps) * _away_from(kept, len(turn), fps)
        smooth = normalise(gaussian_smooth(turn, CALM * fps))
        turns[control.name] = slerp(turn, smooth, share)


def _standing(
    stands: tuple[Contact, ...],
    tip: Array,
    held: FixedFrames,
    level: float,
    rig: RigDescription,
    fps: float,
) -> tuple[Contact, ...]:
    """The stands without the frames in which that foot cannot stand.

    These are the ones about a marked pose that lifts it, and about a seam at which it moves.
    """
    away = round(LIFTED_SECONDS * fps)
    high = tip[:, 1] - level > LIFTED * rig.leg
    speed = np.linalg.norm(np.gradient(tip, axis=0), axis=-1) * fps if len(tip) > 1 else 0 * high
    fast = speed > UP_SPEED * rig.scale
    spans = [(a - away, b + away) for a, b in runs(high) if any(a <= k <= b for k in held.frames)]
    spans += [(a - away, b + away) for a, b in runs(fast) if any(a <= k <= b for k in held.moving)]
    out: list[Contact] = []
    for stand in stands:
        parts = [stand]
        for first, last in spans:
            parts = [piece for part in parts for piece in _without(part, first, last)]
        out += parts
    return tuple(out)


def _without(stand: Contact, first: int, last: int) -> list[Contact]:
    """A stand without the frames from ``first`` to ``last``."""
    if last < stand.heel or first > stand.last:
        return [stand]
    out: list[Contact] = []
    if first > stand.first:
        out.append(Contact(stand.first, first - 1, stand.heel))
    if last < stand.last:
        begin = max(last + 1, stand.first)
        out.append(Contact(begin, stand.last, begin))
    return [s for s in out if len(s) >= 2]


def _above(wanted: Array, kept: list[int], lowest: float, fps: float) -> Array:
    """Places (T, 3) lifted where they would be under the floor; marked poses stay."""
    lift = np.maximum(lowest - wanted[:, 1], 0.0) * _away_from(kept, len(wanted), fps)
    out = wanted.copy()
    out[:, 1] += lift
    return out


def _away_from(kept: list[int], count: int, fps: float) -> Array:
    """Weights (T,): 0 at the kept frames, 1 from ``KEY_EASE`` on."""
    if not kept:
        return np.ones(count)
    frames = np.arange(count)
    away = np.abs(frames[:, None] - np.array(kept)[None]).min(1)
    return smoothstep(away / max(KEY_EASE * fps, 1.0))


def _drop(legs: list[_Leg], kept: list[int], fps: float, length: float) -> Array:
    """How much (T,) the pelvis comes down so that both legs can reach."""
    need = np.zeros(len(legs[0].tip))
    for leg in legs:
        target = leg.wanted + leg.ankle - leg.tip
        away, far = leg.hip - target, leg.far
        level = np.linalg.norm(away[:, [0, 2]], axis=-1)
        height = np.sqrt(np.maximum(far**2 - level**2, 0.0))
        need = np.maximum(need, np.where(level < far, away[:, 1] - height, 0.0))
    most = MOST_DROP * length
    need = most * (1 - np.exp(-need / most))  # the last bit comes from the heels
    sigma = DROP_SMOOTHING * fps
    around = max(1, round(2 * sigma))
    padded = np.pad(need, around, mode="edge")
    widest = np.max([padded[i : i + len(need)] for i in range(2 * around + 1)], axis=0)
    return gaussian_smooth(widest, sigma) * _away_from(kept, len(need), fps)


def _bend(rig: RigDescription, leg: _Leg, hip: Array, turns: dict[str, Array]) -> Array:
    """Turn a leg's parts so that its toe comes to where it is wanted; where it comes, (T, 3)."""
    side = rotate(turns[leg.foot.name], np.array([1.0, 0.0, 0.0]))
    raise_by = _heel_raise(hip - leg.wanted, leg.ankle - leg.tip, side, leg.far)
    raise_by = np.maximum(raise_by, leg.heel)
    rolled = from_log(raise_by[:, None] * side)
    target = leg.wanted + rotate(rolled, leg.ankle - leg.tip)
    hinge = rotate(turns[leg.thigh.name], leg_hinge(rig, leg.side))
    thigh, shin, reached = solve_leg_ik((leg.hip, leg.knee, leg.ankle), hinge, hip, target)
    turns[leg.thigh.name] = multiply(thigh, turns[leg.thigh.name])
    turns[leg.shin.name] = multiply(shin, turns[leg.shin.name])
    turns[leg.foot.name] = multiply(rolled, turns[leg.foot.name])  # the toes stay as they are
    return reached - rotate(rolled, leg.ankle - leg.tip)


def _heel_clear(heel: Array, side: Array, lowest: Array) -> Array:
    """Angles (T,) by which a foot rolls on its toe until its heel is no lower than it may be.

    A foot that stands on its heel has its toe brought down to the floor; its heel would go
    through it.

    Args:
        heel: (T, 3) as seen from the toe.
        side: (T, 3) axis to the left of the foot.
        lowest: (T,) how high over the toe the heel has to be.
    """
    arm = heel - (heel * side).sum(-1, keepdims=True) * side
    height, rise = arm[:, 1], cross(side, arm)[:, 1]
    size = np.maximum(np.hypot(height, rise), 1e-12)
    wanted = np.clip((lowest - heel[:, 1] + height) / size, -1.0, 1.0)
    angle = np.arcsin(wanted) - np.arctan2(height, rise)
    return np.where(height < wanted * size, np.clip(angle, 0.0, MOST_RAISE), 0.0)


def leg_hinge(rig: RigDescription, side: str) -> Array:
    """Axis (3,) about which a rig's knee bends while at rest."""
    hip, knee, ankle = (rig.points[Joint[f"{side}_{j}"]] for j in ("HIP", "KNEE", "ANKLE"))
    return rest_hinge((normalise(knee - hip), normalise(ankle - knee)), Limb.leg())


def _heel_raise(hip: Array, ankle: Array, side: Array, far: Array) -> Array:
    """Angles (T,) about ``side`` by which a foot rolls on its toe so that the leg can reach.

    Args:
        hip: (T, 3) as seen from the toe.
        ankle: (T, 3) as seen from the toe.
        side: (T, 3) axis to the left of the foot.
        far: (T,) the farthest that ankle and hip may be apart.
    """
    along = (ankle * side).sum(-1, keepdims=True) * side
    arm = ankle - along
    c, s = (hip * arm).sum(-1), (hip * cross(side, arm)).sum(-1)
    wanted = 0.5 * ((hip**2).sum(-1) + (ankle**2).sum(-1) - far**2) - (hip * along).sum(-1)
    size = np.maximum(np.hypot(c, s), 1e-12)
    angle = np.arctan2(s, c) - np.arccos(np.clip(wanted / size, -1.0, 1.0))
    return np.where(wanted > c, np.clip(angle, 0.0, MOST_RAISE), 0.0)

"""Feet of a loop: planted round the circle, so that its seam is a frame like any other.

The loop is laid out three times, each round where the one before ended. A foot that stands
from the last frame into the first stands once, in one place. The middle round is the loop.
"""

from __future__ import annotations

from collections.abc import Collection, Generator
from dataclasses import replace
from typing import Final

import numpy as np

from ..body.rotations import Array, continuous, inverse, rotate
from ..body.skeleton import SIDES, Joint
from ..rig.kinematics import forward_kinematics, joint_position
from ..rig.rig_description import RigDescription, RigMotion
from .foot_contacts import MOST_SLIDE, Contact, FootContacts, find_foot_contacts, leaves_floor
from .foot_locking import FootLockReport, leg_is_connected, lock_feet_slices

_ROUNDS: Final = 3
#: How the names of the parts begin that planting turns.
_OF_LEGS: Final = ("thigh", "shin", "foot", "toe")


def staying(rig: RigDescription, motion: RigMotion, floor: float = 0.0) -> RigMotion:
    """The motion without its way over the floor, where a foot stands all the time.

    A foot that never steps cannot be further on with every round. A way as long as a step stays.
    """
    way = motion.locations[-1] - motion.locations[0]
    up = rotate(inverse(motion.root_rest), np.array([0.0, 1.0, 0.0]))
    way = way - up * (way @ up)
    if np.linalg.norm(way) / motion.scale > MOST_SLIDE:
        return motion
    feet = _toes_and_ankles(_without_arms(rig), motion, floor)
    there = [s for s in SIDES if leg_is_connected(rig, s)]
    if all(leaves_floor(feet, side, motion.fps) for side in there):
        return motion
    share = np.linspace(0.0, 1.0, len(motion))[:, None]
    return replace(motion, locations=motion.locations - share * way)


def lock_loop_feet_slices(
    rig: RigDescription, motion: RigMotion, kept: Collection[int] = (), floor: float = 0.0
) -> Generator[None, None, tuple[RigMotion, FootContacts, FootLockReport]]:
    """The loop with its feet planted, when they stand in it, and what that took.

    In slices of some milliseconds.

    Args:
        rig: whose motion it is.
        motion: ends in the pose and with the speed with which it begins; its place may differ.
        kept: indices of frames that may not change.
        floor: height of the floor over the rig's own.
    """
    count = len(motion) - 1
    legs = _without_arms(rig)
    laid = repeat_loop(motion, {name for c in legs.controls for name in (c.name, *c.below)})
    feet = _toes_and_ankles(legs, laid, floor)
    yield
    found = find_foot_contacts(feet, motion.fps)
    yield
    every = {k % count + turn * count for k in kept for turn in range(_ROUNDS)}
    every |= {k + count for k in every if k % count == 0}
    planted, report = yield from lock_feet_slices(legs, laid, found, every, floor, step=True)
    return _one_round(planted, motion), _stands_of(found, count), report


def _without_arms(rig: RigDescription) -> RigDescription:
    """The rig with only what planting asks for: the root, the legs and what carries them."""
    wanted: set[str] = {rig.root}
    for control in reversed(rig.controls):  # those that carry others come before them
        if control.name in wanted or control.part.value.split("_")[0] in _OF_LEGS:
            wanted.update(filter(None, (control.name, control.parent, control.carrier)))
    return replace(rig, controls=tuple(c for c in rig.controls if c.name in wanted))


def repeat_loop(motion: RigMotion, names: Collection[str] | None = None) -> RigMotion:
    """Three rounds of a loop on end, of some controls; the frame that two share is there once."""
    count = len(motion) - 1
    way = motion.locations[count] - motion.locations[0]

    def rounds(values: Array) -> Array:
        return np.concatenate([values[:count]] * _ROUNDS + [values[:1]])

    locations = rounds(motion.locations)
    locations += way * (np.arange(len(locations)) // count)[:, None]
    rotations = {
        name: continuous(rounds(q))
        for name, q in motion.rotations.items()
        if names is None or name in names
    }
    return replace(motion, rotations=rotations, locations=locations)


def _one_round(laid: RigMotion, loop: RigMotion) -> RigMotion:
    """The middle round of a loop laid out three times, where the loop was."""
    count = len(loop) - 1
    middle = slice(count, 2 * count + 1)
    way = loop.locations[count] - loop.locations[0]
    locations = laid.locations[middle] - way
    locations[count] = locations[0] + way
    rotations = dict(loop.rotations)
    for name, q in laid.rotations.items():
        own = q[middle].copy()
        own[count] = own[0] * np.sign(own[0] @ own[count])
        rotations[name] = own
    return replace(loop, rotations=rotations, locations=locations)


def _toes_and_ankles(rig: RigDescription, motion: RigMotion, floor: float) -> Array:
    """Joints (T, 22, 3) in metres of the model, of which only toes and ankles are there.

    A toe at rest has height 0; legs that do not hang together are in the air.
    """
    figure = forward_kinematics(rig, motion)
    out = np.full((len(motion), len(Joint), 3), 10.0)
    for side in SIDES:
        if leg_is_connected(rig, side):
            rest = floor + float(rig.points[Joint[f"{side}_FOOT"]][1])
            for name in ("ANKLE", "FOOT"):
                joint = Joint[f"{side}_{name}"]
                out[:, joint] = (joint_position(rig, figure, joint) - [0, rest, 0]) / motion.scale
    return out


def _stands_of(laid: FootContacts, count: int) -> FootContacts:
    """The stands of the middle round, as a loop of ``count`` steps counts its frames."""

    def of_round(stands: tuple[Contact, ...]) -> tuple[Contact, ...]:
        out: list[Contact] = []
        for stand in stands:
            first, last = max(stand.first - count, 0), min(stand.last - count, count)
            if first < last:
                out.append(Contact(first, last, min(max(stand.heel - count, 0), first)))
        return tuple(out)

    return FootContacts(of_round(laid.left), of_round(laid.right))

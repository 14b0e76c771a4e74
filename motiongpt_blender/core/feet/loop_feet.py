"""Foot locking of a loop: its last frame goes on into its first as into any other frame.

The loop is repeated three times, each round where the one before ended. A foot that stands
from the last frame into the first is one contact, in one place. The middle round is the loop.
"""

from __future__ import annotations

from collections.abc import Collection, Generator
from dataclasses import replace
from typing import Final

import numpy as np

from ..body.rotations import Array, continuous
from ..body.skeleton import SIDES, Joint, of_side
from ..rig.kinematics import forward_kinematics, joint_position, local_up, root_transform
from ..rig.part_joints import WHOLE_LEG_PARTS
from ..rig.rig_description import RigDescription, RigMotion
from .foot_contacts import MAX_SLIDE, Contact, FootContacts, find_foot_contacts, leaves_floor
from .foot_locking import FootLockReport, leg_is_connected, lock_feet_slices

_ROUNDS: Final = 3
#: Height in metres of feet that cannot be locked: out of contact.
_IN_THE_AIR: Final = 10.0


def remove_drift(rig: RigDescription, motion: RigMotion, ground: Array | float = 0.0) -> RigMotion:
    """The motion without its travel over the floor, where one foot stands all the time.

    A foot that never steps cannot be farther on with every round. Travel as long as a step
    stays.
    """
    travel, up = motion.locations[-1] - motion.locations[0], local_up(motion)
    travel = travel - up * (travel @ up)
    if np.linalg.norm(travel) / motion.scale > MAX_SLIDE:
        return motion
    feet = pelvis_and_feet(without_arms(rig), motion, ground)
    connected = [s for s in SIDES if leg_is_connected(rig, s)]
    if all(leaves_floor(feet, side, motion.fps) for side in connected):
        return motion
    share = np.linspace(0.0, 1.0, len(motion))[:, None]
    return replace(motion, locations=motion.locations - share * travel)


def lock_loop_feet_slices(
    rig: RigDescription,
    motion: RigMotion,
    kept: Collection[int] = (),
    ground: Array | float = 0.0,
) -> Generator[None, None, tuple[RigMotion, FootContacts, FootLockReport]]:
    """The loop with its feet locked, its contacts, and what the locking changed.

    Works in slices of some milliseconds.

    Args:
        rig: the motion's rig.
        motion: ends in the pose and with the speed with which it begins; its position may
            differ.
        kept: indices of frames that may not change.
        ground: height of the ground over the rig's own floor, or heights (T,) along the loop.
    """
    count = len(motion) - 1
    legs = without_arms(rig)
    names = {name for c in legs.controls for name in (c.name, *c.twist_bones)}
    rounds = repeat_loop(motion, names)
    along = _rounds_of(np.broadcast_to(np.asarray(ground, dtype=np.float64), (len(motion),)))
    feet = pelvis_and_feet(legs, rounds, along)
    yield
    contacts = find_foot_contacts(feet, motion.fps)
    yield
    fixed = {k % count + start * count for k in kept for start in range(_ROUNDS)}
    fixed |= {k + count for k in fixed if k % count == 0}
    locked, report = yield from lock_feet_slices(legs, rounds, contacts, fixed, along, step=True)
    return _middle_round(locked, motion), _middle_contacts(contacts, count), report


def without_arms(rig: RigDescription) -> RigDescription:
    """The rig with only what foot locking needs: the root, the legs and what carries them."""
    wanted: set[str] = {rig.root}
    for control in reversed(rig.controls):  # those that carry others come before them
        if control.name in wanted or control.part.base in WHOLE_LEG_PARTS:
            wanted.update(filter(None, (control.name, control.parent, control.carrier)))
    return replace(rig, controls=tuple(c for c in rig.controls if c.name in wanted))


def repeat_loop(motion: RigMotion, names: Collection[str] | None = None) -> RigMotion:
    """Three rounds of a loop, of some controls; the frame that two rounds share is there once."""
    count = len(motion) - 1
    travel = motion.locations[count] - motion.locations[0]

    locations = _rounds_of(motion.locations)
    locations += travel * (np.arange(len(locations)) // count)[:, None]
    rotations = {
        name: continuous(_rounds_of(q))
        for name, q in motion.rotations.items()
        if names is None or name in names
    }
    return replace(motion, rotations=rotations, locations=locations)


def _rounds_of(values: Array) -> Array:
    """Values (T, ...) of a loop, round after round; its last frame is its first again."""
    return np.concatenate([values[:-1]] * _ROUNDS + [values[:1]])


def _middle_round(rounds: RigMotion, loop: RigMotion) -> RigMotion:
    """The middle of three rounds, at the loop's own position."""
    count = len(loop) - 1
    middle = slice(count, 2 * count + 1)
    travel = loop.locations[count] - loop.locations[0]
    locations = rounds.locations[middle] - travel
    locations[count] = locations[0] + travel
    rotations = dict(loop.rotations)
    for name, q in rounds.rotations.items():
        own = q[middle].copy()
        own[count] = own[0] * np.sign(own[0] @ own[count])
        rotations[name] = own
    return replace(loop, rotations=rotations, locations=locations)


def pelvis_and_feet(rig: RigDescription, motion: RigMotion, ground: Array | float) -> Array:
    """Joints (T, 22, 3) in metres of the model; only pelvis, toes and ankles are filled in.

    A toe at rest has height 0; legs that are not connected are in the air.
    """
    posed = forward_kinematics(rig, motion)
    out = np.full((len(motion), len(Joint), 3), _IN_THE_AIR)
    out[:, Joint.PELVIS] = root_transform(motion)[1] / motion.scale
    for side in SIDES:
        if leg_is_connected(rig, side):
            rest = ground + rig.points[Joint[f"{side}_FOOT"]][1]
            for joint in of_side(side, "ANKLE", "FOOT"):
                out[:, joint] = joint_position(rig, posed, joint)
                out[:, joint, 1] -= rest
                out[:, joint] /= motion.scale
    return out


def _middle_contacts(rounds: FootContacts, count: int) -> FootContacts:
    """The contacts of the middle round, by the frames of a loop of ``count`` steps."""

    def of_round(contacts: tuple[Contact, ...]) -> tuple[Contact, ...]:
        out: list[Contact] = []
        for contact in contacts:
            first, last = max(contact.first - count, 0), min(contact.last - count, count)
            if first < last:
                heel_strike = min(max(contact.heel_strike - count, 0), first)
                out.append(Contact(first, last, heel_strike))
        return tuple(out)

    return FootContacts(of_round(rounds.left), of_round(rounds.right))

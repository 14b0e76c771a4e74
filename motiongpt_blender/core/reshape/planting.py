"""Feet planted again after a finished motion was changed, from what the motion itself shows.

A finished motion was planted before. So only the change is planted: where nothing changed, every
frame stays as it was, and where it did, toes that stood in one place do so again.
"""

from __future__ import annotations

from collections.abc import Collection, Generator, Sequence
from dataclasses import replace
from typing import Final

import numpy as np

from ..body.rotations import Array, continuous, inverse, multiply
from ..body.skeleton import SIDES, Joint
from ..feet.foot_contacts import Contact, FootContacts, find_foot_contacts
from ..feet.foot_locking import lock_feet_slices
from ..feet.loop_feet import pelvis_and_feet, without_arms
from ..pose_constraints.pose_ground import find_grounds
from ..pose_constraints.rig_pose import pose_at
from ..rig.rig_description import RigDescription, RigMotion

#: Seconds from one pose whose ground is looked at to the next.
_GROUND_STEP: Final = 0.25
#: Metres of the model a second below which a toe stands still.
_STILL: Final = 0.03


def ground_along(rig: RigDescription, motion: RigMotion) -> Array:
    """Heights (T,) of the ground under a finished motion, over the rig's own floor."""
    step = max(round(_GROUND_STEP * motion.fps), 1)
    frames = sorted({*range(0, len(motion), step), len(motion) - 1})
    grounds = find_grounds(rig, {float(f): pose_at(motion, f) for f in frames})
    return np.interp(np.arange(len(motion)), list(grounds), list(grounds.values()))


def contacts_of(rig: RigDescription, motion: RigMotion, ground: Array) -> FootContacts:
    """When each foot of a finished motion stands in one place on the ground (T,)."""
    joints = pelvis_and_feet(without_arms(rig), motion, ground)
    found = find_foot_contacts(joints, motion.fps)
    left, right = (
        _still(found.of(side), joints[:, Joint[f"{side}_FOOT"]], motion.fps) for side in SIDES
    )
    return FootContacts(left, right)


def _still(contacts: Sequence[Contact], toe: Array, fps: float) -> tuple[Contact, ...]:
    """Contacts without the frames at their ends in which the toe (T, 3) still moves.

    A toe that was planted stands still; one that was not counts by its own usual speed.
    """
    speeds: Array = np.linalg.norm(np.diff(toe, axis=0), axis=-1) * fps
    out: list[Contact] = []
    for contact in contacts:
        first, last = contact.first, contact.last
        most = max(_STILL, 2 * float(np.median(speeds[first:last]))) if last > first else _STILL
        while first < last and speeds[first] > most:
            first += 1
        while last > first and speeds[last - 1] > most:
            last -= 1
        if last > first:
            out.append(Contact(first, last, min(contact.heel_strike, first)))
    return tuple(out)


def plant_change_slices(
    rig: RigDescription, before: RigMotion, after: RigMotion, kept: Collection[int]
) -> Generator[None, None, RigMotion]:
    """The changed motion with its feet planted as those of the motion before, in slices.

    Args:
        rig: the motion's rig.
        before: a finished motion.
        after: the same, changed.
        kept: indices of frames that stay as they are in ``after``.
    """
    legs, ground = without_arms(rig), ground_along(rig, before)
    contacts = contacts_of(rig, before, ground)
    yield
    was, _ = yield from lock_feet_slices(legs, before, contacts, kept, ground)
    planted, _ = yield from lock_feet_slices(legs, after, contacts, kept, ground)
    rotations = dict(after.rotations)
    for control in legs.controls:
        name = control.name
        own = multiply(inverse(was.rotations[name]), before.rotations[name])
        rotations[name] = continuous(multiply(planted.rotations[name], own))
    locations = planted.locations + before.locations - was.locations
    return replace(after, rotations=rotations, locations=locations)

"""A finished motion played faster or slower, and two of them blended; feet that stand go on to."""

from __future__ import annotations

import math
from collections.abc import Collection, Generator
from dataclasses import replace

import numpy as np

from ..body.resampling import values_at
from ..body.rotations import Array, continuous, normalise, slerp
from ..feet.foot_contacts import Contact, FootContacts
from ..feet.foot_locking import lock_feet_slices
from ..feet.loop_feet import without_arms
from ..rig.rig_description import RigDescription, RigMotion
from .alignment import aligned_times
from .planting import contacts_of, ground_along


def resampled(motion: RigMotion, count: int) -> RigMotion:
    """The motion over another number of frames, two at least, by a cubic through each frame."""
    if count == len(motion):
        return motion
    return at_times(motion, source_times(len(motion), count))


def at_times(motion: RigMotion, times: Array) -> RigMotion:
    """The motion as it is at times (N,), in its frames."""
    return replace(
        motion,
        rotations={
            name: normalise(values_at(continuous(q), times)) for name, q in motion.rotations.items()
        },
        locations=values_at(motion.locations, times),
    )


def source_times(length: int, count: int) -> Array:
    """The time (count,) in a motion of ``length`` frames at which each new frame shows it."""
    return np.minimum(np.linspace(0.0, length - 1, count), length - 1)


def retime_slices(
    rig: RigDescription, motion: RigMotion, count: int, kept: Collection[int] = ()
) -> Generator[None, None, RigMotion]:
    """The motion over another number of frames, its feet where they stood, in slices.

    Args:
        rig: the motion's rig.
        motion: a finished motion.
        count: frames, two at least.
        kept: indices of new frames that stay as resampled.
    """
    ground = ground_along(rig, motion)
    contacts = _scaled(contacts_of(rig, motion, ground), (count - 1) / (len(motion) - 1))
    yield
    new = resampled(motion, count)
    level = np.interp(source_times(len(motion), count), np.arange(len(motion)), ground)
    return (yield from _planted(rig, new, contacts, level, kept))


def blend_slices(
    rig: RigDescription,
    one: RigMotion,
    other: RigMotion,
    share: float,
    kept: Collection[int] = (),
) -> Generator[None, None, RigMotion]:
    """Two motions blended, feet planted where the blend puts them, in slices.

    Before, both are brought in step; see ``alignment``.

    Args:
        rig: the rig of both.
        one: a finished motion; its length and its controls count.
        other: another one.
        share: of the other, 0 to 1.
        kept: indices of frames that stay as they are blended.
    """
    other = resampled(other, len(one))
    if 0 < share < 1:
        one, other = yield from in_step_slices(rig, one, other, share)
    part = np.full(len(one), share)
    rotations = dict(one.rotations)
    for name, q in one.rotations.items():
        if name in other.rotations:
            rotations[name] = continuous(slerp(q, other.rotations[name], part))
    locations = (1 - share) * one.locations + share * other.locations
    blended = replace(one, rotations=rotations, locations=locations)
    yield
    if share in (0.0, 1.0):
        return blended
    ground = ground_along(rig, blended)
    return (yield from _planted(rig, blended, contacts_of(rig, blended, ground), ground, kept))


def in_step_slices(
    rig: RigDescription, one: RigMotion, other: RigMotion, share: float
) -> Generator[None, None, tuple[RigMotion, RigMotion]]:
    """Two motions of one length whose feet come down together, between the times of both.

    Args:
        rig: the rig of both.
        one: a finished motion.
        other: another one.
        share: of the other's timing, 0 to 1.
    """
    contacts: list[FootContacts] = []
    for motion in (one, other):
        contacts.append(contacts_of(rig, motion, ground_along(rig, motion)))
        yield
    times = aligned_times(contacts[0], contacts[1], len(one), one.fps, share)
    yield
    return at_times(one, times[0]), at_times(other, times[1])


def _planted(
    rig: RigDescription,
    motion: RigMotion,
    contacts: FootContacts,
    ground: Array,
    kept: Collection[int],
) -> Generator[None, None, RigMotion]:
    """The motion with its feet locked in these contacts."""
    locked, _ = yield from lock_feet_slices(without_arms(rig), motion, contacts, kept, ground)
    return locked


def _scaled(contacts: FootContacts, factor: float) -> FootContacts:
    """Contacts over another number of frames, no longer than they were."""
    sides = [
        tuple(
            Contact(first, last, min(round(c.heel_strike * factor), first))
            for c in contacts.of(side)
            if (first := math.ceil(c.first * factor)) < (last := math.floor(c.last * factor))
        )
        for side in "LR"
    ]
    return FootContacts(*sides)

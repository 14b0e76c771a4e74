"""Legs of a bent motion solved again, so that each foot keeps the path that it had on the floor.

A pose lowers the hips and bends the legs; faded in the joints, that moves feet that stood. Here a
toe leaves its path only by as much as the pose itself moves it.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from itertools import pairwise

import numpy as np

from ..body.rotations import Array, continuous, from_log, inverse, multiply, rotate, to_log
from ..body.skeleton import SIDES, of_side
from ..body.smoothing import smoothstep
from ..feet.foot_contacts import Contact, FootContacts
from ..feet.foot_locking import LIFTED, LIFTED_SECONDS, leg_hinge, leg_is_connected
from ..retargeting.two_bone_ik import solve_leg_ik
from ..rig.kinematics import (
    PosedRig,
    basis_rotation,
    controls_of,
    forward_kinematics,
    joint_position,
)
from ..rig.part_joints import LEG_JOINTS, LEG_PARTS, side_parts
from ..rig.rig_description import RigDescription, RigMotion
from .fit import Fade


def keep_foot_paths(
    rig: RigDescription,
    before: RigMotion,
    bent: RigMotion,
    contacts: FootContacts,
    fade: Fade,
) -> RigMotion:
    """The bent motion with each foot on its path before, but for what the pose moves it.

    A foot that stands does so in one place, moved as a whole.

    Args:
        rig: the motion's rig, of which the legs count.
        before: the motion that was bent.
        bent: the same through a pose.
        contacts: when each foot stands.
        fade: the pose's frame, which stays as it is in ``bent``, and how its difference fades.
    """
    was, now = forward_kinematics(rig, before), forward_kinematics(rig, bent)
    rotations, turned = dict(bent.rotations), dict(now.rotations)
    frame = fade.frame
    for side in SIDES:
        if not leg_is_connected(rig, side):
            continue
        thigh, shin, foot = controls_of(rig, *side_parts(side, *LEG_PARTS))
        _solve_leg(rig, was, now, turned, side, contacts.of(side), fade, bent.fps)
        for control in (thigh, shin, foot):
            basis = basis_rotation(rig, control, turned, bent.rotations)
            basis[frame] = bent.rotations[control.name][frame]
            rotations[control.name] = continuous(basis)
    return replace(bent, rotations=rotations)


def _solve_leg(
    rig: RigDescription,
    was: PosedRig,
    now: PosedRig,
    turned: dict[str, Array],
    side: str,
    contacts: Sequence[Contact],
    fade: Fade,
    fps: float,
) -> None:
    """Set the global rotations of a leg in ``turned``."""
    frame = fade.frame
    thigh, shin, foot = controls_of(rig, *side_parts(side, *LEG_PARTS))
    hip, knee, ankle, toe = (
        joint_position(rig, now, joint) for joint in of_side(side, *LEG_JOINTS, "FOOT")
    )
    path = joint_position(rig, was, of_side(side, "FOOT")[0])
    own = was.rotations[foot.name]
    turn = to_log(multiply(inverse(own[frame]), now.rotations[foot.name][frame]))
    change = fade.curve(np.concatenate([toe[frame] - path[frame], turn]), len(path), fps)
    lifted = round(LIFTED_SECONDS * fps)
    offsets = _one_each_contact(change[:, :3], contacts, frame, LIFTED * rig.leg, lifted)
    rotation = multiply(own, from_log(change[:, 3:]))
    in_foot = rotate(inverse(now.rotations[foot.name]), ankle - toe)
    target = path + offsets + rotate(rotation, in_foot)
    hinge = rotate(now.rotations[thigh.name], leg_hinge(rig, side))
    upper, lower, _ = solve_leg_ik((hip, knee, ankle), hinge, hip, target)
    turned[thigh.name] = multiply(upper, now.rotations[thigh.name])
    turned[shin.name] = multiply(lower, now.rotations[shin.name])
    turned[foot.name] = rotation


def _one_each_contact(
    offsets: Array, contacts: Sequence[Contact], frame: int, high: float, lifted: int
) -> Array:
    """Offsets (T, 3) of a toe, the same all through a contact, eased in the swings between.

    Args:
        offsets: faded around ``frame``.
        contacts: of this foot.
        frame: index of the pose's frame.
        high: height from which the pose lifts the foot, which then stands no more around it.
        lifted: frames on either side of ``frame`` in which it does not.
    """
    last = len(offsets) - 1
    raised = offsets[frame, 1] > high
    stops = {frame: (frame, offsets[frame])}
    for contact in contacts:
        for a, b in _pieces(contact, frame, lifted) if raised else [(contact.first, contact.last)]:
            if a <= frame <= b:
                del stops[frame]
            nearest = min(max(frame, a), b)
            stops[a] = (b, offsets[nearest])
    for end in (0, last):
        if not any(a <= end <= b for a, (b, _) in stops.items()):
            stops[end] = (end, offsets[end])
    out = np.empty_like(offsets)
    ordered = sorted(stops.items())
    for a, (b, offset) in ordered:
        out[a : b + 1] = offset
    for (_, (a, begin)), (b, (_, end)) in pairwise(ordered):
        between = np.arange(a, b + 1)
        if len(between) > 1:
            share = smoothstep((between - a) / (b - a))[:, None]
            out[between] = begin + share * (end - begin)
    return out


def _pieces(contact: Contact, frame: int, lifted: int) -> list[tuple[int, int]]:
    """First and last frames of what is left of a contact around a frame that lifts the foot."""
    before = (contact.first, min(contact.last, frame - lifted - 1))
    after = (max(contact.first, frame + lifted + 1), contact.last)
    return [(a, b) for a, b in (before, after) if a <= b]

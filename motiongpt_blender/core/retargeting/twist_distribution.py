"""The twist of an upper arm or a thigh, distributed over the twist bones of a rig.

A twist bone may lie in the chain, between the limb's bone and the next part: then the bones
of the chain share the twist evenly, and what hangs below them has all of it. Or it hangs
beside the chain and carries nothing: then it twists as its position along the limb says.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from ..body.rotations import (
    Array,
    about_axis,
    continuous,
    from_local_basis,
    local_basis,
    multiply,
    twist_angle,
)
from ..rig.twist_bones import TwistBone
from .part_rotations import Limb, rest_from_neutral


def distribute_twist(
    basis: Array,
    rest: Array,
    limb_rest: tuple[Array, Array],
    limb: Limb,
    bones: Sequence[TwistBone],
) -> tuple[Array, dict[str, Array]]:
    """Basis rotations (T, 4) of a limb's control and of its twist bones.

    Args:
        basis: (T, 4) of the control while it has all of the twist.
        rest: (4,) rest rotation of the control, model axes.
        limb_rest: unit directions (3,) of the limb's upper and lower bone at rest.
        limb: which limb it is.
        bones: its twist bones.
    """
    rotation = from_local_basis(basis, rest)
    angle, axis = limb_twist(rotation, limb_rest, limb), limb_rest[0]
    share = 1.0 / (1 + sum(bone.in_chain for bone in bones))
    twists: dict[str, Array] = {}
    for bone in bones:
        own = share if bone.in_chain else bone.position - share
        twists[bone.name] = local_basis(about_axis(axis, own * angle), bone.rest)
    if share < 1.0:
        untwisted = multiply(rotation, about_axis(axis, (share - 1) * angle))
        basis = continuous(local_basis(untwisted, rest))
    return basis, twists


def limb_twist(rotation: Array, limb_rest: tuple[Array, Array], limb: Limb) -> Array:
    """Radians (T,) by which rotations (T, 4) away from rest twist a limb, without jumps.

    Measured from the T-pose, where an arm never comes near the opposite direction: there
    swing and twist would not be defined.
    """
    neutral = rest_from_neutral(limb_rest, limb)
    from_neutral = multiply(rotation, neutral)
    angle = np.unwrap(twist_angle(from_neutral, limb.neutral))
    angle = angle - twist_angle(neutral, limb.neutral)
    return angle - 2 * np.pi * np.round(np.median(angle) / (2 * np.pi))

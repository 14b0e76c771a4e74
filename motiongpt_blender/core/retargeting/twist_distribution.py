"""The twist of an upper arm or a thigh, shared along the bones that a rig has for it.

A twist bone may lie in the chain, between the limb's bone and the next part: then the twist
is shared evenly, and what hangs below has all of it. Or it hangs beside the chain and carries
nothing: then it twists as much as its place along the limb says, and takes the rest back.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from ..body.rotations import Array, continuous, inverse, local_basis, multiply
from .part_rotations import Limb, about, rest_from_neutral


@dataclass(frozen=True, eq=False)
class TwistBone:
    """A bone that takes a share of a limb's twist.

    Attributes:
        name: the bone's name.
        control: name of the control whose twist is shared.
        rest: (4,) rotation of the bone at rest, model axes.
        place: where it begins along the limb, 0 to 1.
        carries: whether the next part hangs below it.
    """

    name: str
    control: str
    rest: Array
    place: float
    carries: bool


def shared(
    basis: Array,
    rest: Array,
    limb_rest: tuple[Array, Array],
    limb: Limb,
    bones: Sequence[TwistBone],
) -> tuple[Array, dict[str, Array]]:
    """Basis rotations (T, 4) of a limb's control and of its twist bones.

    Args:
        basis: (T, 4) of the control while it has all of the twist.
        rest: (4,) rotation of the control at rest, model axes.
        limb_rest: unit directions (3,) of the limb's upper and lower bone at rest.
        limb: which limb it is.
        bones: its twist bones.
    """
    turn = multiply(multiply(rest, basis), inverse(rest))
    angle, axis = twist_angle(turn, limb_rest, limb), limb_rest[0]
    share = 1.0 / (1 + sum(bone.carries for bone in bones))
    others = {
        bone.name: local_basis(
            about(axis, (share if bone.carries else bone.place - share) * angle), bone.rest
        )
        for bone in bones
    }
    if share < 1.0:
        basis = continuous(local_basis(multiply(turn, about(axis, (share - 1) * angle)), rest))
    return basis, others


def twist_angle(turn: Array, limb_rest: tuple[Array, Array], limb: Limb) -> Array:
    """Radians (T,) that turns (T, 4) away from rest twist a limb about itself, without jumps.

    Counted from the T-pose, where an arm never comes near the opposite direction: there a
    twist would have no meaning.
    """
    neutral = rest_from_neutral(limb_rest, limb)
    seen = multiply(turn, np.broadcast_to(neutral, turn.shape))
    angle = np.unwrap(_twist(seen, limb.neutral)) - _twist(neutral, limb.neutral)
    return angle - 2 * np.pi * np.round(np.median(angle) / (2 * np.pi))


def _twist(turn: Array, axis: Array) -> Array:
    """Radians (...,) that turns (..., 4) go about an axis (3,), by swing and twist."""
    half: Array = np.arctan2((turn[..., 1:] * axis).sum(-1), turn[..., 0])
    return 2 * half

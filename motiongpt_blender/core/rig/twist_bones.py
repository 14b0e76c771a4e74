"""Bones that take a share of a limb's twist."""

from __future__ import annotations

from dataclasses import dataclass

from ..body.rotations import Array


@dataclass(frozen=True, eq=False)
class TwistBone:
    """A bone that takes a share of a limb's twist.

    Attributes:
        name: the bone's name.
        control: name of the control whose twist is shared.
        rest: (4,) rest rotation of the bone, model axes.
        position: where it begins along the limb, 0 to 1.
        in_chain: whether the next part of the body hangs below it.
    """

    name: str
    control: str
    rest: Array
    position: float
    in_chain: bool

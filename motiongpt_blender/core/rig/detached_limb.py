"""Hands and feet that are not children of their limbs: where these end, and how far beside.

Some game characters keep their feet and hands beside the limbs, not below them. Axes are the
model's, lengths the rig's own, heights are measured from its floor.
"""

from __future__ import annotations

from dataclasses import dataclass

from ..body.rotations import Array, inverse, rotate
from .kinematics import PosedRig
from .rig_description import Control


@dataclass(frozen=True)
class DetachedLimb:
    """A hand or a foot that is to follow a limb which does not carry it.

    Attributes:
        control: the hand's or the foot's control.
        carrier: name of the control at whose end it belongs.
        rest: (4,) rest rotation of its bone.
        head: (3,) head of its bone at rest.
        parent_head: (3,) where its parent control begins at rest, if it has one.
    """

    control: Control
    carrier: str
    rest: Array
    head: Array
    parent_head: Array

    def heads(self, posed: PosedRig, limb_locations: Array) -> Array:
        """Head (T, 3) of the bone, from its basis location (T, 3) as a child of the limb."""
        offset = rotate(posed.rotations[self.carrier], rotate(self.rest, limb_locations))
        return self._limb_end(posed) + offset

    def limb_locations(self, posed: PosedRig, heads: Array) -> Array:
        """Basis location (T, 3) as a child of the limb, from the bone's head (T, 3)."""
        offset = rotate(inverse(posed.rotations[self.carrier]), heads - self._limb_end(posed))
        return rotate(inverse(self.rest), offset)

    def parent_locations(self, posed: PosedRig, heads: Array) -> Array:
        """Basis location (T, 3) of the bone below its parent, from its head (T, 3)."""
        if self.control.parent is not None:
            heads = heads - posed.positions[self.control.parent]
            heads = rotate(inverse(posed.rotations[self.control.parent]), heads) + self.parent_head
        return rotate(inverse(self.rest), heads - self.head)

    def carried_heads(self, posed: PosedRig, points: Array) -> Array:
        """Head (T, 3) of the bone, from where it would be with its parent control at rest."""
        if self.control.parent is None:
            return points
        turned = rotate(posed.rotations[self.control.parent], points - self.parent_head)
        return posed.positions[self.control.parent] + turned

    def _limb_end(self, posed: PosedRig) -> Array:
        """Head (T, 3) of the bone at the end of its limb."""
        name = self.control.name
        return posed.positions[name] + rotate(posed.rotations[name], self.head - self.control.head)

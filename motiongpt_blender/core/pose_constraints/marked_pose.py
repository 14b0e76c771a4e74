"""Poses that the animator marked: what they are for and what they hold."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING, Final

import numpy as np
from numpy.typing import NDArray

from ..rig.bone_maps import Part
from .body_parts import WHOLE_BODY, BodyPart, is_whole_body, parts_of

if TYPE_CHECKING:
    from .correction import RigPose

#: Degrees and millimetres that count as met.
MET: Final = (0.01, 0.1)


class PoseRole(StrEnum):
    """What a marked pose asks of the motion."""

    START = "START"
    KEY = "KEY"
    END = "END"


@dataclass(frozen=True)
class FKMismatch:
    """A bone that an FK pose shows elsewhere than it was marked.

    Attributes:
        bone: its name.
        degrees: how far it is turned away.
        millimetres: how far it is away, in the scene.
        part: the part of the body that it belongs to, or None.
    """

    bone: str
    degrees: float
    millimetres: float
    part: Part | None = None

    @property
    def met(self) -> bool:
        """Whether nobody can see it."""
        return self.degrees <= MET[0] and self.millimetres <= MET[1]

    @property
    def where(self) -> str:
        """The part of the body in words."""
        if self.part is None:
            return "all"
        side = {"l": "left ", "r": "right "}.get(self.part.side, "")
        return f"the {side}{self.part.base.replace('_', ' ')}"

    @property
    def size(self) -> float:
        """One number to compare by."""
        return max(self.degrees / MET[0], self.millimetres / MET[1])


@dataclass(frozen=True)
class MarkedPose:
    """A pose that the motion has to pass through.

    Attributes:
        frame: frame of the scene at which it was marked; fractions are allowed.
        role: first pose, last pose, or a pose on the way.
        pose: the rig's own controls, which the result meets exactly.
        joints: (22, 3) float32 metres, the same pose as the model sees it; own position
            and heading, y up.
        body_parts: the parts of the body that the motion has to meet.
        object_matrix: (4, 4) matrix of the armature object when it was marked; None: not known.
        fk_mismatches: what FK controls cannot show of it: the worst bone of each part, worst first.
    """

    frame: float
    role: PoseRole
    pose: RigPose
    joints: NDArray[np.float32]
    body_parts: frozenset[BodyPart] = WHOLE_BODY
    object_matrix: NDArray[np.float64] | None = None
    fk_mismatches: tuple[FKMismatch, ...] = ()

    @property
    def worst_mismatch(self) -> FKMismatch | None:
        """The bone that FK controls show worst of all that is bound, or None."""
        return find_worst_mismatch(self.fk_mismatches, self.body_parts)


def find_worst_mismatch(
    fk_mismatches: tuple[FKMismatch, ...], body_parts: frozenset[BodyPart]
) -> FKMismatch | None:
    """The worst of the misses, sorted worst first, that lies in a bound part, or None."""
    parts = parts_of(body_parts)
    return next((m for m in fk_mismatches if is_whole_body(body_parts) or m.part in parts), None)


def mismatch_note(miss: FKMismatch | None) -> str:
    """A sentence about what FK cannot show, or ""."""
    if miss is None or miss.met:
        return ""
    return (
        f"FK controls cannot show {miss.where} of this pose to the last: '{miss.bone}' is "
        f"{miss.degrees:.2f}° and {miss.millimetres:.1f} mm away, as IK stretches a limb or a "
        "constraint acts on it."
    )

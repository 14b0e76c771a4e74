"""Poses that the animator marked."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

import numpy as np
from numpy.typing import NDArray

from ..rig.figure import Figure
from .body_parts import WHOLE_BODY, BodyPart
from .fk_mismatch import FKMismatch, find_worst_mismatch
from .rest_pose import RestPose
from .rig_pose import RigPose


class PoseRole(StrEnum):
    """What a marked pose asks of the motion: its first pose, one in between, its last."""

    START = "START"
    KEY = "KEY"
    END = "END"


@dataclass(frozen=True)
class MarkedPose:
    """A pose that the motion has to pass through.

    Attributes:
        frame: scene frame at which it was marked; fractions are allowed.
        role: first pose, last pose, or a pose in between.
        pose: the rig's own controls, which the result meets exactly.
        joints: (22, 3) float32 metres, the same pose on the model's skeleton, at its own
            position and heading, y up.
        body_parts: the parts of the body that the pose constrains.
        object_matrix: (4, 4) matrix of the armature object when it was marked; None: not known.
        fk_mismatches: what FK controls cannot reach: the worst bone of each part, worst first.
        rest: the rest pose that it was made with; None: not known.
        figure: its bone lines, as evaluated, to be drawn; None: not known.
    """

    frame: float
    role: PoseRole
    pose: RigPose
    joints: NDArray[np.float32]
    body_parts: frozenset[BodyPart] = WHOLE_BODY
    object_matrix: NDArray[np.float64] | None = None
    fk_mismatches: tuple[FKMismatch, ...] = ()
    rest: RestPose | None = None
    figure: Figure | None = None

    @property
    def worst_mismatch(self) -> FKMismatch | None:
        """The worst FK mismatch in a constrained part, or None."""
        return find_worst_mismatch(self.fk_mismatches, self.body_parts)

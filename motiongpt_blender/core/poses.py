"""Poses that the animator marked: what they are for and what they hold."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from .binding import WHOLE, BodyPart

if TYPE_CHECKING:
    from .keys import RigPose


class PoseRole(StrEnum):
    """What a marked pose asks of the motion."""

    START = "START"
    KEY = "KEY"
    END = "END"


@dataclass(frozen=True)
class MarkedPose:
    """A pose that the motion has to pass through.

    Attributes:
        frame: frame of the scene at which it was marked; fractions are allowed.
        role: first pose, last pose, or a pose on the way.
        pose: the rig's own controls, which the result meets exactly.
        joints: (22, 3) float32 metres, the same pose as the model sees it; own position
            and heading, y up.
        binds: the parts of the body that the motion has to meet.
        carrier: (4, 4) matrix of the armature object when it was marked; None: not known.
    """

    frame: float
    role: PoseRole
    pose: RigPose
    joints: NDArray[np.float32]
    binds: frozenset[BodyPart] = WHOLE
    carrier: NDArray[np.float64] | None = None

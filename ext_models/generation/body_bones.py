"""A motion as the path of its pelvis, what it faces, and bones that may be turned by themselves."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from motiongpt_blender.core.body.motion import heading, remove_heading
from motiongpt_blender.core.body.rotations import about_y, rotate
from motiongpt_blender.core.body.skeleton import PARENTS

Array = NDArray[np.floating]

_CHILDREN: Final = tuple(range(1, len(PARENTS)))
_PARENTS: Final = tuple(PARENTS[child] for child in _CHILDREN)


@dataclass(frozen=True)
class BodyBones:
    """A motion of T frames in parts.

    Attributes:
        path: (T, 3) metres of the pelvis.
        facing: (T,) radians, 0 facing +z and growing to the left.
        bones: (T, 21, 3) metres from each joint's parent to the joint, heading removed.
    """

    path: Array
    facing: Array
    bones: Array

    @classmethod
    def of(cls, joints: Array) -> BodyBones:
        """The parts of a motion (T, 22, 3)."""
        joints = joints.astype(np.float64)
        bones = joints[:, _CHILDREN] - joints[:, _PARENTS]
        return cls(joints[:, 0], np.unwrap(heading(joints)), remove_heading(joints, bones))

    @property
    def on_the_spot(self) -> Array:
        """Joints (T, 22, 3) with the pelvis at the origin, facing +z."""
        joints = np.zeros((len(self.bones), len(PARENTS), 3))
        for child, parent in zip(_CHILDREN, _PARENTS, strict=True):
            joints[:, child] = joints[:, parent] + self.bones[:, child - 1]
        return joints

    def joints(self) -> Array:
        """The motion (T, 22, 3)."""
        turn = about_y(self.facing)[:, None]
        body = self.on_the_spot
        turned = rotate(np.broadcast_to(turn, (*body.shape[:-1], 4)), body)
        return turned + self.path[:, None]

"""The two published layouts of motion features: HumanML3D's 263 channels, KIT-ML's 251."""

from __future__ import annotations

import itertools
from dataclasses import dataclass
from typing import Final

from motiongpt_blender.core.body.motion import MotionError
from motiongpt_blender.core.body.skeleton import CHAINS


@dataclass(frozen=True)
class Representation:
    """What differs between the two published data sets.

    Attributes:
        name: as packs write it.
        fps: frames a second.
        chains: kinematic chains from the root outwards.
        directions: (J, 3) unit rest direction of each bone from its parent.
        facing: right hip, left hip, right shoulder, left shoulder.
        leg: upper and lower leg joint whose lengths scale the root's path.
        left_foot, right_foot: ankle and toe of each side.
        contact_threshold: squared displacement a frame below which a foot stands.
        unit: metres in one unit of the data set's own joints.
    """

    name: str
    fps: float
    chains: tuple[tuple[int, ...], ...]
    directions: tuple[tuple[int, int, int], ...]
    facing: tuple[int, int, int, int]
    leg: tuple[int, int]
    left_foot: tuple[int, int]
    right_foot: tuple[int, int]
    contact_threshold: float
    unit: float = 1.0

    @property
    def joints(self) -> int:
        """Number of joints, J."""
        return len(self.directions)

    @property
    def width(self) -> int:
        """Channels of one frame: 12 J - 1."""
        return 12 * self.joints - 1

    @property
    def parents(self) -> list[int]:
        """Parent of each joint, -1 for the root."""
        parents = [-1] * self.joints
        for chain in self.chains:
            for parent, child in itertools.pairwise(chain):
                parents[child] = parent
        return parents


_X, _Y, _Z, _O = (1, 0, 0), (0, 1, 0), (0, 0, 1), (0, 0, 0)
_MX, _MY = (-1, 0, 0), (0, -1, 0)

HUMANML3D: Final = Representation(
    name="humanml3d_263",
    fps=20.0,
    chains=CHAINS,
    directions=(
        _O, _X, _MX, _Y, _MY, _MY, _Y, _MY, _MY, _Y, _Z, _Z, _Y, _X, _MX, _Z,
        _MY, _MY, _MY, _MY, _MY, _MY,
    ),
    facing=(2, 1, 17, 16),
    leg=(5, 8),
    left_foot=(7, 10),
    right_foot=(8, 11),
    contact_threshold=0.002,
)  # fmt: skip

KIT: Final = Representation(
    name="kit_251",
    fps=12.5,
    chains=(
        (0, 11, 12, 13, 14, 15),
        (0, 16, 17, 18, 19, 20),
        (0, 1, 2, 3, 4),
        (3, 5, 6, 7),
        (3, 8, 9, 10),
    ),
    directions=(
        _O, _Y, _Y, _Y, _Y, _X, _MY, _MY, _MX, _MY, _MY, _X, _MY, _MY, _Z, _Z,
        _MX, _MY, _MY, _Z, _Z,
    ),
    facing=(11, 16, 5, 8),
    leg=(17, 18),
    left_foot=(19, 20),
    right_foot=(14, 15),
    contact_threshold=0.05,
    unit=0.001,
)  # fmt: skip

REPRESENTATIONS: Final = {r.name: r for r in (HUMANML3D, KIT)}


def of_width(width: int) -> Representation:
    """The representation of features with so many channels; raises MotionError for any other."""
    for rep in REPRESENTATIONS.values():
        if rep.width == width:
            return rep
    widths = " or ".join(str(r.width) for r in REPRESENTATIONS.values())
    raise MotionError(f"features have {widths} channels; these have {width}.")

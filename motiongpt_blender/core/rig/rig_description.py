"""A rig as the solver sees it: rest data in model axes (x left, y up, z forward)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np

from ..body.neutral_pose import ANKLE_HEIGHT, LEG_LENGTH
from ..body.rotations import Array
from ..body.skeleton import SIDES, Joint, of_side
from .bone_maps import Part, Switch
from .twist_bones import TwistBone


@dataclass(frozen=True)
class Control:
    """A bone that the animator rotates.

    Attributes:
        name: the bone's name.
        part: the part of the body that it rotates.
        body: the bone whose evaluated pose shows the part.
        parent: name of the control that is its nearest ancestor, or None.
        rest: (4,) rest rotation of the bone, model axes.
        share: of a chain's bone, its position between the lower part (0) and the upper (1).
        raw: a marked pose keeps the control's own channels.
        head: (3,) where the part begins at rest, model axes, the floor at 0.
        carrier: name of the control that carries the part in a body, where the bone is not
            its descendant: then the bone has to be moved as well.
        twist_bones: twist bones between this bone and the next part, which they carry.
    """

    name: str
    part: Part
    body: str
    parent: str | None
    rest: Array
    share: float = 1.0
    raw: bool = False
    head: Array = field(default_factory=lambda: np.zeros(3))
    carrier: str | None = None
    twist_bones: tuple[str, ...] = ()


@dataclass(frozen=True)
class RigDescription:
    """Rest data of a rig, in its own unit of length and in model axes.

    Attributes:
        label: name of its family, for people.
        controls: parents before children.
        root: name of the control that also moves.
        root_head: (3,) the root control's head at rest.
        points: joint -> (3,) its position at rest.
        floor: height of the floor in the armature; heights here are measured from it.
        axes: (4,) rotation from model axes to the armature's.
        extras: controls that stay at rest unless a marked pose uses them -> (4,) rest
            rotation, model axes.
        switches: properties to hold while a generated motion plays.
        twists: bones that take a share of a limb's twist; they are among the extras.
    """

    label: str
    controls: tuple[Control, ...]
    root: str
    root_head: Array
    points: dict[Joint, Array]
    floor: float
    axes: Array
    extras: dict[str, Array]
    switches: tuple[Switch, ...] = ()
    twists: tuple[TwistBone, ...] = ()

    @property
    def leg(self) -> float:
        """Length from hip to ankle, the mean of both sides."""
        return float(np.mean([self._leg(side) for side in SIDES]))

    @property
    def scale(self) -> float:
        """Units of the rig in a metre of the model: its leg's length over the model's."""
        return self.leg / LEG_LENGTH

    @property
    def hip_centre(self) -> Array:
        """The point (3,) between the hips at rest."""
        return 0.5 * (self.points[Joint.L_HIP] + self.points[Joint.R_HIP])

    @property
    def ankle_lift(self) -> float:
        """Height by which the hips are above the scaled model's, as the ankles are higher."""
        ankles = 0.5 * (self.points[Joint.L_ANKLE] + self.points[Joint.R_ANKLE])
        return float(ankles[1]) - self.scale * ANKLE_HEIGHT

    def _leg(self, side: str) -> float:
        hip, knee, ankle = (self.points[j] for j in of_side(side, "HIP", "KNEE", "ANKLE"))
        return float(np.linalg.norm(knee - hip) + np.linalg.norm(ankle - knee))


@dataclass(frozen=True)
class RigMotion:
    """Channels of a rig over time.

    Attributes:
        rotations: control -> (T, 4) local basis quaternions, continuous.
        root: the control that also moves.
        locations: (T, 3) basis locations of the root.
        fps: frames a second.
        root_rest: (4,) rest rotation of the root, model axes.
        root_head: (3,) the root's head at rest, model axes.
        scale: units of the rig in a metre of the model, for distances that people read.
        unparented: control that hangs on no other, without the root -> (4,) its rest rotation,
            model axes. Its channels are rotations in the armature's space.
    """

    rotations: dict[str, Array]
    root: str
    locations: Array
    fps: float
    root_rest: Array
    root_head: Array
    scale: float = 1.0
    unparented: Mapping[str, Array] = field(default_factory=dict[str, Array])

    def __len__(self) -> int:
        return len(self.locations)

"""One pose of a rig's controls: as text, out of a motion, and completed by it."""

from __future__ import annotations

import json
from dataclasses import dataclass, field, replace
from typing import Any, TypeAlias, cast

import numpy as np

from ..body.rotations import IDENTITY, Array, from_local_basis, normalise, rotate
from ..body.transforms import Transform
from ..bounded_files import parse_json
from ..rig.rig_description import RigMotion
from ..translation import tr

Quaternion: TypeAlias = tuple[float, float, float, float]
Vector: TypeAlias = tuple[float, float, float]


class PoseError(ValueError):
    """A stored pose that cannot be read; the message is one sentence for the user."""


@dataclass(frozen=True)
class RigPose:
    """One pose of a rig's controls.

    Attributes:
        rotations: control -> basis rotation (w, x, y, z).
        root_location: basis location of the root control, in the rig's unit. Rotation
            and location of the root are those it has while its parents are at rest.
        transforms: bone -> its own channels, for every bone of the rig that is not at rest;
            None where they are not known.
        switches: (bone, property, value) of each switch between FK and IK.
        influences: (bone, constraint, value) of each constraint that a take switches off.
        root_constrained: whether the motion has to meet the root's position and rotation.
        constrained_bones: bones that ``transforms`` describes; None where it describes all.
        limb_locations: hand or foot that its limb does not carry -> the basis location that it
            would have as the limb's child, in the rig's unit; zero is the limb's end.
    """

    rotations: dict[str, Quaternion]
    root_location: Vector
    transforms: dict[str, Transform] | None = None
    switches: tuple[tuple[str, str, float], ...] = field(default=())
    influences: tuple[tuple[str, str, float], ...] = field(default=())
    root_constrained: bool = True
    constrained_bones: frozenset[str] | None = None
    limb_locations: dict[str, Vector] = field(default_factory=dict[str, Vector])

    def describes(self, bone: str) -> bool:
        """Whether ``transforms`` describes a bone; a bone it does not name is at rest."""
        known = self.constrained_bones is None or bone in self.constrained_bones
        return self.transforms is not None and known

    def to_json(self) -> str:
        """The pose as one line of text."""
        transforms = self.transforms and {n: t.to_list() for n, t in self.transforms.items()}
        return json.dumps(
            {
                "rotations": self.rotations,
                "root_location": self.root_location,
                "transforms": transforms,
                "switches": self.switches,
                "influences": self.influences,
                "limb_locations": self.limb_locations,
            }
        )

    @classmethod
    def from_json(cls, text: str) -> RigPose:
        """Read the text of ``to_json``; raises PoseError for any other text."""
        try:
            data: Any = parse_json(text)
            rotations = cast("dict[str, list[float]]", data["rotations"])
            beside = cast("dict[str, list[float]]", data.get("limb_locations", {}))
            transforms: dict[str, Any] | None = data.get("transforms")
            if transforms is not None:
                transforms = {str(n): Transform.from_list(t) for n, t in transforms.items()}
            switches, influences = (
                tuple((str(bone), str(name), float(value)) for bone, name, value in rows)
                for rows in (data.get("switches", ()), data.get("influences", ()))
            )
            return cls(
                rotations={str(n): cast(Quaternion, _floats(q, 4)) for n, q in rotations.items()},
                root_location=cast(Vector, _floats(data["root_location"], 3)),
                transforms=transforms,
                switches=switches,
                influences=influences,
                limb_locations={str(n): cast(Vector, _floats(v, 3)) for n, v in beside.items()},
            )
        except (ValueError, KeyError, TypeError, AttributeError, OverflowError) as error:
            raise PoseError(
                tr(
                    "A stored pose cannot be read ({error!s:.200}): remove it and mark the "
                    "pose again.",
                    error=error,
                )
            ) from None


def _floats(values: list[float], count: int) -> tuple[float, ...]:
    floats = tuple(float(v) for v in values)
    if len(floats) != count or not np.isfinite(floats).all():
        raise ValueError(f"{count} numbers were expected, not {values}")
    return floats


def pose_at(motion: RigMotion, frame: int) -> RigPose:
    """The motion's pose at a frame index."""
    rotations = {n: tuple(float(x) for x in q[frame]) for n, q in motion.rotations.items()}
    location = tuple(float(x) for x in motion.locations[frame])
    return RigPose(cast("dict[str, Quaternion]", rotations), cast(Vector, location))


def complete_pose(motion: RigMotion, frame: int, pose: RigPose) -> RigPose:
    """The pose with the motion's own values at a frame where it constrains nothing."""
    current = pose_at(motion, frame)
    return replace(
        pose,
        rotations={**current.rotations, **pose.rotations},
        root_location=pose.root_location if pose.root_constrained else current.root_location,
        root_constrained=True,
    )


def pose_root(motion: RigMotion, pose: RigPose) -> tuple[Array, Array]:
    """Rotation (4,) away from rest and position (3,) of a pose's root, model axes.

    A pose without the root's rotation has the root at rest.
    """
    basis = normalise(np.array(pose.rotations.get(motion.root, tuple(IDENTITY))))
    position = motion.root_head + rotate(motion.root_rest, np.array(pose.root_location))
    return from_local_basis(basis, motion.root_rest), position

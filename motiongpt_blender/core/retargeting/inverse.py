"""The inverse of ``solve``: model directions from which it reads a given pose.

Chest, clavicles and neck depend on each other: a raised shoulder tilts the line from which
the chest is read, and ``solve`` uses only a share of the rotation of clavicles and neck. The
directions that give the right rotations are found by iteration.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

import numpy as np

from ..body.neutral_pose import DIRECTIONS, build
from ..body.rotations import Array, between, from_log, inverse, multiply, normalise, rotate, to_log
from ..body.skeleton import Joint
from ..rig.bone_maps import Part
from .part_rotations import COLLAR_SHARE, NECK_SHARE, chest_rotation, collar_rotation, neck_rotation

#: Iterations at most, and the error in radians at which they end.
MAX_ITERATIONS: Final = 10
MAX_ERROR: Final = 2e-3
#: The most by which the model's clavicle or neck is rotated against the chest, radians.
MAX_ROTATION: Final = 1.8
#: Correction of the collars over the chest's error: the shoulders weigh in the chest as well.
_COLLAR_GAIN: Final = 1.6

_SPINE: Final = (Joint.SPINE3, Joint.NECK)
_COLLARS: Final = (Joint.L_COLLAR, Joint.R_COLLAR)


def inverse_directions(
    directions: Array, rotations: Mapping[Part, Array], bones: Mapping[Part, Array]
) -> Array:
    """The directions (22, 3) with chest, clavicles and neck changed so that they are read right.

    Args:
        directions: (22, 3) unit vectors from parent to joint, a first guess.
        rotations: part -> (4,) rotation away from rest that is to be read.
        bones: part -> (3,) direction at rest of the clavicles and the neck of the rig.
    """
    out, chest = directions.copy(), rotations[Part.CHEST]
    # Neck and head are read as one.
    wanted = {**rotations, Part.NECK: rotations.get(Part.HEAD, chest)}
    for _ in range(MAX_ITERATIONS):
        joints = build(out, np.zeros(3))[None]
        seen_chest = chest_rotation(joints)
        missing = multiply(chest, inverse(seen_chest[0]))
        errors = [float(np.linalg.norm(to_log(missing)))]
        out[list(_SPINE)] = rotate(missing, out[list(_SPINE)])
        more = from_log(_COLLAR_GAIN * to_log(missing))
        out[list(_COLLARS)] = rotate(more, out[list(_COLLARS)])
        for part, bone in bones.items():
            joint, share, seen = _read(part, joints, seen_chest)
            current = rotate(multiply(inverse(seen_chest[0]), seen), bone)
            target = rotate(multiply(inverse(chest), wanted[part]), bone)
            step = to_log(between(current, target))
            errors.append(float(np.linalg.norm(step)))
            local = rotate(inverse(seen_chest[0]), out[joint])
            local = rotate(from_log(step / share), local)
            out[joint] = rotate(chest, _limit_rotation(local, DIRECTIONS[joint]))
        if max(errors) < MAX_ERROR:
            break
    return out


def _read(part: Part, joints: Array, chest: Array) -> tuple[Joint, float, Array]:
    """The joint whose direction shows a part, the share that counts, and what is read (4,)."""
    if part is Part.NECK:
        return Joint.HEAD, NECK_SHARE, neck_rotation(joints, chest)[0]
    side = part.side.upper()
    return Joint[f"{side}_SHOULDER"], COLLAR_SHARE, collar_rotation(joints, chest, side)[0]


def _limit_rotation(direction: Array, rest: Array) -> Array:
    """A direction (3,), rotated away from ``rest`` by ``MAX_ROTATION`` at most."""
    step = to_log(between(rest, direction))
    size = float(np.linalg.norm(step))
    if size <= MAX_ROTATION:
        return normalise(direction)
    return rotate(from_log(step * (MAX_ROTATION / size)), rest)

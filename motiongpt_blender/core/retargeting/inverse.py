"""Directions of a captured pose, made such that ``solve`` reads the same pose from them.

Chest, clavicles and neck are read together: a raised shoulder tilts the line by which the
chest is read, and only a share of what clavicles and neck show is passed on. What has to be
shown so that the right turns come out is found in a few rounds.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

import numpy as np

from ..body.neutral_pose import DIRECTIONS, build
from ..body.rotations import Array, between, from_log, inverse, multiply, normalise, rotate, to_log
from ..body.skeleton import Joint
from ..rig.bone_maps import Part
from .part_rotations import COLLAR_SHARE, NECK_SHARE, chest_turn, collar_turn, neck_rotation

#: Rounds of comparing and correcting, and the error in radians that is good enough.
ROUNDS: Final = 10
ENOUGH: Final = 2e-3
#: The most that a clavicle or a neck is shown to turn against the chest, radians.
MOST_SHOWN: Final = 1.8

_SPINE: Final = (Joint.SPINE3, Joint.NECK)
_COLLARS: Final = (Joint.L_COLLAR, Joint.R_COLLAR)


def inverse_directions(
    directions: Array, turns: Mapping[Part, Array], bones: Mapping[Part, Array]
) -> Array:
    """The directions (22, 3) with chest, clavicles and neck such that they are read aright.

    Args:
        directions: (22, 3) unit vectors from parent to joint, a first guess.
        turns: part -> (4,) the turn away from rest that it has.
        bones: part -> (3,) direction at rest of the clavicles and the neck of the rig.
    """
    out, chest = directions.copy(), turns[Part.CHEST]
    wanted = {**turns, Part.NECK: turns.get(Part.HEAD, chest)}  # neck and head are read as one
    for _ in range(ROUNDS):
        joints = build(out, np.zeros(3))[None]
        seen = chest_turn(joints)
        missing = multiply(chest, inverse(seen[0]))
        errors = [float(np.linalg.norm(to_log(missing)))]
        out[list(_SPINE)] = rotate(missing, out[list(_SPINE)])
        more = from_log(1.6 * to_log(missing))  # shoulders have their say as well
        out[list(_COLLARS)] = rotate(more, out[list(_COLLARS)])
        for part, bone in bones.items():
            if part is Part.NECK:
                joint, share, read = Joint.HEAD, NECK_SHARE, neck_rotation(joints, seen)
            else:
                side = part.side.upper()
                joint, share = Joint[f"{side}_SHOULDER"], COLLAR_SHARE
                read = collar_turn(joints, seen, side)
            here = rotate(multiply(inverse(seen[0]), read[0]), bone)
            there = rotate(multiply(inverse(chest), wanted[part]), bone)
            step = to_log(between(here, there))
            errors.append(float(np.linalg.norm(step)))
            shown = rotate(inverse(seen[0]), out[joint])
            shown = rotate(from_log(step / share), shown)
            out[joint] = rotate(chest, _limited(shown, DIRECTIONS[joint]))
        if max(errors) < ENOUGH:
            break
    return out


def _limited(direction: Array, rest: Array) -> Array:
    """A direction (3,) no farther from ``rest`` than can be read."""
    step = to_log(between(rest, direction))
    size = float(np.linalg.norm(step))
    if size <= MOST_SHOWN:
        return normalise(direction)
    return rotate(from_log(step * (MOST_SHOWN / size)), rest)

"""Where the joints of legs and arms are at rest, and the height of the floor.

Model axes: y is up, z ahead; in the armature's unit.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Final

import numpy as np

from ...core.body.neutral_pose import BONE_LENGTHS, FLAT_FOOT_SLOPE, LEG_LENGTH
from ...core.body.rotations import Array
from ...core.body.skeleton import SIDES, Joint, of_side
from ...core.rig.bone_maps import MappedBone, Part
from ...core.rig.part_joints import ARM_JOINTS, LEG_JOINTS, part_at, part_moving

#: Least and greatest length of a foot, over the leg's, at which its bone's tail is believed.
FOOT_LENGTHS: Final = (0.08, 0.35)
#: Greatest height of the toes over the armature's origin, over the leg's length, at which the
#: origin is the floor.
MAX_TOE_HEIGHT: Final = 0.12


def rest_joints(
    chains: Mapping[Part, Sequence[MappedBone]],
    heads: Mapping[str, Array],
    tails: Mapping[str, Array],
) -> dict[Joint, Array]:
    """The limb joints (3,) at rest: heads of bones, or the tail at a chain's end.

    Args:
        chains: the mapped bones of each part.
        heads: head (3,) of each mapped bone.
        tails: tail (3,) of each mapped bone.
    """
    joints: dict[Joint, Array] = {}
    for side in SIDES:
        for joint in of_side(side, *LEG_JOINTS, "FOOT", *ARM_JOINTS):
            beginning, ending = part_at(joint), part_moving(joint)
            if beginning in chains:
                joints[joint] = heads[chains[beginning][0].body]
            else:
                joints[joint] = tails[chains[ending][0].body]
        foot = joints[Joint[f"{side}_FOOT"]] - joints[Joint[f"{side}_ANKLE"]]
        has_toe = Part(f"toe_{side.lower()}") in chains
        if not has_toe or _has_no_heading(foot, _leg_length(joints, side)):
            joints[Joint[f"{side}_FOOT"]] = _estimated_toe(joints, side)
    return joints


def floor_height(joints: Mapping[Joint, Array]) -> float:
    """Height of the floor: the armature's origin where the feet are near it, else the toes'."""
    toes = float(min(joints[Joint.L_FOOT][1], joints[Joint.R_FOOT][1]))
    leg = float(np.linalg.norm(joints[Joint.L_HIP] - joints[Joint.L_ANKLE]))
    return 0.0 if abs(toes) < MAX_TOE_HEIGHT * leg else toes


def _leg_length(joints: Mapping[Joint, Array], side: str) -> float:
    """Length from hip by the knee to the ankle."""
    hip, knee, ankle = (joints[Joint[f"{side}_{n}"]] for n in ("HIP", "KNEE", "ANKLE"))
    return float(np.linalg.norm(knee - hip) + np.linalg.norm(ankle - knee))


def _has_no_heading(foot: Array, leg: float) -> bool:
    """Whether the toes begin at or below the ankle, so that the foot (3,) does not point ahead."""
    return float(np.linalg.norm(foot[[0, 2]])) < FOOT_LENGTHS[0] * leg / 4


def _estimated_toe(joints: Mapping[Joint, Array], side: str) -> Array:
    """Where a foot without a toe bone ends, (3,): its tail if believable, or the usual place.

    Importers make up the length of a last bone, so its tail may be anywhere.
    """
    ankle, toe = Joint[f"{side}_ANKLE"], Joint[f"{side}_FOOT"]
    leg = _leg_length(joints, side)
    foot = joints[toe] - joints[ankle]
    flat = foot * np.array([1.0, 0.0, 1.0])
    length = float(np.linalg.norm(flat))
    if FOOT_LENGTHS[0] * leg < length < FOOT_LENGTHS[1] * leg and foot[1] < 0.05 * leg:
        return joints[toe]
    ahead = flat / length if flat[2] > 0.05 * leg else np.array([0.0, 0.0, 1.0])
    usual = BONE_LENGTHS[toe] * leg / LEG_LENGTH
    down, along = np.sin(FLAT_FOOT_SLOPE), np.cos(FLAT_FOOT_SLOPE)
    return joints[ankle] + usual * (along * ahead - down * np.array([0.0, 1.0, 0.0]))

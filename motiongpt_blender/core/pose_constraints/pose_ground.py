"""The ground under poses: at which height a body stands, lies or jumps.

Read off the pose itself: a rig's rest pose may be far from where the character is.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Final

import numpy as np

from ..body.rotations import IDENTITY, Array, normalise
from ..body.skeleton import SIDES, Joint, of_side
from ..rig.kinematics import joint_position, pose_rig
from ..rig.rig_description import RigDescription
from .body_parts import constrains_root
from .marked_pose import MarkedPose
from .rig_pose import RigPose

#: Metres of the model from a joint to the ground on which its limb lies; a foot has its own.
CLEARANCES: Final = {"HIP": 0.09, "KNEE": 0.055, "SHOULDER": 0.08, "ELBOW": 0.04, "WRIST": 0.03}
#: Metres of the model within which a height counts as the floor of the rest pose.
SAME_FLOOR: Final = 0.03
#: Metres of the model over its lowest point within which a body touches the ground.
TOUCHES: Final = 0.03
#: Metres of the model to which a body jumps.
MAX_JUMP: Final = 0.6


@dataclass(frozen=True)
class PoseGround:
    """What lies under a pose.

    Attributes:
        height: of its lowest point over the floor of the rest pose, in the rig's unit.
        stands: whether it rests there: on a flat foot, on both feet and a heel, or on another
            part than the feet. A pose on its toes alone may be in the air.
    """

    height: float
    stands: bool


def ground_under(rig: RigDescription, pose: RigPose) -> PoseGround:
    """What lies under one pose of a rig."""
    names = [c.name for c in rig.controls] + list(rig.extras)
    basis = {n: normalise(np.array([pose.rotations.get(n, tuple(IDENTITY))])) for n in names}
    posed = pose_rig(rig, basis, np.array([pose.root_location]))

    def height(joint: Joint) -> float:
        limb = joint.name.split("_")[1]
        clearance = CLEARANCES.get(limb, 0.0) * rig.scale or float(rig.points[joint][1])
        return float(joint_position(rig, posed, joint)[0, 1]) - clearance

    feet = {s: [height(joint) for joint in of_side(s, "ANKLE", "FOOT")] for s in SIDES}
    others = [height(joint) for s in SIDES for joint in of_side(s, *CLEARANCES)]
    lowest = min(*feet["L"], *feet["R"], *others)
    down = [[h - lowest < TOUCHES * rig.scale for h in foot] for foot in feet.values()]
    flat, strides = any(map(all, down)), all(map(any, down)) and any(heel for heel, _ in down)
    return PoseGround(lowest, flat or strides or min(others) - lowest < TOUCHES * rig.scale)


def find_grounds(rig: RigDescription, poses: Mapping[float, RigPose]) -> dict[float, float]:
    """Height of the ground at each pose, by frame, over the floor of the rest pose.

    A pose in the air is over the ground of its neighbours, or over the floor of the rest pose,
    where a jump reaches it from there.
    """
    found = {frame: ground_under(rig, pose) for frame, pose in sorted(poses.items())}
    standing = {f: _snapped(g.height, rig.scale) for f, g in found.items() if g.stands}
    out: dict[float, float] = {}
    for frame, ground in found.items():
        below = float(np.interp(frame, list(standing), list(standing.values()))) if standing else 0
        jumps = -SAME_FLOOR * rig.scale < ground.height - below < MAX_JUMP * rig.scale
        out[frame] = standing.get(frame, below if jumps else ground.height)
    return out


def marked_grounds(rig: RigDescription, marked: Sequence[MarkedPose]) -> dict[float, float]:
    """``find_grounds`` of the marked poses that constrain the hips."""
    return find_grounds(rig, {m.frame: m.pose for m in marked if constrains_root(m.body_parts)})


def on_level_floor(rig: RigDescription, marked: Sequence[MarkedPose]) -> tuple[MarkedPose, ...]:
    """Marked poses whose joints are as high over the model's floor as over their own ground.

    The model knows one floor. The poses of the rig stay as they are.
    """
    grounds = marked_grounds(rig, marked)
    return tuple(
        replace(m, joints=lowered(m.joints, grounds[m.frame] / rig.scale)) if m.frame in grounds
        else m
        for m in marked
    )  # fmt: skip


def lowered(joints: Array, height: float) -> Array:
    """Joints (..., 3) in metres, lowered by a height."""
    return (joints - np.array([0.0, height, 0.0])).astype(joints.dtype)


def _snapped(height: float, scale: float) -> float:
    """0 where a height is about that of the rest pose's floor."""
    return 0.0 if abs(height) < SAME_FLOOR * scale else height

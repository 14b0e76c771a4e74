"""The poses that the demo marks, as an animator would pose them. Plain numpy.

Each is built from the directions of the limbs in model axes: x to the person's left,
y up, z forward. What lies between them is the model's business.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final

import numpy as np

from ..core.body.neutral_pose import DIRECTIONS, build
from ..core.body.rotations import Array, about_y, from_log, normalise, rotate
from ..core.body.skeleton import Joint
from ..core.pose_constraints.marked_pose import PoseRole

Direction = tuple[float, float, float]

_TRUNK: Final = (Joint.SPINE1, Joint.SPINE2, Joint.SPINE3, Joint.NECK, Joint.HEAD)
_SHOULDERS: Final = (Joint.L_COLLAR, Joint.R_COLLAR, Joint.L_SHOULDER, Joint.R_SHOULDER)

#: First frame of the motion in the scene.
FIRST: Final = 1
#: Speed that the places are laid out for, metres a second: an easy walk and its stop.
PACE: Final = 1.1
_TRAVELS: Final = re.compile(
    r"\b(walk|run|jog|stroll|stride|step|skip|sprint|march|hurr|go\b|goes|move)", re.I
)


@dataclass(frozen=True)
class Stance:
    """One pose.

    Attributes:
        limbs: joint -> direction of the bone that ends there; the others are at ease.
        twist: degrees that the chest is turned to the left of the hips.
        lean: degrees that the trunk leans forward.
        heading: degrees that the whole body is turned to the left.
    """

    limbs: Mapping[Joint, Direction] = field(default_factory=dict)
    twist: float = 0.0
    lean: float = 0.0
    heading: float = 0.0

    def joints(self, place: float) -> Array:
        """Joints (22, 3) in metres, standing on the floor ``place`` metres ahead."""
        directions = DIRECTIONS.copy()
        turn = from_log(np.radians([self.lean, 0.0, 0.0]))
        twist = about_y(np.radians(self.twist))
        for joint in _TRUNK:
            directions[joint] = rotate(turn, directions[joint])
        for joint in _SHOULDERS:
            directions[joint] = rotate(twist, rotate(turn, directions[joint]))
        for joint, direction in self.limbs.items():
            directions[joint] = direction
        body = build(normalise(directions), np.zeros(3))
        body = rotate(np.broadcast_to(about_y(np.radians(self.heading)), (len(body), 4)), body)
        floor = body[[Joint.L_FOOT, Joint.R_FOOT], 1].min()
        return body + np.array([0.0, -floor, place])


def _leg(side: str, thigh: float, shin: float, foot: float, out: float = 0.03) -> dict:
    """A leg by its pitches in degrees; forward is positive, ``foot`` is down from level."""
    sign = 1.0 if side == "L" else -1.0
    thigh, shin, foot = np.radians([thigh, shin, foot])
    return {
        Joint[f"{side}_KNEE"]: (sign * out, -np.cos(thigh), np.sin(thigh)),
        Joint[f"{side}_ANKLE"]: (0.0, -np.cos(shin), np.sin(shin)),
        Joint[f"{side}_FOOT"]: (sign * 0.12, -np.sin(foot), np.cos(foot)),
    }


def _arm(side: str, upper: Direction, lower: Direction) -> dict:
    """An arm by the directions of its two bones; x points away from the body."""
    sign = 1.0 if side == "L" else -1.0
    return {
        Joint[f"{side}_ELBOW"]: (sign * upper[0], *upper[1:]),
        Joint[f"{side}_WRIST"]: (sign * lower[0], *lower[1:]),
    }


_AT_EASE_LEGS: Final = {**_leg("L", 2, -1, 22, 0.07), **_leg("R", 4, -2, 22, 0.05)}
_HANGING: Final = ((0.20, -0.98, 0.02), (0.10, -0.96, 0.24))

AT_EASE: Final = Stance({**_AT_EASE_LEGS, **_arm("L", *_HANGING), **_arm("R", *_HANGING)})
MID_STRIDE: Final = Stance(
    {
        **_leg("L", 25, 14, 6),
        **_leg("R", -12, -34, 52),
        **_arm("L", (0.20, -0.90, -0.40), (0.14, -0.98, 0.02)),
        **_arm("R", (0.16, -0.90, 0.38), (-0.02, -0.62, 0.78)),
    },
    twist=9.0,
    lean=3.0,
)
HAND_RAISED: Final = Stance(
    {
        **_AT_EASE_LEGS,
        **_arm("L", (0.22, -0.97, -0.02), (0.08, -0.95, 0.28)),
        **_arm("R", (0.92, 0.22, 0.34), (0.20, 0.96, 0.20)),
    },
    heading=24.0,
)
ARMS_OPEN: Final = Stance(
    {
        **_leg("L", 10, -12, 22, 0.12),
        **_leg("R", 10, -12, 22, 0.12),
        **_arm("L", (0.86, -0.36, 0.36), (0.66, 0.38, 0.64)),
        **_arm("R", (0.86, -0.36, 0.36), (0.66, 0.38, 0.64)),
    }
)


@dataclass(frozen=True)
class Cue:
    """A stance, where and when.

    Attributes:
        role: what it is marked as.
        share: its time as a share of the motion.
        joints: (22, 3) metres.
    """

    role: PoseRole
    share: float
    joints: Array


def cues(prompt: str, seconds: float) -> tuple[Cue, ...]:
    """Start, key and end pose that suit the prompt: for a motion that travels, or one in place."""
    distance = PACE * seconds if _TRAVELS.search(prompt) else 0.0
    if re.search(r"\bbackwards?\b", prompt, re.I):
        distance = -0.7 * distance
    key = MID_STRIDE if distance > 0 else ARMS_OPEN
    if distance < 0:
        key = AT_EASE
    return (
        Cue(PoseRole.START, 0.0, AT_EASE.joints(0.0)),
        Cue(PoseRole.KEY, 0.42, key.joints(0.42 * distance)),
        Cue(PoseRole.END, 1.0, HAND_RAISED.joints(distance)),
    )

"""Legs of bodies whose hips are far wider or narrower than the model's, as children's are.

With every limb pointing as in the motion, each sway of such hips would swing both feet through
the floor. Their legs are aimed at places beside the motion's feet instead, as far apart as the
rig's own; rigs of usual width keep the motion's directions.
"""

from __future__ import annotations

from typing import Final

import numpy as np

from ..body.neutral_pose import ANKLE_HEIGHT, BONE_LENGTHS, NEUTRAL
from ..body.rotations import LEVEL, Array, about_y, rotate, yaw_angle
from ..body.skeleton import SIDES, Joint, of_side
from ..body.smoothing import smoothstep, solve_tridiagonal
from ..rig.rig_description import RigDescription
from .part_rotations import hip_centre

#: Differences from the model's half width of the hips, in leg lengths, from which on a leg is
#: aimed at all, and entirely.
UNUSUAL_WIDTH: Final = (0.06, 0.14)
#: Seconds over which the heading to which a foot is moved aside follows the pelvis' while the
#: foot swings, and how many more while both feet stand.
SWING_SECONDS: Final = 0.1
HOLD_SECONDS: Final = 10.0
#: Share of the latter while a foot stands alone: the body pivots on it, hips and all.
ALONE: Final = 0.03
#: Height in metres and speed in metres a second at which a foot stands less by a factor e.
STANDS: Final = (0.05, 0.3)
#: Leg lengths by which a toe has to be lower than its heel to carry the foot alone.
TOE_CARRIES: Final = 0.2
#: Lengths of a foot, over the model's, below which it rolls more over the floor, and beyond which
#: it rolls less.
USUAL_FOOT: Final = (0.8, 1.25)
#: Metres of the model from which on a foot keeps the directions of the motion.
HIGH_FOOT: Final = 0.35
#: Share of a leg's length to which it is stretched at most.
MAX_STRETCH: Final = 0.99
#: Share of a leg's length to which the hips hold it open, where the motion folds it less.
FOLDED: Final = 0.45


def stance_share(rig: RigDescription) -> float:
    """How far a rig's legs have to be aimed at their own places: 0 not at all, 1 entirely."""
    low, high = UNUSUAL_WIDTH
    widest = max(abs(float(_aside(rig, of_side(s, "HIP")[0])[0])) for s in SIDES) / rig.leg
    return float(smoothstep(np.array((widest - low) / (high - low))))


def roll_share(rig: RigDescription, side: str) -> float:
    """Share of the motion's roll over the floor that a rig's foot has.

    Less than 1 where it is long, more where it is short, so that its heel lifts as high.
    """
    ankle, toe = of_side(side, "ANKLE", "FOOT")
    length = float(np.linalg.norm(rig.points[toe] - rig.points[ankle]))
    length /= BONE_LENGTHS[toe] * rig.scale
    return float(np.clip(length, *USUAL_FOOT)) / length


def stance_heading(joints: Array, pelvis: Array, side: str, fps: float) -> Array:
    """Headings (T,) in radians to which a foot is moved aside: the pelvis', held while both stand.

    Args:
        joints: (T, 22, 3) metres.
        pelvis: (T, 4) rotation of the pelvis.
        side: "L" or "R".
        fps: frames a second.
    """
    yaw = np.unwrap(yaw_angle(pelvis))
    (own, other) = (_standing(joints, foot, fps) for foot in (side, "LR".replace(side, "")))
    stands = own * (ALONE + (1 - ALONE) * other)
    tie = (fps * (SWING_SECONDS + HOLD_SECONDS * stands)) ** 2
    diagonal = 1.0 + np.concatenate([[0.0], tie]) + np.concatenate([tie, [0.0]])
    return np.array(solve_tridiagonal(diagonal.tolist(), (-tie).tolist(), yaw.tolist()))


def ankle_target(rig: RigDescription, joints: Array, foot: Array, yaw: Array, side: str) -> Array:
    """Where a rig's ankle is to be, (T, 3), so that the part of the foot that is down stays.

    Args:
        rig: the rig.
        joints: (T, 22, 3) metres.
        foot: (T, 4) rotation of that foot.
        yaw: (T,) from ``stance_heading``.
        side: "L" or "R".
    """
    ankle, toe = of_side(side, "ANKLE", "FOOT")
    by_heel = _beside(rig, joints, yaw, ankle, ANKLE_HEIGHT)
    by_toe = _beside(rig, joints, yaw, toe, 0.0)
    by_toe = by_toe + rotate(foot, rig.points[ankle] - rig.points[toe])
    rise = joints[:, ankle, 1] - ANKLE_HEIGHT - joints[:, toe, 1]
    share = smoothstep(0.5 + 0.5 * rig.scale * rise / (TOE_CARRIES * rig.leg))[:, None]
    return by_heel + share * (by_toe - by_heel)


def nearness(joints: Array, side: str) -> Array:
    """Weights (T,): 1 for a foot on the floor, 0 for one so high that its place does not count."""
    height = joints[:, of_side(side, "ANKLE", "FOOT"), 1].min(1)
    return 1 - smoothstep(height / HIGH_FOOT)


def missing_reach(hip: Array, ankle: Array, length: float) -> Array:
    """Heights (T,) by which a hip (T, 3) has to come down so that its leg reaches its ankle."""
    reach, span = MAX_STRETCH * length, hip - ankle
    level = np.linalg.norm(span * LEVEL, axis=-1)
    height = np.sqrt(np.maximum(reach**2 - level**2, 0.0))
    return np.where(level < reach, np.maximum(span[:, 1] - height, 0.0), 0.0)


def missing_room(hip: Array, ankle: Array, folded: Array, length: float) -> Array:
    """Heights (T,) by which a hip (T, 3) has to rise so that its leg is folded no further.

    Args:
        hip: where the leg begins.
        ankle: (T, 3) where it is to end.
        folded: (T,) distance of the two with the directions of the motion.
        length: of the leg.
    """
    wanted, span = np.minimum(folded, FOLDED * length), hip - ankle
    level = np.linalg.norm(span * LEVEL, axis=-1)
    height = np.sqrt(np.maximum(wanted**2 - level**2, 0.0))
    return np.where(level < wanted, np.maximum(height - span[:, 1], 0.0), 0.0)


def _standing(joints: Array, side: str, fps: float) -> Array:
    """How much a foot stands from each frame to the next, (T - 1,): 1 at rest on the floor."""
    toe = joints[:, of_side(side, "FOOT")[0]]
    speed = np.linalg.norm(np.diff(toe * LEVEL, axis=0), axis=-1) * fps
    height = np.maximum(toe[1:, 1], toe[:-1, 1]).clip(0.0)
    return np.exp(-height / STANDS[0] - (speed / STANDS[1]) ** 2)


def _beside(rig: RigDescription, joints: Array, yaw: Array, joint: Joint, sole: float) -> Array:
    """Positions (T, 3) of a joint of a foot, moved aside, on the rig's own sole."""
    aside = _aside(rig, joint) * LEVEL
    out = rig.scale * joints[:, joint] + rotate(about_y(yaw), np.broadcast_to(aside, (len(yaw), 3)))
    out[:, 1] = rig.points[joint][1] + rig.scale * np.maximum(joints[:, joint, 1] - sole, 0.0)
    return out


def _aside(rig: RigDescription, joint: Joint) -> Array:
    """(3,) from the scaled model's joint to the rig's, both at rest, their hips' centres alike."""
    return rig.points[joint] - rig.hip_centre - rig.scale * (NEUTRAL[joint] - hip_centre(NEUTRAL))

"""How well a rig shows a motion: its evaluated bones against the motion's own joints.

Everything is read off the armature as Blender evaluates it, frame by frame, and compared
with the clip; nothing is taken from the solver. Needs Blender; changes nothing but the
current frame.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final

import bpy
import numpy as np

from motiongpt_blender.core.body.neutral_pose import NEUTRAL
from motiongpt_blender.core.body.rotations import Array, inverse, multiply, normalise, rotate
from motiongpt_blender.core.body.skeleton import SIDES, Joint
from motiongpt_blender.core.retargeting.part_rotations import Limb, rest_hinge
from motiongpt_blender.core.rig.bone_maps import Part
from motiongpt_blender.core.rig.rig_description import RigDescription

#: A limb bent by less than this says nothing about its hinge.
CLEAR_BEND: Final = float(np.radians(30))
#: A foot stands where the motion's toe is this low (m) and this slow (m/s).
STANDS: Final = (0.06, 0.25)

_LIMBS: Final = {
    "thigh": ("HIP", "KNEE"), "shin": ("KNEE", "ANKLE"),
    "upper_arm": ("SHOULDER", "ELBOW"), "forearm": ("ELBOW", "WRIST"),
}  # fmt: skip
_BEGINS: Final = {
    "HIP": "thigh", "KNEE": "shin", "ANKLE": "foot", "FOOT": "toe",
    "SHOULDER": "upper_arm", "ELBOW": "forearm", "WRIST": "hand", "COLLAR": "collar",
}  # fmt: skip


@dataclass(frozen=True)
class Played:
    """A rig's bodies over a motion, in model axes, the floor at 0.

    Attributes:
        turns: part -> (T, 4) turn away from rest of its last bone.
        heads: part -> (T, 3) where its first bone begins, in the rig's unit.
        tails: part -> (T, 3) where it ends.
        bones: (T, B, 2, 3) both ends of all bones to draw.
    """

    turns: dict[Part, Array]
    heads: dict[Part, Array]
    tails: dict[Part, Array]
    bones: Array


@dataclass(frozen=True)
class Errors:
    """Errors over the frames of some motion; angles in degrees, lengths in model metres.

    Attributes:
        limbs: angles between limbs and the motion's.
        hinges: angles between hinge axes of knees and elbows and the plane they bend in.
        palms: the same for the palms.
        toes: angles between headings of feet.
        headings: angles between headings of hips and chest.
        jumps: per frame, how far an upper bone turned more than the motion's limb did.
        slides: (2,) metres slid by standing feet, on the rig and in the motion.
        lowest: the lowest point of a foot over its place on the floor, less the motion's.
        flips: frames in which a knee or elbow bends to the wrong side.
    """

    limbs: Array
    hinges: Array
    palms: Array
    toes: Array
    headings: Array
    jumps: Array
    slides: Array
    lowest: float
    flips: int


def play(obj: Any, rig: RigDescription, start: int, count: int, drawn: list[str]) -> Played:
    """Step through frames ``start`` and on, reading the evaluated bones."""
    parts: dict[Part, list[str]] = {}
    for control in rig.controls:
        parts.setdefault(control.part, []).append(control.body)
    turn_of = {p: names[-1] for p, names in parts.items()}
    turn_of |= {c.part: c.twist_bones[-1] for c in rig.controls if c.twist_bones}
    begin_of = {p: names[0] for p, names in parts.items()}
    mats = {p: np.zeros((count, 4)) for p in parts}
    heads = {p: np.zeros((count, 3)) for p in parts}
    tails = {p: np.zeros((count, 3)) for p in parts}
    bones = np.zeros((count, len(drawn), 2, 3))
    for k in range(count):
        bpy.context.scene.frame_set(start + k)
        posed = obj.evaluated_get(bpy.context.evaluated_depsgraph_get()).pose.bones
        for part in parts:
            mats[part][k] = posed[turn_of[part]].matrix.to_quaternion()
            heads[part][k] = posed[begin_of[part]].head
            tails[part][k] = posed[turn_of[part]].tail
        for b, name in enumerate(drawn):
            bones[k, b] = posed[name].head, posed[name].tail
    back = inverse(rig.axes)
    down = np.array([0.0, rig.floor, 0.0])
    turns: dict[Part, Array] = {}
    for part, name in turn_of.items():
        rest = np.array(obj.data.bones[name].matrix_local.to_quaternion())
        turns[part] = multiply(multiply(back, multiply(mats[part], inverse(rest))), rig.axes)
    return Played(
        turns=turns,
        heads={p: rotate(back, h) - down for p, h in heads.items()},
        tails={p: rotate(back, t) - down for p, t in tails.items()},
        bones=rotate(back, bones) - down,
    )


def measure(
    rig: RigDescription, played: Played, joints: Array, fps: float, ground: float = 0.0
) -> Errors:
    """Compare what a rig played with the motion (T, 22, 3) that it was given.

    ``ground`` is the height on which it stands over the floor of its rest pose, in its unit.
    """
    limbs: list[Array] = []
    hinges: list[Array] = []
    palms: list[Array] = []
    toes: list[Array] = []
    jumps: list[Array] = []
    slides = np.zeros(2)
    lowest: list[float] = []
    flips = 0
    for side in SIDES:
        for part in _LIMBS:
            limbs.append(_limb_error(rig, played, joints, side, part))
        for is_leg in (True, False):
            away, palm, jump = _hinge_errors(rig, played, joints, side, is_leg)
            hinges.append(away)
            jumps.append(jump)
            flips += int((away > 90).sum())
            if palm is not None:
                palms.append(palm)
        toe = _toe_error(rig, played, joints, side)
        slide, low = _standing(rig, played, joints, side, fps)
        toes.append(toe)
        slides += slide
        lowest.append(low - ground / rig.scale)
    return Errors(
        limbs=np.concatenate(limbs),
        hinges=np.concatenate(hinges),
        palms=np.concatenate(palms) if palms else np.zeros(0),
        toes=np.concatenate(toes),
        headings=np.concatenate(_headings(rig, played, joints)),
        jumps=np.concatenate(jumps),
        slides=slides,
        lowest=min(lowest),
        flips=flips,
    )


def point(rig: RigDescription, played: Played, joint: str, side: str) -> Array:
    """Where the rig has a limb's joint, (T, 3): a bone's head, or the end of the one before."""
    s = side.lower()
    part = Part(f"{_BEGINS[joint]}_{s}")
    if part in played.heads:
        return played.heads[part]
    if joint == "WRIST":
        return played.tails[Part(f"forearm_{s}")]
    foot = Part(f"foot_{s}")
    step = rig.points[Joint[f"{side}_FOOT"]] - rig.points[Joint[f"{side}_ANKLE"]]
    turn = played.turns[foot]
    return played.heads[foot] + rotate(turn, np.broadcast_to(step, (len(turn), 3)))


def _limb_error(rig: RigDescription, played: Played, joints: Array, side: str, part: str) -> Array:
    first, last = _LIMBS[part]
    seen = point(rig, played, last, side) - point(rig, played, first, side)
    wanted = joints[:, Joint[f"{side}_{last}"]] - joints[:, Joint[f"{side}_{first}"]]
    return angle(seen, wanted)


def _hinge_errors(
    rig: RigDescription, played: Played, joints: Array, side: str, is_leg: bool
) -> tuple[Array, Array | None, Array]:
    names = ("HIP", "KNEE", "ANKLE") if is_leg else ("SHOULDER", "ELBOW", "WRIST")
    chain = [Joint[f"{side}_{n}"] for n in names]
    s = side.lower()
    upper = normalise(joints[:, chain[1]] - joints[:, chain[0]])
    lower = normalise(joints[:, chain[2]] - joints[:, chain[1]])
    bent = angle(upper, lower) > np.degrees(CLEAR_BEND)
    normal = normalise(np.cross(upper, lower))
    rest = [normalise(rig.points[chain[i + 1]] - rig.points[chain[i]]) for i in (0, 1)]
    hinge = rest_hinge((rest[0], rest[1]), Limb.leg() if is_leg else Limb.arm(side))
    turn = played.turns[Part(f"{'thigh' if is_leg else 'upper_arm'}_{s}")]
    seen = rotate(turn, np.broadcast_to(hinge, upper.shape))
    palm = None
    hand = Part(f"hand_{s}")
    if not is_leg and hand in played.turns:
        seen_palm = rotate(played.turns[hand], np.broadcast_to(hinge, upper.shape))
        palm = angle(seen_palm, normal)[bent]
    carrier = played.turns[Part.PELVIS if is_leg else Part.CHEST]
    given = sum(_step(v) for v in (upper, lower)) + _turned(carrier)
    given = given + np.where(bent[1:] & bent[:-1], _step(normal), 0.0)
    return angle(seen, normal)[bent], palm, _turned(turn) - given


def _toe_error(rig: RigDescription, played: Played, joints: Array, side: str) -> Array:
    level = np.array([1.0, 0.0, 1.0])
    ankle, toe = Joint[f"{side}_ANKLE"], Joint[f"{side}_FOOT"]
    wanted = joints[:, toe] - joints[:, ankle]
    seen = point(rig, played, "FOOT", side) - point(rig, played, "ANKLE", side)
    clear = (np.linalg.norm(wanted * level, axis=-1) > 0.6 * np.linalg.norm(wanted, axis=-1)) & (
        np.linalg.norm(seen * level, axis=-1) > 0.4 * np.linalg.norm(seen, axis=-1)
    )
    return angle((seen * level)[clear], (wanted * level)[clear])


def _headings(rig: RigDescription, played: Played, joints: Array) -> list[Array]:
    """Angles between the lines across hips and shoulders, seen from above."""
    level = np.array([1.0, 0.0, 1.0])
    out: list[Array] = []
    for part, left, right in (
        (Part.PELVIS, Joint.L_HIP, Joint.R_HIP),
        (Part.CHEST, Joint.L_COLLAR, Joint.R_COLLAR),
    ):
        wanted = (joints[:, left] - joints[:, right]) * level
        across = rotate(played.turns[part], np.broadcast_to([1.0, 0.0, 0.0], wanted.shape)) * level
        clear = (np.linalg.norm(across, axis=-1) > 0.5) & (
            np.linalg.norm(wanted, axis=-1) > 0.5 * np.linalg.norm(NEUTRAL[left] - NEUTRAL[right])
        )
        out.append(angle(across[clear], wanted[clear]))
    return out


def _standing(
    rig: RigDescription, played: Played, joints: Array, side: str, fps: float
) -> tuple[Array, float]:
    """Metres slid while the motion's foot stands (rig, motion), and the lowest point."""
    toe = joints[:, Joint[f"{side}_FOOT"]]
    rig_toe = point(rig, played, "FOOT", side) / rig.scale
    step = np.linalg.norm(np.diff(toe, axis=0)[:, [0, 2]], axis=-1)
    rig_step = np.linalg.norm(np.diff(rig_toe, axis=0)[:, [0, 2]], axis=-1)
    low = (toe[1:, 1] < STANDS[0]) & (toe[:-1, 1] < STANDS[0])
    stands = low & (step * fps < STANDS[1])
    rest = float(rig.points[Joint[f"{side}_FOOT"]][1]) / rig.scale
    ankle = point(rig, played, "ANKLE", side)[:, 1] / rig.scale
    ankle = ankle - float(rig.points[Joint[f"{side}_ANKLE"]][1]) / rig.scale
    below = np.minimum(rig_toe[:, 1] - rest, ankle)
    given = np.minimum(np.minimum(toe[:, 1], joints[:, Joint[f"{side}_ANKLE"], 1] - 0.055), 0.0)
    return np.array([rig_step[stands].sum(), step[stands].sum()]), float((below - given).min())


def angle(a: Array, b: Array) -> Array:
    """Degrees (N,) between directions (N, 3)."""
    sine = np.linalg.norm(np.cross(normalise(a), normalise(b)), axis=-1)
    return np.degrees(np.arctan2(sine, (normalise(a) * normalise(b)).sum(-1)))


def _step(directions: Array) -> Array:
    return angle(directions[1:], directions[:-1])


def _turned(q: Array) -> Array:
    """Degrees (T - 1,) that a rotation (T, 4) turns from one frame to the next."""
    change = multiply(inverse(q[:-1]), q[1:])
    return np.degrees(2 * np.arctan2(np.linalg.norm(change[:, 1:], axis=-1), abs(change[:, 0])))

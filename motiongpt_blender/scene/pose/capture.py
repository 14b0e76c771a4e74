"""Poses read from a rig at the scene's current frame, as evaluated: IK, constraints and all."""

from __future__ import annotations

from typing import Any, Final

import bpy
import numpy as np
from numpy.typing import NDArray

from ...core.body.neutral_pose import DIRECTIONS, build
from ...core.body.rotations import (
    IDENTITY,
    Array,
    between,
    from_log,
    inverse,
    local_basis,
    multiply,
    normalise,
    rotate,
    to_log,
)
from ...core.body.skeleton import SIDES, Joint
from ...core.pose_constraints.correction import RigPose
from ...core.retargeting.inverse import inverse_directions
from ...core.retargeting.part_rotations import COLLAR_SHARE, NECK_SHARE, hip_centre
from ...core.rig.bone_maps import Part
from ...core.rig.kinematics import twist_below
from ...core.rig.rig_description import Control, RigDescription
from ...core.timeline.frame_range import frame_text
from ..rig.description import quaternion_of

_BEGINS: Final = {
    "HIP": "thigh", "KNEE": "shin", "ANKLE": "foot",
    "SHOULDER": "upper_arm", "ELBOW": "forearm", "WRIST": "hand",
}  # fmt: skip

#: The most that a head or a clavicle turns against the chest, radians.
MAX_UPPER_ROTATION: Final = 1.6


def capture_pose(obj: Any, rig: RigDescription) -> RigPose:
    """The controls' rotations and the root's place that show the evaluated pose.

    Limbs are read from the body, so a limb posed with IK gives the FK rotations that
    look the same. The root is read as if its carriers were at rest.
    """
    posed = _evaluated(obj)
    turns = _turns(posed, rig)
    bones = posed.pose.bones
    rotations: dict[str, Array] = {}
    place = np.zeros(3)
    for control in rig.controls:
        bone = bones[control.name]
        if control.name == rig.root:
            basis = bone.bone.matrix_local.inverted() @ bone.matrix
            rotations[control.name] = quaternion_of(basis)
            place = np.array(basis.translation, dtype=np.float64)
        elif control.raw:
            rotations[control.name] = quaternion_of(bone.matrix_basis)
        else:
            turn = turns[control.name]
            if control.parent is not None:
                turn = multiply(inverse(turns[control.parent]), turn)
            if control.below:
                turn = multiply(
                    turn, inverse(twist_below(rig, control, _bases(posed, control.below)))
                )
            rotations[control.name] = local_basis(turn, control.rest)
    for name in rig.extras:
        rotations[name] = quaternion_of(bones[name].matrix_basis)
    return RigPose(
        rotations={n: _four(q) for n, q in rotations.items()},
        root_location=(float(place[0]), float(place[1]), float(place[2])),
    )


def capture_joints(obj: Any, rig: RigDescription) -> NDArray[np.float32]:
    """The evaluated pose as the model sees it: (22, 3) metres, y up, model proportions.

    Place and heading are those in the armature object's own space.
    """
    posed = _evaluated(obj)
    by_part = _part_turns(_turns(posed, rig), rig)
    directions = _directions(posed, rig, by_part)
    joints = build(inverse_directions(directions, by_part, _upper_bones(rig)), np.zeros(3))
    hips = 0.5 * (
        _head(posed, rig, Part.THIGH_L) + _head(posed, rig, Part.THIGH_R)
    )  # rig units, floor at 0
    centre = (hips - np.array([0.0, rig.ankle_lift, 0.0])) / rig.scale
    return (joints + centre - hip_centre(joints)).astype(np.float32)


def limbs_out_of_reach(obj: Any, rig: RigDescription) -> dict[str, float]:
    """Limbs that are stretched or squeezed beyond their bones, and by how many rig units.

    The controls that are keyed cannot do that: so much is missing at the hand or foot.
    """
    posed = _evaluated(obj)
    parts = {c.part for c in rig.controls}
    found: dict[str, float] = {}
    for side, word in (("L", "left"), ("R", "right")):
        for name, limb in (
            ("leg", ("HIP", "KNEE", "ANKLE")),
            ("arm", ("SHOULDER", "ELBOW", "WRIST")),
        ):
            begin, middle, end = (Part(f"{_BEGINS[j]}_{side.lower()}") for j in limb)
            if not {begin, middle, end} <= parts:
                continue
            rest = [rig.points[Joint[f"{side}_{j}"]] for j in limb]
            upper, lower = (float(np.linalg.norm(rest[i + 1] - rest[i])) for i in (0, 1))
            span = float(np.linalg.norm(_head(posed, rig, end) - _head(posed, rig, begin)))
            missing = max(span - upper - lower, abs(upper - lower) - span)
            if missing > 0.002 * rig.leg:
                found[f"{word} {name}"] = missing
    return found


def out_of_reach_warning(frame: float, missing: dict[str, float], rig: RigDescription) -> str:
    """A sentence about limbs that are out of reach at a frame, or ""."""
    if not missing:
        return ""
    told = " and ".join(f"the {n} by {100 * m / rig.scale:.1f} cm" for n, m in missing.items())
    return (
        f"At frame {frame_text(frame)} IK makes longer or shorter {told}, which FK controls "
        "cannot: so much is missing there in the take."
    )


def body_rotations(obj: Any, rig: RigDescription, *, stretched: bool = False) -> dict[str, Array]:
    """Turn (4,) away from rest, in model axes, of what each control moves, as evaluated.

    Limbs that IK stretched are bent so that their ends stay, unless ``stretched``.
    """
    posed = _evaluated(obj)
    if stretched:
        return {c.name: _turn(posed, rig, c) for c in rig.controls}
    return _turns(posed, rig)


def _evaluated(obj: Any) -> Any:
    return obj.evaluated_get(bpy.context.evaluated_depsgraph_get())


def _turns(posed: Any, rig: RigDescription) -> dict[str, Array]:
    """Turn (4,) away from rest, in model axes, of the body bone of each control."""
    turns = {c.name: _turn(posed, rig, c) for c in rig.controls}
    names = {c.part: c.name for c in rig.controls}
    for side in SIDES:
        for limb in (("HIP", "KNEE", "ANKLE"), ("SHOULDER", "ELBOW", "WRIST")):
            chain = tuple(Joint[f"{side}_{j}"] for j in limb)
            parts = tuple(Part(f"{_BEGINS[j]}_{side.lower()}") for j in limb)
            if parts[2] not in names:
                continue
            seen = [_head(posed, rig, p) for p in parts]
            bones = [rig.points[j] for j in chain]
            for part, change in zip(parts, _unstretched(seen, bones), strict=False):
                turns[names[part]] = multiply(change, turns[names[part]])
    return turns


def _unstretched(seen: list[Array], rest: list[Array]) -> tuple[Array, Array]:
    """Turns (4,) to add to both bones of a limb so that its end stays without stretching.

    IK may stretch or shrink bones, FK does not: the bend of the knee makes up for it.

    Args:
        seen: three joints (3,) as evaluated.
        rest: the same joints at rest, for the true lengths.
    """
    upper, lower = (float(np.linalg.norm(rest[i + 1] - rest[i])) for i in (0, 1))
    now = [seen[1] - seen[0], seen[2] - seen[1]]
    lengths = [float(np.linalg.norm(v)) for v in now]
    span = seen[2] - seen[0]
    reach = float(np.linalg.norm(span))
    side = now[0] - span * float(now[0] @ span) / max(reach**2, 1e-12)
    same = np.allclose(lengths, [upper, lower], rtol=1e-4)
    if same or np.linalg.norm(side) < 1e-4 * upper:
        return IDENTITY, IDENTITY
    reach = float(np.clip(reach, abs(upper - lower) * 1.0001, (upper + lower) * 0.9999))
    cosine = (upper**2 + reach**2 - lower**2) / (2 * upper * reach)
    sine = float(np.sqrt(max(1 - cosine**2, 0.0)))
    bent = upper * (cosine * normalise(span) + sine * normalise(side))
    return between(now[0], bent), between(now[1], reach * normalise(span) - bent)


def _bases(posed: Any, names: tuple[str, ...]) -> dict[str, Array]:
    return {name: quaternion_of(posed.pose.bones[name].matrix_basis) for name in names}


def _turn(posed: Any, rig: RigDescription, control: Control) -> Array:
    """Turn (4,) away from rest of what a control moves; of a limb, below its twist bones."""
    bone = posed.pose.bones[control.below[-1] if control.below else control.body]
    turn = multiply(quaternion_of(bone.matrix), inverse(quaternion_of(bone.bone.matrix_local)))
    return multiply(multiply(inverse(rig.axes), turn), rig.axes)


def _part_turns(turns: dict[str, Array], rig: RigDescription) -> dict[Part, Array]:
    """Turn of each part; of a chain, its last bone's."""
    return {c.part: turns[c.name] for c in rig.controls}


def _head(posed: Any, rig: RigDescription, part: Part) -> Array:
    """Evaluated head (3,) of a part's bone in model axes, the floor at 0."""
    control = next(c for c in rig.controls if c.part is part)
    point = np.array(posed.pose.bones[control.body].head, dtype=np.float64)
    return rotate(inverse(rig.axes), point) - np.array([0.0, rig.floor, 0.0])


def _directions(posed: Any, rig: RigDescription, turns: dict[Part, Array]) -> Array:
    """Unit vectors (22, 3) from parent to joint, in the way that ``solve`` reads them."""
    pelvis, chest = turns[Part.PELVIS], turns[Part.CHEST]
    carriers = {
        Joint.L_HIP: pelvis, Joint.R_HIP: pelvis, Joint.SPINE1: pelvis,
        Joint.SPINE2: pelvis, Joint.SPINE3: chest, Joint.NECK: chest,
        Joint.L_COLLAR: chest, Joint.R_COLLAR: chest,
        Joint.HEAD: _whole(chest, turns.get(Part.HEAD, turns.get(Part.NECK, chest)), NECK_SHARE),
    }  # fmt: skip
    out = np.zeros((len(Joint), 3))
    for side in SIDES:
        s = side.lower()
        collar = turns.get(Part(f"collar_{s}"), chest)
        carriers[Joint[f"{side}_SHOULDER"]] = _whole(chest, collar, COLLAR_SHARE)
        limbs = {"KNEE": "thigh", "ANKLE": "shin", "ELBOW": "upper_arm", "WRIST": "forearm"}
        before = {"KNEE": "HIP", "ANKLE": "KNEE", "ELBOW": "SHOULDER", "WRIST": "ELBOW"}
        for joint, part in limbs.items():
            start, end = Joint[f"{side}_{before[joint]}"], Joint[f"{side}_{joint}"]
            bone = normalise(rig.points[end] - rig.points[start])
            out[end] = rotate(turns[Part(f"{part}_{s}")], bone)
        ankle, toe = Joint[f"{side}_ANKLE"], Joint[f"{side}_FOOT"]
        heading = normalise((rig.points[toe] - rig.points[ankle]) * np.array([1.0, 0.0, 1.0]))
        down = float(DIRECTIONS[toe][1])
        flat = heading * np.sqrt(1 - down**2) + np.array([0.0, down, 0.0])
        out[toe] = rotate(turns[Part(f"foot_{s}")], flat)
    for joint, turn in carriers.items():
        out[joint] = rotate(turn, DIRECTIONS[joint])
    return out


def _upper_bones(rig: RigDescription) -> dict[Part, Array]:
    """Unit directions (3,) of clavicles and neck at rest; of what is above, without a neck."""
    heads = {c.part: c.head for c in reversed(rig.controls)}
    out: dict[Part, Array] = {}
    for s in "lr":
        collar, arm = Part(f"collar_{s}"), Part(f"upper_arm_{s}")
        if collar in heads:
            out[collar] = normalise(heads[arm] - heads[collar])
    if Part.NECK in heads and Part.HEAD in heads:
        out[Part.NECK] = normalise(heads[Part.HEAD] - heads[Part.NECK])
    return out


def _whole(carrier: Array, turn: Array, share: float) -> Array:
    """The turn (4,) of which ``solve`` would take ``share`` and come to this one."""
    change = to_log(multiply(inverse(carrier), turn)) / share
    size = float(np.linalg.norm(change))
    return multiply(
        carrier, from_log(change * min(1.0, MAX_UPPER_ROTATION / max(size, MAX_UPPER_ROTATION)))
    )


def _four(q: Array) -> tuple[float, float, float, float]:
    return float(q[0]), float(q[1]), float(q[2]), float(q[3])

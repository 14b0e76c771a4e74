"""Poses read from a rig at the scene's current frame, as evaluated by IK and constraints."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import pairwise
from typing import Final

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
from ...core.body.skeleton import SIDES, Joint, of_side
from ...core.pose_constraints.marked_pose import MarkedPose, PoseRole
from ...core.pose_constraints.rig_pose import RigPose
from ...core.retargeting.inverse import inverse_directions
from ...core.retargeting.part_rotations import COLLAR_SHARE, NECK_SHARE, hip_centre
from ...core.retargeting.two_bone_ik import bone_directions
from ...core.rig.bone_maps import Part
from ...core.rig.figure import Figure, figure_of
from ...core.rig.kinematics import twist_below
from ...core.rig.part_joints import ARM_JOINTS, LEG_JOINTS, part_at, part_moving
from ...core.rig.rig_description import Control, RigDescription
from ...core.timeline.frame_range import frame_text
from ...core.translation import tr
from ..access import evaluated, pose_bones
from ..errors import RigError
from ..rig.bone_transforms import quaternion_of
from ..scene_time import current_frame
from .limb_locations import detached_heads, with_limb_locations

#: Joints of each kind of limb.
_LIMBS: Final = {"leg": LEG_JOINTS, "arm": ARM_JOINTS}
_SIDE_WORDS: Final = {"L": "left", "R": "right"}

#: Greatest rotation of a head or a clavicle relative to the chest, radians.
MAX_UPPER_ROTATION: Final = 1.6


def capture_pose(obj: bpy.types.Object, rig: RigDescription) -> RigPose:
    """The controls' rotations and the root's location that show the evaluated pose.

    Limbs are read from the body, so a limb posed with IK gives the FK rotations that
    look the same. The root is read as if the bones above it were at rest.
    """
    posed = evaluated(obj)
    away_from_rest = _unstretched_rotations(posed, rig)
    bones = pose_bones(posed)
    rotations: dict[str, Array] = {}
    location = np.zeros(3)
    for control in rig.controls:
        bone = bones[control.name]
        if control.name == rig.root:
            basis = bone.bone.matrix_local.inverted() @ bone.matrix
            rotations[control.name] = quaternion_of(basis)
            location = np.array(basis.translation, dtype=np.float64)
        elif control.raw:
            rotations[control.name] = quaternion_of(bone.matrix_basis)
        else:
            rotation = away_from_rest[control.name]
            if control.parent is not None:
                rotation = multiply(inverse(away_from_rest[control.parent]), rotation)
            if control.twist_bones:
                twist = twist_below(rig, control, _basis_rotations(posed, control.twist_bones))
                rotation = multiply(rotation, inverse(twist))
            rotations[control.name] = local_basis(rotation, control.rest)
    for name in rig.extras:
        rotations[name] = quaternion_of(bones[name].matrix_basis)
    pose = RigPose(
        rotations={n: _as_tuple(q) for n, q in rotations.items()},
        root_location=(float(location[0]), float(location[1]), float(location[2])),
    )
    return with_limb_locations(obj, rig, pose, detached_heads(posed, rig))


def capture_joints(obj: bpy.types.Object, rig: RigDescription) -> NDArray[np.float32]:
    """The evaluated pose as the model sees it: (22, 3) metres, y up, model proportions.

    Position and heading are in the armature object's own space.

    Raises:
        RigError: for a pose with numbers that are not finite.
    """
    posed = evaluated(obj)
    by_part = _rotations_by_part(_unstretched_rotations(posed, rig), rig)
    directions = _directions(rig, by_part)
    joints = build(inverse_directions(directions, by_part, _upper_bones(rig)), np.zeros(3))
    hips = 0.5 * (
        _head(posed, rig, Part.THIGH_L) + _head(posed, rig, Part.THIGH_R)
    )  # rig units, floor at 0
    centre = (hips - np.array([0.0, rig.ankle_lift, 0.0])) / rig.scale
    joints = (joints + centre - hip_centre(joints)).astype(np.float32)
    if not np.isfinite(joints).all():
        raise RigError(
            tr(
                "The pose of '{name}' at frame {frame} is not made of numbers: look for "
                "such values in its keys, constraints and drivers.",
                name=obj.name,
                frame=frame_text(current_frame()),
            )
        )
    return joints


def capture_figure(obj: bpy.types.Object, rig: RigDescription) -> Figure:
    """The bone lines of the mapped bones, as evaluated, in the armature's space."""
    bones = pose_bones(evaluated(obj))
    shown = [bones[control.body] for control in rig.controls]
    return figure_of(
        rig,
        {bone.name: np.array(bone.head, dtype=np.float64) for bone in shown},
        {bone.name: np.array(bone.tail, dtype=np.float64) for bone in shown},
    )


def standing_pose(obj: bpy.types.Object, rig: RigDescription, frame: float) -> MarkedPose:
    """How the armature is posed now, as the pose in which a take begins at a frame."""
    return MarkedPose(frame, PoseRole.START, capture_pose(obj, rig), capture_joints(obj, rig))


def limbs_out_of_reach(obj: bpy.types.Object, rig: RigDescription) -> dict[str, float]:
    """Limbs that IK stretches or compresses beyond their bones, and by how many rig units.

    FK controls cannot do that: this much is missing at the hand or foot.
    """
    posed = evaluated(obj)
    parts = {c.part for c in rig.controls}
    found: dict[str, float] = {}
    for label, joints, limb in _limbs():
        if not set(limb) <= parts:
            continue
        upper, lower = _limb_lengths(posed, rig, joints, limb[0])
        span = float(np.linalg.norm(_head(posed, rig, limb[2]) - _head(posed, rig, limb[0])))
        missing = max(span - upper - lower, abs(upper - lower) - span)
        if missing > 0.002 * rig.leg:
            found[label] = missing
    return found


def out_of_reach_warning(frame: float, missing: dict[str, float], rig: RigDescription) -> str:
    """A sentence about limbs that are out of reach at a frame, or ""."""
    if not missing:
        return ""
    limbs = tr(" and ").join(
        tr("the {n} by {cm:.1f} cm", n=n, cm=100 * m / rig.scale) for n, m in missing.items()
    )
    return tr(
        "At frame {frame} IK stretches or compresses {limbs}, which FK controls "
        "cannot reach: the take misses the pose by as much.",
        frame=frame_text(frame),
        limbs=limbs,
    )


def body_rotations(
    obj: bpy.types.Object, rig: RigDescription, *, stretched: bool = False
) -> dict[str, Array]:
    """Rotation (4,) away from rest, in model axes, of each control's body bone, as evaluated.

    Limbs that IK stretched are bent so that their ends stay, unless ``stretched``.
    """
    posed = evaluated(obj)
    if stretched:
        return {c.name: _rotation(posed, rig, c) for c in rig.controls}
    return _unstretched_rotations(posed, rig)


def _limbs() -> Iterator[tuple[str, tuple[Joint, ...], tuple[Part, ...]]]:
    """Each limb: its name in words, its three joints and the parts that begin there."""
    for side in SIDES:
        for name, limb in _LIMBS.items():
            joints = of_side(side, *limb)
            parts = tuple(part_at(joint) for joint in joints)
            yield f"{_SIDE_WORDS[side]} {name}", joints, parts


def _bone_lengths(joints: list[Array]) -> tuple[float, float]:
    """Lengths of a limb's two bones from its three joints (3,)."""
    first, middle, end = joints
    return float(np.linalg.norm(middle - first)), float(np.linalg.norm(end - middle))


def _limb_lengths(
    posed: bpy.types.Object, rig: RigDescription, joints: tuple[Joint, ...], part: Part
) -> tuple[float, float]:
    """Lengths of a limb's two bones, as large as an evenly scaled bone that carries it has them."""
    upper, lower = _bone_lengths([rig.points[joint] for joint in joints])
    carrier = pose_bones(posed)[_control(rig, part).body].parent
    sizes = (1.0,) * 3 if carrier is None else carrier.matrix.to_scale().to_tuple()
    growth = sizes[1] if max(sizes) - min(sizes) < 1e-3 * max(sizes) else 1.0
    return growth * upper, growth * lower


def _unstretched_rotations(posed: bpy.types.Object, rig: RigDescription) -> dict[str, Array]:
    """Rotation (4,) away from rest, in model axes, of each control's body bone."""
    rotations = {c.name: _rotation(posed, rig, c) for c in rig.controls}
    names = {c.part: c.name for c in rig.controls}
    for _, joints, parts in _limbs():
        if parts[2] not in names:
            continue
        seen = [_head(posed, rig, part) for part in parts]
        corrections = _unstretched(seen, _limb_lengths(posed, rig, joints, parts[0]))
        for part, correction in zip(parts, corrections, strict=False):
            rotations[names[part]] = multiply(correction, rotations[names[part]])
    return rotations


def _unstretched(seen: list[Array], lengths: tuple[float, float]) -> tuple[Array, Array]:
    """Rotations (4,) to add to both bones of a limb so that its end stays without stretching.

    IK may stretch or compress bones, FK does not: the bend of the middle joint compensates.

    Args:
        seen: three joints (3,) as evaluated.
        lengths: true lengths of the two bones.
    """
    upper, lower = lengths
    bones = [seen[1] - seen[0], seen[2] - seen[1]]
    span = seen[2] - seen[0]
    reach = float(np.linalg.norm(span))
    side = bones[0] - span * float(bones[0] @ span) / max(reach**2, 1e-12)
    same = np.allclose(_bone_lengths(seen), lengths, rtol=1e-4)
    if same or np.linalg.norm(side) < 1e-4 * upper:
        return IDENTITY, IDENTITY
    reach = np.clip(reach, abs(upper - lower) * 1.0001, (upper + lower) * 0.9999)
    first, second = bone_directions(normalise(span), normalise(side), reach, lengths)
    return between(bones[0], first), between(bones[1], second)


def _basis_rotations(posed: bpy.types.Object, names: tuple[str, ...]) -> dict[str, Array]:
    return {name: quaternion_of(pose_bones(posed)[name].matrix_basis) for name in names}


def _rotation(posed: bpy.types.Object, rig: RigDescription, control: Control) -> Array:
    """Rotation (4,) away from rest of a control's body bone; of a limb, below its twist bones."""
    bone = pose_bones(posed)[control.twist_bones[-1] if control.twist_bones else control.body]
    rotation = multiply(quaternion_of(bone.matrix), inverse(quaternion_of(bone.bone.matrix_local)))
    return local_basis(rotation, rig.axes)


def _rotations_by_part(rotations: dict[str, Array], rig: RigDescription) -> dict[Part, Array]:
    """Rotation of each part; of a chain, its last bone's."""
    return {c.part: rotations[c.name] for c in rig.controls}


def _head(posed: bpy.types.Object, rig: RigDescription, part: Part) -> Array:
    """Evaluated head (3,) of a part's bone in model axes, the floor at 0."""
    point = np.array(pose_bones(posed)[_control(rig, part).body].head, dtype=np.float64)
    return rotate(inverse(rig.axes), point) - np.array([0.0, rig.floor, 0.0])


def _control(rig: RigDescription, part: Part) -> Control:
    """The first control of a part that the rig has."""
    return next(c for c in rig.controls if c.part is part)


def _directions(rig: RigDescription, rotations: dict[Part, Array]) -> Array:
    """Unit vectors (22, 3) from parent to joint, as the solver reads them."""
    pelvis, chest = rotations[Part.PELVIS], rotations[Part.CHEST]
    head = rotations.get(Part.HEAD, rotations.get(Part.NECK, chest))
    hips = (Joint.L_HIP, Joint.R_HIP, Joint.SPINE1, Joint.SPINE2)
    parents: dict[Joint, Array] = dict.fromkeys(hips, pelvis)
    parents |= dict.fromkeys((Joint.SPINE3, Joint.NECK, Joint.L_COLLAR, Joint.R_COLLAR), chest)
    parents[Joint.HEAD] = _inverse_share(chest, head, NECK_SHARE)
    out = np.zeros((len(Joint), 3))
    for side in SIDES:
        s = side.lower()
        collar = rotations.get(Part(f"collar_{s}"), chest)
        parents[Joint[f"{side}_SHOULDER"]] = _inverse_share(chest, collar, COLLAR_SHARE)
        for limb in _LIMBS.values():
            for start, end in pairwise(of_side(side, *limb)):
                bone = normalise(rig.points[end] - rig.points[start])
                out[end] = rotate(rotations[part_moving(end)], bone)
        ankle, toe = Joint[f"{side}_ANKLE"], Joint[f"{side}_FOOT"]
        heading = normalise((rig.points[toe] - rig.points[ankle]) * np.array([1.0, 0.0, 1.0]))
        down = float(DIRECTIONS[toe][1])
        flat = heading * np.sqrt(1 - down**2) + np.array([0.0, down, 0.0])
        out[toe] = rotate(rotations[Part(f"foot_{s}")], flat)
    for joint, rotation in parents.items():
        out[joint] = rotate(rotation, DIRECTIONS[joint])
    return out


def _upper_bones(rig: RigDescription) -> dict[Part, Array]:
    """Unit directions (3,) of clavicles and neck at rest."""
    heads = {c.part: c.head for c in reversed(rig.controls)}
    out: dict[Part, Array] = {}
    for s in "lr":
        collar, arm = Part(f"collar_{s}"), Part(f"upper_arm_{s}")
        if collar in heads:
            out[collar] = normalise(heads[arm] - heads[collar])
    if Part.NECK in heads and Part.HEAD in heads:
        out[Part.NECK] = normalise(heads[Part.HEAD] - heads[Part.NECK])
    return out


def _inverse_share(parent: Array, rotation: Array, share: float) -> Array:
    """The rotation (4,) of which the solver would take ``share`` and come to this one."""
    change = to_log(multiply(inverse(parent), rotation)) / share
    size = float(np.linalg.norm(change))
    return multiply(
        parent, from_log(change * min(1.0, MAX_UPPER_ROTATION / max(size, MAX_UPPER_ROTATION)))
    )


def _as_tuple(q: Array) -> tuple[float, float, float, float]:
    return float(q[0]), float(q[1]), float(q[2]), float(q[3])

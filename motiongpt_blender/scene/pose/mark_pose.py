"""Marking a pose: everything that is needed to show it again with FK controls.

Where the controls' own channels show the evaluated pose, they are the pose. Where IK or
constraints show it, FK controls are fitted to it: set on the armature, compared, corrected, and
put back before anyone sees it. What they cannot reach is reported.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import replace
from typing import Final

import bpy
import numpy as np
from mathutils import Quaternion, Vector

from ...core.body.rotations import (
    IDENTITY,
    Array,
    angle_between,
    inverse,
    local_basis,
    multiply,
    normalise,
)
from ...core.pose_constraints.fk_mismatch import FKMismatch
from ...core.pose_constraints.marked_pose import MarkedPose, PoseRole
from ...core.pose_constraints.rig_pose import RigPose
from ...core.rig.bone_maps import Part
from ...core.rig.rig_description import RigDescription
from ..access import current_scene, evaluated, pose_bones, update_view_layer
from ..rig.bone_transforms import (
    carrying_matrix,
    location_axes,
    own_transform,
    own_transforms,
    quaternion_in,
    quaternion_of,
    rest_below_ancestors,
    rotation_in_mode,
    rotation_property,
    set_transform,
)
from ..rig.opposing_constraints import keyable_constraints
from .capture import body_rotations, capture_figure, capture_joints, capture_pose
from .limb_locations import detached_heads, place_detached, with_limb_locations
from .pose_parts import parts_by_bone
from .rest_pose import rest_pose_of

#: Degrees and millimetres at which the fit is good enough to stop.
_TOLERANCE: Final = (0.002, 0.01)
#: Rounds of comparing and correcting, and the share of the error that a round must get below
#: for another one to be worth it.
_MAX_ROUNDS: Final = 6
_WORTHWHILE: Final = 0.8
#: Millimetres by which a control is moved at most, where IK and FK chains are built a little
#: apart. What is further away is stretched, and is reported.
_MAX_MOVE_MM: Final = 1.0

#: Bone -> rotation (4,) and head (3,) in armature space.
_Placed = dict[str, tuple[Array, Array]]


def mark_pose(
    obj: bpy.types.Object, rig: RigDescription, frame: float, role: PoseRole
) -> MarkedPose:
    """The pose that an armature shows now, as a motion has to pass through it.

    Args:
        obj: the armature object.
        rig: its description.
        frame: scene frame of the pose.
        role: begin with the pose, pass through it or end with it.
    """
    pose, fk_mismatches = fit_fk_pose(obj, rig)
    return MarkedPose(
        frame,
        role,
        pose,
        capture_joints(obj, rig),
        object_matrix=np.array(obj.matrix_basis, dtype=np.float64),
        fk_mismatches=fk_mismatches,
        rest=rest_pose_of(obj, rig, pose),
        figure=capture_figure(obj, rig),
    )


def fit_fk_pose(
    obj: bpy.types.Object, rig: RigDescription
) -> tuple[RigPose, tuple[FKMismatch, ...]]:
    """The FK controls that show the evaluated pose, and what they do not reach of it.

    Of each part the bone that is furthest off, worst first.
    """
    seen = capture_pose(obj, rig)
    captured = replace(
        seen,
        transforms=own_transforms(obj),
        switches=_switch_values(obj, rig),
        influences=_constraint_influences(obj, rig),
    )
    unchanged = replace(captured, rotations={**seen.rotations, **_own_rotations(obj, rig)})
    target, rotations = _body_placement(obj, rig), body_rotations(obj, rig)
    heads = detached_heads(evaluated(obj), rig)
    scale = obj.matrix_world.to_scale()
    mm_per_unit = 1000 * (scale.x + scale.y + scale.z) / 3 * _metres_per_unit()
    parts = parts_by_bone(obj, rig)
    with _restoring_pose(obj, rig):
        _pose_controls(obj, rig, unchanged, heads)
        best = unchanged
        best_misses = _misses(target, _body_placement(obj, rig), mm_per_unit, parts)
        pose, last = captured, np.inf
        for _ in range(_MAX_ROUNDS):
            if _is_good(best_misses):
                break
            _pose_controls(obj, rig, pose, heads)
            shown = _body_placement(obj, rig)
            misses = _misses(target, shown, mm_per_unit, parts)
            if misses[0].size < best_misses[0].size:
                best, best_misses = pose, misses
            if misses[0].size > _WORTHWHILE * last:
                break
            last = misses[0].size
            pose = _with_corrected_rotations(obj, rig, pose, rotations)
            pose = _with_corrected_locations(obj, rig, pose, target, shown, mm_per_unit)
    best = with_limb_locations(obj, rig, best, heads)
    return best, tuple(miss for miss in best_misses if not miss.unseen)


def _metres_per_unit() -> float:
    return float(current_scene().unit_settings.scale_length) or 1.0


def _switch_values(
    obj: bpy.types.Object, rig: RigDescription
) -> tuple[tuple[str, str, float], ...]:
    bones = pose_bones(obj)
    held = [s for s in rig.switches if s.prop in bones[s.bone]]
    return tuple((s.bone, s.prop, float(bones[s.bone][s.prop])) for s in held)


def _constraint_influences(
    obj: bpy.types.Object, rig: RigDescription
) -> tuple[tuple[str, str, float], ...]:
    """(bone, constraint, influence) of the constraints that a take turns off."""
    found = keyable_constraints(obj, [c.name for c in rig.controls], {rig.root})
    return tuple((bone.name, ik.name, float(ik.influence)) for bone, ik in found)


def _own_rotations(
    obj: bpy.types.Object, rig: RigDescription
) -> dict[str, tuple[float, float, float, float]]:
    """The controls' own rotations, without the root's; what hangs on none: in the armature."""
    bones = pose_bones(obj)
    names = [c.name for c in rig.controls if c.name != rig.root]
    rotations = {n: quaternion_in(own_transform(bones[n])) for n in names}
    for name in _unparented(rig):
        rotations[name] = _carried_rotation(bones[name]) @ rotations[name]
    return {n: (q.w, q.x, q.y, q.z) for n, q in rotations.items()}


def _unparented(rig: RigDescription) -> list[str]:
    """Names of the controls that hang on no other, without the root."""
    return [c.name for c in rig.controls if c.parent is None and c.name != rig.root and not c.raw]


def _carried_rotation(bone: bpy.types.PoseBone) -> Quaternion:
    """How far the bones above a bone turn it away from rest, in its own axes."""
    return rest_below_ancestors(bone).inverted_safe().to_quaternion()


def _body_placement(obj: bpy.types.Object, rig: RigDescription) -> _Placed:
    """Rotation and head of every deforming bone below the controls, as evaluated."""
    posed = pose_bones(evaluated(obj))
    bodies = {c.body for c in rig.controls}
    deforming = [b for b in posed if b.bone.use_deform]
    bones = {b.name: b for b in deforming or posed if _is_below(b, bodies)}
    for name in bodies:
        bones.setdefault(name, posed[name])
    return {
        n: (quaternion_of(b.matrix), np.array(b.matrix.translation, dtype=np.float64))
        for n, b in bones.items()
    }


def _is_below(bone: bpy.types.PoseBone | None, bodies: set[str]) -> bool:
    while bone is not None and bone.name not in bodies:
        bone = bone.parent
    return bone is not None


def _misses(
    target: _Placed, shown: _Placed, mm_per_unit: float, parts: Mapping[str, Part]
) -> list[FKMismatch]:
    """The bone of each part that is furthest off, worst first."""
    worst: dict[Part | None, FKMismatch] = {}
    for name, (rotation, head) in target.items():
        miss = FKMismatch(
            name,
            float(np.degrees(angle_between(normalise(rotation), normalise(shown[name][0])))),
            mm_per_unit * float(np.linalg.norm(head - shown[name][1])),
            parts.get(name),
        )
        if miss.part not in worst or miss.size > worst[miss.part].size:
            worst[miss.part] = miss
    return sorted(worst.values(), key=lambda miss: -miss.size)


def _is_good(misses: Sequence[FKMismatch]) -> bool:
    """Whether nothing more is to be gained."""
    return all(m.degrees <= _TOLERANCE[0] and m.millimetres <= _TOLERANCE[1] for m in misses)


@contextmanager
def _restoring_pose(obj: bpy.types.Object, rig: RigDescription) -> Iterator[None]:
    """Turn constraints off as a take does; afterwards pose, switches and they are restored."""
    bones = pose_bones(obj)
    transforms = {bone.name: own_transform(bone) for bone in bones}
    properties = [(s.bone, s.prop) for s in rig.switches if s.prop in bones[s.bone]]
    values = [(bone, prop, bones[bone][prop]) for bone, prop in properties]
    found = keyable_constraints(obj, [c.name for c in rig.controls], {rig.root})
    influences = [(ik, float(ik.influence)) for _, ik in found]
    try:
        for ik, _ in influences:
            ik.influence = 0.0
        yield
    finally:
        for ik, influence in influences:
            ik.influence = influence
        for name, transform in transforms.items():
            if own_transform(bones[name]) != transform:
                set_transform(bones[name], transform)
        for name, prop, value in values:
            bones[name][prop] = value
        _evaluate(obj)


def _evaluate(obj: bpy.types.Object) -> None:
    obj.update_tag()
    update_view_layer()


def _pose_controls(
    obj: bpy.types.Object, rig: RigDescription, pose: RigPose, heads: Mapping[str, Vector]
) -> None:
    """Show a pose with FK controls, the other bones as they are.

    Args:
        obj: the armature object.
        rig: its description.
        pose: the pose.
        heads: of the hands and feet that no limb carries, from ``detached_heads``.
    """
    bones = pose_bones(obj)
    others = pose.transforms or {}
    for switch in rig.switches:
        if switch.prop in bones[switch.bone]:
            kind = type(bones[switch.bone][switch.prop])
            bones[switch.bone][switch.prop] = kind(switch.value)
    root = bones[rig.root]
    wanted = Quaternion(pose.rotations[rig.root]).to_matrix().to_4x4()
    wanted.translation = pose.root_location
    basis = rest_below_ancestors(root) @ wanted
    for control in rig.controls:
        if control.name != rig.root and control.name in others:
            bones[control.name].location = others[control.name].location
    place_detached(obj, rig, heads)
    rotations = {name: Quaternion(q) for name, q in pose.rotations.items()}
    rotations[rig.root] = basis.to_quaternion()
    for name in _unparented(rig):
        rotations[name] = _carried_rotation(bones[name]).inverted() @ rotations[name]
    for name, rotation in rotations.items():
        mode = str(bones[name].rotation_mode)
        setattr(bones[name], rotation_property(mode), rotation_in_mode(rotation, mode))
    root.location = location_axes(root) @ basis.translation
    _evaluate(obj)


def _with_corrected_rotations(
    obj: bpy.types.Object, rig: RigDescription, pose: RigPose, rotations: Mapping[str, Array]
) -> RigPose:
    """The pose with each control rotated by what its body bone still misses.

    Args:
        obj: the armature, showing the pose.
        rig: its description.
        pose: what it shows.
        rotations: control -> (4,) the rotation away from rest, model axes, of its body bone
            in the pose that is wanted.
    """
    posed = pose_bones(evaluated(obj))
    shown = body_rotations(obj, rig, stretched=True)
    missing = {n: multiply(rotation, inverse(shown[n])) for n, rotation in rotations.items()}
    corrected = dict(pose.rotations)
    for control in rig.controls:
        if control.raw or control.name == rig.root:
            continue
        inherited = missing.get(control.parent or "", IDENTITY)
        current = multiply(inverse(rig.axes), quaternion_of(posed[control.name].matrix))
        step = multiply(inverse(inherited), missing[control.name])
        local_step = local_basis(step, current)
        w, x, y, z = (
            float(v)
            for v in normalise(multiply(np.array(pose.rotations[control.name]), local_step))
        )
        corrected[control.name] = (w, x, y, z)
    return replace(pose, rotations=corrected)


def _with_corrected_locations(
    obj: bpy.types.Object,
    rig: RigDescription,
    pose: RigPose,
    target: _Placed,
    shown: _Placed,
    mm_per_unit: float,
) -> RigPose:
    """The pose with each control moved by the little that its body bone is out of place.

    Args:
        obj: the armature, showing the pose.
        rig: its description.
        pose: what it shows, its rotations corrected already.
        target: where the bones should be.
        shown: where they are.
        mm_per_unit: millimetres in the armature's unit.
    """
    missing = {c.name: target[c.body][1] - shown[c.body][1] for c in rig.controls}
    others = dict(pose.transforms or {})
    for control in rig.controls:
        bone = pose_bones(obj)[control.name]
        if control.raw or control.name == rig.root or control.carrier or bone.bone.use_connect:
            continue  # what no limb carries is in its place
        offset = missing[control.name] - missing.get(control.parent or "", np.zeros(3))
        if not 0.5 * _TOLERANCE[1] < mm_per_unit * float(np.linalg.norm(offset)) < _MAX_MOVE_MM:
            continue
        own = others.get(control.name, own_transform(bone))
        carried = carrying_matrix(bone).to_3x3() @ location_axes(bone).inverted()
        step = np.array(carried.inverted_safe()) @ offset
        x, y, z = (float(v) for v in np.array(own.location) + step)
        others[control.name] = replace(own, location=(x, y, z))
    return replace(pose, transforms=others)

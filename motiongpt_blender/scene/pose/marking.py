"""Marking a pose: everything that is needed to show it again with FK controls.

Where the controls' own channels show it, they are the pose. Where inverse kinematics or
constraints show it, FK controls are fitted to what is seen: set on the armature, compared,
corrected, and put back before anyone sees it. What cannot be reached is said.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import replace
from typing import Any, Final

import bpy
import numpy as np
from mathutils import Quaternion

from ...core.body.rotations import IDENTITY, Array, angle_between, inverse, multiply, normalise
from ...core.pose_constraints.correction import RigPose
from ...core.pose_constraints.marked_pose import FKMismatch, MarkedPose, PoseRole
from ...core.rig.bone_maps import Part
from ...core.rig.rig_description import RigDescription
from ..rig.description import quaternion_of
from ..rig.ik_constraints import ik_constraints_on, is_driven
from .capture import body_rotations, capture_joints, capture_pose
from .pose_parts import parts_by_bone
from .undriven_bones import (
    own_transform,
    quaternion_in,
    rotation_property,
    set_transform,
    transforms_of,
)

#: Degrees and millimetres at which nothing more is tried.
_GOOD: Final = (0.002, 0.01)
#: Rounds of comparing and correcting, and what a round has to take away to be worth another.
_ROUNDS: Final = 6
_WORTH: Final = 0.8
#: Millimetres by which a control is moved at most: where IK and FK chains are built a little
#: apart. What is further away is stretched, and is told.
_MOST_MOVED: Final = 1.0


def mark_pose(obj: Any, rig: RigDescription, frame: float, role: PoseRole) -> MarkedPose:
    """The pose that an armature shows now, as the motion has to pass through it."""
    pose, fk_mismatches = fit_fk_pose(obj, rig)
    return MarkedPose(frame, role, pose, capture_joints(obj, rig), fk_mismatches=fk_mismatches)


def fit_fk_pose(obj: Any, rig: RigDescription) -> tuple[RigPose, tuple[FKMismatch, ...]]:
    """The controls that show the evaluated pose with FK, and what they miss of it.

    Of each part the worst bone that is not met, worst first.
    """
    seen = capture_pose(obj, rig)
    kept = replace(
        seen,
        transforms=transforms_of(obj),
        switches=_switches(obj, rig),
        influences=_influences(obj, rig),
    )
    own = replace(kept, rotations={**seen.rotations, **_own_rotations(obj, rig)})
    target, turns = _shown(obj, rig), body_rotations(obj, rig)
    scale = 1000 * float(sum(obj.matrix_world.to_scale()) / 3) * _unit()
    owners = parts_by_bone(obj, rig)
    with _put_back(obj, rig):
        _strike(obj, rig, own)
        best = own, _misses(target, _shown(obj, rig), scale, owners)
        pose, last = kept, np.inf
        for _ in range(_ROUNDS):
            if _good(best[1]):
                break
            _strike(obj, rig, pose)
            shown = _shown(obj, rig)
            misses = _misses(target, shown, scale, owners)
            if misses[0].size < best[1][0].size:
                best = pose, misses
            if misses[0].size > _WORTH * last:  # turning takes no more away
                break
            last = misses[0].size
            pose = _moved(obj, rig, _corrected(obj, rig, pose, turns), (target, shown), scale)
    return best[0], tuple(miss for miss in best[1] if not miss.met)


def _unit() -> float:
    """Metres in a scene unit."""
    return float(bpy.context.scene.unit_settings.scale_length) or 1.0


def _switches(obj: Any, rig: RigDescription) -> tuple[tuple[str, str, float], ...]:
    bones = obj.pose.bones
    return tuple(
        (s.bone, s.prop, float(bones[s.bone][s.prop]))
        for s in rig.switches if s.prop in bones[s.bone]
    )  # fmt: skip


def _influences(obj: Any, rig: RigDescription) -> tuple[tuple[str, str, float], ...]:
    return tuple(
        (bone.name, str(solver.name), float(solver.influence))
        for bone, solver in _solvers(obj, rig)
    )


def _solvers(obj: Any, rig: RigDescription) -> list[tuple[Any, Any]]:
    """The IK constraints that a take switches off, each with its bone."""
    found = ik_constraints_on(obj, [c.name for c in rig.controls])
    return [(bone, solver) for bone, solver in found if not is_driven(obj, solver)]


def _own_rotations(obj: Any, rig: RigDescription) -> dict[str, Any]:
    """The controls' own rotations; the root's is the one that is seen."""
    names = [c.name for c in rig.controls if c.name != rig.root]
    turns = {n: quaternion_in(own_transform(obj.pose.bones[n])) for n in names}
    return {n: tuple(float(v) for v in q) for n, q in turns.items()}


def _shown(obj: Any, rig: RigDescription) -> dict[str, tuple[Array, Array]]:
    """Turn (4,) and head (3,) of every bone that deforms below the controls, as evaluated."""
    posed = obj.evaluated_get(bpy.context.evaluated_depsgraph_get())
    bodies = {c.body for c in rig.controls}
    deforming = [b for b in posed.pose.bones if b.bone.use_deform]
    bones = {b.name: b for b in deforming or posed.pose.bones if _is_below(b, bodies)}
    for name in bodies:
        bones.setdefault(name, posed.pose.bones[name])
    return {
        n: (quaternion_of(b.matrix), np.array(b.matrix.translation, dtype=np.float64))
        for n, b in bones.items()
    }


def _is_below(bone: Any, bodies: set[str]) -> bool:
    while bone is not None and bone.name not in bodies:
        bone = bone.parent
    return bone is not None


def _misses(
    target: dict[str, Any], now: dict[str, Any], scale: float, owners: Mapping[str, Part]
) -> list[FKMismatch]:
    """The worst bone of each part, worst first; ``scale`` makes millimetres of places."""
    worst: dict[Part | None, FKMismatch] = {}
    for name, (turn, place) in target.items():
        miss = FKMismatch(
            name,
            float(np.degrees(angle_between(normalise(turn), normalise(now[name][0])))),
            scale * float(np.linalg.norm(place - now[name][1])),
            owners.get(name),
        )
        if miss.part not in worst or miss.size > worst[miss.part].size:
            worst[miss.part] = miss
    return sorted(worst.values(), key=lambda miss: -miss.size)


def _good(misses: Sequence[FKMismatch]) -> bool:
    """Whether nothing more is to be gained."""
    return all(m.degrees <= _GOOD[0] and m.millimetres <= _GOOD[1] for m in misses)


@contextmanager
def _put_back(obj: Any, rig: RigDescription) -> Iterator[None]:
    """IK constraints are off as in a take; afterwards bones, switches and they are as before."""
    bones = obj.pose.bones
    before = {bone.name: own_transform(bone) for bone in bones}
    props = [(s.bone, s.prop) for s in rig.switches if s.prop in bones[s.bone]]
    held = [(bone, prop, bones[bone][prop]) for bone, prop in props]
    solvers = [solver for _, solver in _solvers(obj, rig)]
    strengths = [float(solver.influence) for solver in solvers]
    try:
        for solver in solvers:
            solver.influence = 0.0
        yield
    finally:
        for solver, strength in zip(solvers, strengths, strict=True):
            solver.influence = strength
        for name, transform in before.items():
            if own_transform(bones[name]) != transform:
                set_transform(bones[name], transform)
        for name, prop, value in held:
            bones[name][prop] = value
        _evaluate(obj)


def _evaluate(obj: Any) -> None:
    obj.update_tag()
    bpy.context.view_layer.update()


def _strike(obj: Any, rig: RigDescription, pose: RigPose) -> None:
    """Show a pose with FK controls, its bones otherwise as they are."""
    bones = obj.pose.bones
    for switch in rig.switches:
        if switch.prop in bones[switch.bone]:
            kind = type(bones[switch.bone][switch.prop])
            bones[switch.bone][switch.prop] = kind(switch.value)
    root = bones[rig.root]
    carried = root.matrix @ root.matrix_basis.inverted()
    wanted = Quaternion(pose.rotations[rig.root]).to_matrix().to_4x4()
    wanted.translation = pose.root_location
    basis = carried.inverted() @ root.bone.matrix_local @ wanted
    for control in rig.controls:
        if control.name != rig.root and control.name in (pose.transforms or {}):
            bones[control.name].location = (pose.transforms or {})[control.name].location
    for name, q in pose.rotations.items():
        _turn(bones[name], basis.to_quaternion() if name == rig.root else Quaternion(q))
    place = basis.translation
    if not root.bone.use_local_location:
        place = root.bone.matrix_local.to_3x3() @ place
    root.location = place
    _evaluate(obj)


def _turn(bone: Any, turn: Quaternion) -> None:
    mode = str(bone.rotation_mode)
    if mode == "QUATERNION":
        value: Any = turn
    elif mode == "AXIS_ANGLE":
        axis, angle = turn.to_axis_angle()
        value = (angle, *axis)
    else:
        value = turn.to_euler(mode)
    setattr(bone, rotation_property(mode), value)


def _moved(
    obj: Any,
    rig: RigDescription,
    pose: RigPose,
    seen: tuple[dict[str, tuple[Array, Array]], dict[str, tuple[Array, Array]]],
    scale: float,
) -> RigPose:
    """The pose with its controls moved by the little that their parts are out of place.

    Args:
        obj: the armature, showing the pose.
        rig: its description.
        pose: what it shows, its rotations corrected already.
        seen: what should be shown, and what is.
        scale: millimetres in the armature's unit.
    """
    target, now = seen
    missing = {c.name: target[c.body][1] - now[c.body][1] for c in rig.controls}
    others = dict(pose.transforms or {})
    for control in rig.controls:
        bone = obj.pose.bones[control.name]
        if control.raw or control.name == rig.root or bone.bone.use_connect:
            continue
        way = missing[control.name] - missing.get(control.parent or "", np.zeros(3))
        if not 0.5 * _GOOD[1] < scale * float(np.linalg.norm(way)) < _MOST_MOVED:
            continue
        own = others.get(control.name, own_transform(bone))
        carried = (bone.matrix @ bone.matrix_basis.inverted()).to_3x3()
        if not bone.bone.use_local_location:
            carried = carried @ bone.bone.matrix_local.to_3x3().inverted()
        step = np.array(carried.inverted_safe()) @ way
        x, y, z = (float(v) for v in np.array(own.location) + step)
        others[control.name] = replace(own, location=(x, y, z))
    return replace(pose, transforms=others)


def _corrected(obj: Any, rig: RigDescription, pose: RigPose, turns: dict[str, Array]) -> RigPose:
    """The pose with each control turned by what its part still misses.

    Args:
        obj: the armature, showing the pose.
        rig: its description.
        pose: what it shows.
        turns: control -> (4,) the turn away from rest, model axes, that its part should have.
    """
    posed = obj.evaluated_get(bpy.context.evaluated_depsgraph_get())
    now = body_rotations(obj, rig, stretched=True)
    missing = {n: multiply(turn, inverse(now[n])) for n, turn in turns.items()}
    rotations = dict(pose.rotations)
    for control in rig.controls:
        if control.raw or control.name == rig.root:
            continue
        carried = missing.get(control.parent or "", IDENTITY)
        here = multiply(inverse(rig.axes), quaternion_of(posed.pose.bones[control.name].matrix))
        step = multiply(inverse(carried), missing[control.name])
        basis = multiply(np.array(pose.rotations[control.name]),
                         multiply(multiply(inverse(here), step), here))  # fmt: skip
        w, x, y, z = (float(v) for v in normalise(basis))
        rotations[control.name] = (w, x, y, z)
    return replace(pose, rotations=rotations)

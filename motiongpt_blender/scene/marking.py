"""Marking a pose: everything that is needed to show it again with FK controls.

Where the controls' own channels show it, they are the pose. Where inverse kinematics or
constraints show it, FK controls are fitted to what is seen: set on the armature, compared,
corrected, and put back before anyone sees it. What cannot be reached is said.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import Any, Final

import bpy
import numpy as np
from mathutils import Quaternion

from ..core.keys import RigPose
from ..core.poses import MarkedPose, PoseRole
from ..core.retarget import RigDescription
from ..core.rotations import IDENTITY, Array, angle_between, inverse, multiply, normalise
from .capture import body_turns, capture_joints, capture_pose
from .held import own_transform, quaternion_in, rotation_property, set_transform, transforms_of
from .ik_constraints import ik_on, is_driven
from .rig import quaternion_of

#: Degrees and millimetres that count as met.
MET: Final = (0.01, 0.1)
#: Those at which nothing more is tried.
_GOOD: Final = (0.002, 0.01)
#: Rounds of comparing and correcting, and what a round has to take away to be worth another.
_ROUNDS: Final = 6
_WORTH: Final = 0.8
#: Millimetres by which a control is moved at most: where IK and FK chains are built a little
#: apart. What is further away is stretched, and is told.
_MOST_MOVED: Final = 1.0


@dataclass(frozen=True)
class Miss:
    """The bone that an FK pose shows worst.

    Attributes:
        bone: its name; "" when there are no bones.
        degrees: how far it is turned away.
        millimetres: how far it is away, in the scene.
    """

    bone: str = ""
    degrees: float = 0.0
    millimetres: float = 0.0

    @property
    def met(self) -> bool:
        """Whether nobody can see it."""
        return self.degrees <= MET[0] and self.millimetres <= MET[1]

    @property
    def good(self) -> bool:
        """Whether nothing more is to be gained."""
        return self.degrees <= _GOOD[0] and self.millimetres <= _GOOD[1]

    @property
    def size(self) -> float:
        """One number to compare by."""
        return max(self.degrees / MET[0], self.millimetres / MET[1])


def mark_pose(obj: Any, rig: RigDescription, frame: float, role: PoseRole) -> MarkedPose:
    """The pose that an armature shows now, as the motion has to pass through it."""
    pose, _ = exact_pose(obj, rig)
    return MarkedPose(frame, role, pose, capture_joints(obj, rig))


def exact_pose(obj: Any, rig: RigDescription) -> tuple[RigPose, Miss]:
    """The controls that show the evaluated pose with FK, and what they miss of it."""
    seen = capture_pose(obj, rig)
    kept = replace(seen, others=transforms_of(obj), switches=_switches(obj, rig))
    own = replace(kept, rotations={**seen.rotations, **_own_rotations(obj, rig)})
    target, turns = _shown(obj, rig), body_turns(obj, rig)
    scale = 1000 * float(sum(obj.matrix_world.to_scale()) / 3) * _unit()
    with _put_back(obj, rig):
        _strike(obj, rig, own)
        best = own, _miss(target, _shown(obj, rig), scale)
        pose, last = kept, np.inf
        for _ in range(_ROUNDS):
            if best[1].good:
                break
            _strike(obj, rig, pose)
            shown = _shown(obj, rig)
            miss = _miss(target, shown, scale)
            if miss.size < best[1].size:
                best = pose, miss
            if miss.size > _WORTH * last:  # turning takes no more away
                break
            last = miss.size
            pose = _moved(obj, rig, _corrected(obj, rig, pose, turns), (target, shown), scale)
    return best


def miss_note(miss: Miss) -> str:
    """A sentence about what FK cannot show, or ""."""
    if miss.met:
        return ""
    return (
        f"FK controls cannot show this pose to the last: '{miss.bone}' is "
        f"{miss.degrees:.2f}° and {miss.millimetres:.1f} mm away (a stretched limb, or a "
        "constraint that acts on it)."
    )


def _unit() -> float:
    """Metres in a scene unit."""
    return float(bpy.context.scene.unit_settings.scale_length) or 1.0


def _switches(obj: Any, rig: RigDescription) -> tuple[tuple[str, str, float], ...]:
    bones = obj.pose.bones
    return tuple(
        (s.bone, s.prop, float(bones[s.bone][s.prop]))
        for s in rig.switches if s.prop in bones[s.bone]
    )  # fmt: skip


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


def _miss(target: dict[str, Any], now: dict[str, Any], scale: float) -> Miss:
    """The worst bone, by degrees or by place; ``scale`` makes millimetres of places."""
    misses = (
        Miss(
            name,
            float(np.degrees(angle_between(normalise(turn), normalise(now[name][0])))),
            scale * float(np.linalg.norm(place - now[name][1])),
        )
        for name, (turn, place) in target.items()
    )
    return max(misses, key=lambda miss: miss.size, default=Miss())


@contextmanager
def _put_back(obj: Any, rig: RigDescription) -> Iterator[None]:
    """IK constraints are off as in a take; afterwards bones, switches and they are as before."""
    bones = obj.pose.bones
    before = {bone.name: own_transform(bone) for bone in bones}
    props = [(s.bone, s.prop) for s in rig.switches if s.prop in bones[s.bone]]
    held = [(bone, prop, bones[bone][prop]) for bone, prop in props]
    solvers = [c for _, c in ik_on(obj, [c.name for c in rig.controls]) if not is_driven(obj, c)]
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
        if control.name != rig.root and control.name in (pose.others or {}):
            bones[control.name].location = (pose.others or {})[control.name].location
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
    others = dict(pose.others or {})
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
    return replace(pose, others=others)


def _corrected(obj: Any, rig: RigDescription, pose: RigPose, turns: dict[str, Array]) -> RigPose:
    """The pose with each control turned by what its part still misses.

    Args:
        obj: the armature, showing the pose.
        rig: its description.
        pose: what it shows.
        turns: control -> (4,) the turn away from rest, model axes, that its part should have.
    """
    posed = obj.evaluated_get(bpy.context.evaluated_depsgraph_get())
    now = body_turns(obj, rig, stretched=True)
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

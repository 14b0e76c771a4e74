"""From joint positions to the controls of a rig, in plain numpy.

A rig is described once (``RigDescription``, rest data in model axes: x left, y up,
z forward) and every motion is solved for all frames together. Each part of the body gets
its turn away from rest; a control's own rotation is that turn seen from the part that
carries it. Working with turns away from rest makes A-poses, T-poses and bone rolls
disappear by construction.
"""

from __future__ import annotations

from collections.abc import Generator
from typing import Final

import numpy as np

from ..body.neutral_pose import ANKLE_HEIGHT
from ..body.rotations import (
    IDENTITY,
    Array,
    continuous,
    inverse,
    local_basis,
    multiply,
    normalise,
    rotate,
)
from ..body.skeleton import SIDES, Joint, of_side
from ..body.slices import run_to_end
from ..rig.bone_maps import Part
from ..rig.rig_description import Control, RigDescription, RigMotion
from ..rig.rig_options import RigOptions
from .hip_height import height_correction, position_correction
from .part_rotations import (
    Limb,
    chest_turn,
    collar_turn,
    direction,
    foot_rotations,
    hip_centre,
    limb_rotations,
    neck_rotation,
    partial_rotation,
    pelvis_turn,
)
from .twist_distribution import shared
from .two_bone_ik import reach


def solve(
    rig: RigDescription, joints: Array, fps: float = 20.0, options: RigOptions | None = None
) -> RigMotion:
    """The rig's channels for a motion.

    Args:
        rig: where the motion goes.
        joints: (T, 22, 3) metres, y up; place and heading count.
        fps: frames a second, for the smoothing of hinges and heights.
        options: what is pinned.
    """
    return run_to_end(solve_slices(rig, joints, fps, options))


def solve_slices(
    rig: RigDescription, joints: Array, fps: float = 20.0, options: RigOptions | None = None
) -> Generator[None, None, RigMotion]:
    """``solve`` in slices of a few milliseconds, for a caller that has other things to do."""
    joints = np.asarray(joints, dtype=np.float64)
    options = options or RigOptions()
    turns = yield from _turn_steps(rig, joints, fps)
    hips = _hips(rig, joints, turns, fps)
    yield
    if options.pin_feet or options.pin_hands:
        yield from _pin_steps(rig, joints, hips, turns, fps, options)
    by_control = control_rotations(rig, turns)
    yield
    rotations: dict[str, Array] = {}
    for control in rig.controls:
        rotations[control.name] = _basis(control, by_control)
        if len(rotations) % 8 == 0:
            yield
    for name in rig.extras:
        rotations[name] = np.broadcast_to(IDENTITY, (len(joints), 4)).copy()
    yield
    rotations |= _twisted(rig, rotations)
    root = next(c for c in rig.controls if c.name == rig.root)
    return RigMotion(
        rotations=rotations,
        root=rig.root,
        locations=_root_locations(rig, root, hips, turns),
        fps=fps,
        root_rest=root.rest,
        root_head=rig.root_head,
        scale=rig.scale,
    )


def _turn_steps(
    rig: RigDescription, joints: Array, fps: float
) -> Generator[None, None, dict[Part, Array]]:
    """The turn (T, 4) away from rest of each part of the body, a slice a limb."""
    turns = {Part.PELVIS: pelvis_turn(joints), Part.CHEST: chest_turn(joints)}
    turns[Part.NECK] = neck_rotation(joints, turns[Part.CHEST])
    turns[Part.HEAD] = turns[Part.NECK]
    has = {c.part for c in rig.controls}
    for side in SIDES:
        collar = Part(f"collar_{side.lower()}")
        chest = turns[Part.CHEST]
        turns[collar] = collar_turn(joints, chest, side) if collar in has else chest
        yield
        _solve_arm(rig, _bones(joints, side, False), turns, side, fps)
        yield
        _solve_leg(rig, joints, _bones(joints, side, True), turns, side, fps)
    return turns


def _pin_steps(
    rig: RigDescription,
    joints: Array,
    hips: Array,
    turns: dict[Part, Array],
    fps: float,
    options: RigOptions,
) -> Generator[None, None, None]:
    """Turn limbs once more so that feet, hands or both come to the motion's places."""
    wanted = rig.scale * joints
    for side in SIDES:
        if options.pin_feet:
            hip, knee, ankle = of_side(side, "HIP", "KNEE", "ANKLE")
            offset = rig.points[hip] - rig.hip_centre
            start = hips + rotate(turns[Part.PELVIS], np.broadcast_to(offset, hips.shape))
            target = wanted[:, ankle].copy()
            above = rig.scale * np.maximum(joints[:, ankle, 1] - ANKLE_HEIGHT, 0.0)
            target[:, 1] = rig.points[ankle][1] + above
            bones = reach(
                start, target, _lengths(rig, hip, knee, ankle), _bones(joints, side, True)
            )
            _solve_leg(rig, joints, bones, turns, side, fps)
            yield
        if options.pin_hands:
            shoulder, elbow, wrist = of_side(side, "SHOULDER", "ELBOW", "WRIST")
            start = _part_places(rig, hips, turns)[Part(f"upper_arm_{side.lower()}")]
            bones = reach(
                start,
                wanted[:, wrist],
                _lengths(rig, shoulder, elbow, wrist),
                _bones(joints, side, False),
            )
            _solve_arm(rig, bones, turns, side, fps)
            yield


def _part_places(rig: RigDescription, hips: Array, turns: dict[Part, Array]) -> dict[Part, Array]:
    """Where each part begins, (T, 3), the last bone of a chain counting."""
    by_control = control_rotations(rig, turns)
    centre = rig.hip_centre
    places: dict[str, Array] = {}
    out: dict[Part, Array] = {}
    for control in rig.controls:
        parent = control.parent
        if parent is None:
            start, last, turn = hips, centre, turns[Part.PELVIS]
        else:
            start, turn = places[parent], by_control[parent]
            last = next(c.head for c in rig.controls if c.name == parent)
        step = np.broadcast_to(control.head - last, hips.shape)
        places[control.name] = out[control.part] = start + rotate(turn, step)
    return out


def _lengths(rig: RigDescription, *chain: Joint) -> tuple[float, float]:
    start, middle, end = (rig.points[j] for j in chain)
    return float(np.linalg.norm(middle - start)), float(np.linalg.norm(end - middle))


def _bones(joints: Array, side: str, is_leg: bool) -> tuple[Array, Array]:
    """Unit directions ((T, 3), (T, 3)) of a limb's upper and lower bone in the motion."""
    names = ("HIP", "KNEE", "ANKLE") if is_leg else ("SHOULDER", "ELBOW", "WRIST")
    start, middle, end = of_side(side, *names)
    return direction(joints, start, middle), direction(joints, middle, end)


def control_rotations(rig: RigDescription, turns: dict[Part, Array]) -> dict[str, Array]:
    """The turn (T, 4) of each control; chains share out the way between two parts."""
    lower = {Part.SPINE: Part.PELVIS, Part.NECK: Part.CHEST}
    upper = {Part.SPINE: Part.CHEST, Part.NECK: Part.NECK}
    return {
        c.name: partial_rotation(turns[lower[c.part]], turns[upper[c.part]], c.share)
        if c.part in lower
        else turns[c.part]
        for c in rig.controls
    }


def _basis(control: Control, turns: dict[str, Array]) -> Array:
    """Local basis quaternions (T, 4) of a control; the turns are those away from rest."""
    turn = turns[control.name]
    if control.parent is not None:
        turn = multiply(inverse(turns[control.parent]), turn)
    return continuous(local_basis(turn, control.rest))


def _twisted(rig: RigDescription, rotations: dict[str, Array]) -> dict[str, Array]:
    """Basis rotations of upper arms and thighs with twist bones, and of these."""
    out: dict[str, Array] = {}
    for control in rig.controls:
        bones = [bone for bone in rig.twists if bone.control == control.name]
        side = control.part.side.upper()
        if bones and control.part.base in ("thigh", "upper_arm"):
            is_leg = control.part.base == "thigh"
            chain = ("HIP", "KNEE", "ANKLE") if is_leg else ("SHOULDER", "ELBOW", "WRIST")
            rest = _rest_bones(rig, *of_side(side, *chain))
            limb = Limb.leg() if is_leg else Limb.arm(side)
            own, others = shared(rotations[control.name], control.rest, rest, limb, bones)
            out |= {control.name: own, **others}
    return out


def _rest_bones(rig: RigDescription, *chain: Joint) -> tuple[Array, Array]:
    """Unit directions ((3,), (3,)) of a limb's two bones at rest."""
    start, middle, end = (rig.points[j] for j in chain)
    return normalise(middle - start), normalise(end - middle)


def _solve_arm(
    rig: RigDescription,
    bones: tuple[Array, Array],
    turns: dict[Part, Array],
    side: str,
    fps: float,
) -> None:
    s = side.lower()
    rest = _rest_bones(rig, *of_side(side, "SHOULDER", "ELBOW", "WRIST"))
    upper, lower = limb_rotations(turns[Part(f"collar_{s}")], rest, bones, Limb.arm(side), fps)
    turns[Part(f"upper_arm_{s}")] = upper
    turns[Part(f"forearm_{s}")] = lower
    turns[Part(f"hand_{s}")] = lower  # the data knows no wrist: the hand follows the forearm


def _solve_leg(
    rig: RigDescription,
    joints: Array,
    bones: tuple[Array, Array],
    turns: dict[Part, Array],
    side: str,
    fps: float,
) -> None:
    s = side.lower()
    rest = _rest_bones(rig, *of_side(side, "HIP", "KNEE", "ANKLE"))
    upper, lower = limb_rotations(turns[Part.PELVIS], rest, bones, Limb.leg(), fps)
    turns[Part(f"thigh_{s}")] = upper
    turns[Part(f"shin_{s}")] = lower
    ankle, toe = of_side(side, "ANKLE", "FOOT")
    level = (rig.points[toe] - rig.points[ankle]) * np.array([1.0, 0.0, 1.0])
    foot, toes = foot_rotations(joints, lower, side, normalise(level), fps)
    turns[Part(f"foot_{s}")] = foot
    turns[Part(f"toe_{s}")] = toes


def _hips(rig: RigDescription, joints: Array, turns: dict[Part, Array], fps: float) -> Array:
    """Where the point between the hips comes to be, (T, 3) in the rig's unit."""
    hips = rig.scale * hip_centre(joints)
    hips[:, 1] += rig.ankle_lift
    feet = _feet(rig, joints, hips, turns)
    wanted = rig.scale * joints[:, FEET]
    wanted[..., 1] -= rig.scale * USUAL_HEIGHTS
    hips = hips + position_correction(feet, wanted, rig.leg, fps)
    hips[:, 1] += height_correction(feet[..., 1], _wanted_heights(rig, joints), rig.leg, fps)
    return hips


def _root_locations(
    rig: RigDescription, root: Control, hips: Array, turns: dict[Part, Array]
) -> Array:
    """Basis locations (T, 3) of the root that put the hips in their place."""
    offset = np.broadcast_to(rig.hip_centre - rig.root_head, hips.shape)
    moved = hips - rotate(turns[root.part], offset) - rig.root_head
    return rotate(np.broadcast_to(inverse(root.rest), (len(hips), 4)), moved)


#: Both feet's points, in the order of ``_feet``.
FEET: Final = (Joint.L_ANKLE, Joint.L_FOOT, Joint.R_ANKLE, Joint.R_FOOT)
#: Their heights in metres when the model stands.
USUAL_HEIGHTS: Final = np.array([ANKLE_HEIGHT, 0.0] * 2)


def _feet(rig: RigDescription, joints: Array, hips: Array, turns: dict[Part, Array]) -> Array:
    """Where the rig's ankles and toes come to be, (T, 4, 3), its hips (T, 3) being here."""
    out: list[Array] = []
    for side in SIDES:
        s = side.lower()
        chain = of_side(side, "HIP", "KNEE", "ANKLE", "FOOT")
        carriers = (Part.PELVIS, Part(f"thigh_{s}"), Part(f"shin_{s}"), Part(f"foot_{s}"))
        place, last = hips, rig.hip_centre
        for joint, carrier in zip(chain, carriers, strict=True):
            step = np.broadcast_to(rig.points[joint] - last, hips.shape)
            place, last = place + rotate(turns[carrier], step), rig.points[joint]
            if joint in FEET:
                out.append(place)
    return np.stack(out, axis=1)


def _wanted_heights(rig: RigDescription, joints: Array) -> Array:
    """Heights (T, 4) of ankles and toes as the motion has them, on the rig's own soles."""
    rest = np.array([rig.points[j][1] for j in FEET])
    return rest + rig.scale * np.maximum(joints[:, FEET, 1] - USUAL_HEIGHTS, 0.0)

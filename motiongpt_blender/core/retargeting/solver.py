"""Retargeting: the channels of a rig's controls from joint positions, in plain numpy.

A rig is described once (``RigDescription``, rest data in model axes: x left, y up, z
forward), and a motion is solved for all frames together. Each part of the body gets its
global rotation away from rest; a control's own rotation is that rotation relative to its
parent. So A-poses, T-poses and bone rolls need no cases of their own.
"""

from __future__ import annotations

from collections.abc import Generator
from typing import Final

import numpy as np

from ..body.neutral_pose import ANKLE_HEIGHT
from ..body.rotations import (
    IDENTITY,
    UP,
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
from ..rig.part_joints import part_at, part_moving, side_parts
from ..rig.rig_description import Control, RigDescription, RigMotion
from ..rig.rig_options import RigOptions
from .hip_height import height_correction, position_correction, smooth_envelope
from .part_rotations import (
    Limb,
    chest_rotation,
    collar_rotation,
    direction,
    foot_rotations,
    hip_centre,
    level_direction,
    limb_rotations,
    neck_rotation,
    partial_rotation,
    pelvis_rotation,
)
from .stance import (
    ankle_target,
    missing_reach,
    missing_room,
    nearness,
    roll_share,
    stance_heading,
    stance_share,
)
from .twist_distribution import distribute_twist
from .two_bone_ik import solve_limb

#: Points of both feet that are kept near the floor.
FEET: Final = (Joint.L_ANKLE, Joint.L_FOOT, Joint.R_ANKLE, Joint.R_FOOT)
#: How much each counts where a standing foot is kept in its place: a foot stands on its toe last.
POINT_COUNTS: Final = np.array([1.0, 3.0] * 2)
#: Metres of the model by which one of them may be under the floor.
MAX_SINK: Final = 0.025
#: Their heights in metres when the model stands.
STANDING_HEIGHTS: Final = np.array([ANKLE_HEIGHT, 0.0] * 2)

Rotations = dict[Part, Array]


def solve(
    rig: RigDescription, joints: Array, fps: float = 20.0, options: RigOptions | None = None
) -> RigMotion:
    """The rig's channels for a motion.

    Args:
        rig: the rig to animate.
        joints: (T, 22, 3) metres, y up; position and heading count.
        fps: frames a second, for the smoothing of twists and heights.
        options: whether feet and hands are pinned.
    """
    return run_to_end(solve_slices(rig, joints, fps, options))


def solve_slices(
    rig: RigDescription, joints: Array, fps: float = 20.0, options: RigOptions | None = None
) -> Generator[None, None, RigMotion]:
    """``solve`` in slices of a few milliseconds."""
    joints = np.asarray(joints, dtype=np.float64)
    options = options or RigOptions()
    rotations = yield from _part_rotation_slices(rig, joints, fps)
    hips = _scaled_hips(rig, joints)
    if stance_share(rig) > 0:
        hips = yield from _aim_leg_slices(rig, joints, hips, rotations, fps)
    hips = _corrected_hips(rig, joints, hips, rotations, fps)
    yield
    if options.pin_feet:
        yield from _pin_feet_slices(rig, joints, hips, rotations, fps)
    if options.pin_hands:
        yield from _pin_hands_slices(rig, joints, hips, rotations, fps)
    by_control = control_rotations(rig, rotations)
    yield
    basis: dict[str, Array] = {}
    for control in rig.controls:
        basis[control.name] = _basis(control, by_control)
        if len(basis) % 8 == 0:
            yield
    for name in rig.extras:
        basis[name] = np.broadcast_to(IDENTITY, (len(joints), 4)).copy()
    yield
    basis |= _distribute_twists(rig, basis)
    root = next(c for c in rig.controls if c.name == rig.root)
    return RigMotion(
        rotations=basis,
        root=rig.root,
        locations=_root_locations(rig, root, hips, rotations),
        fps=fps,
        root_rest=root.rest,
        root_head=rig.root_head,
        scale=rig.scale,
        unparented={c.name: c.rest for c in rig.controls if c.parent is None and c is not root},
    )


def _part_rotation_slices(
    rig: RigDescription, joints: Array, fps: float
) -> Generator[None, None, Rotations]:
    """The rotation (T, 4) away from rest of each part of the body, a slice a limb."""
    chest = chest_rotation(joints)
    rotations = {Part.PELVIS: pelvis_rotation(joints), Part.CHEST: chest}
    rotations[Part.NECK] = rotations[Part.HEAD] = neck_rotation(joints, chest)
    present = {c.part for c in rig.controls}
    for side in SIDES:
        (collar,) = side_parts(side, "collar")
        rotations[collar] = collar_rotation(joints, chest, side) if collar in present else chest
        yield
        _set_arm(rig, _limb_directions(joints, side, Limb.arm(side)), rotations, side, fps)
        yield
        _set_leg(rig, joints, _limb_directions(joints, side, Limb.leg()), rotations, side, fps)
    return rotations


def _aim_leg_slices(
    rig: RigDescription, joints: Array, hips: Array, rotations: Rotations, fps: float
) -> Generator[None, None, Array]:
    """Rotate the legs of unusually wide or narrow hips towards places beside the motion's feet.

    Returns the hips (T, 3), raised where a leg would be folded too far and lowered where it
    could not reach.
    """
    share, pelvis = stance_share(rig), rotations[Part.PELVIS]
    legs: list[tuple[Array, Array, float]] = []
    rise, drop = np.zeros(len(joints)), np.zeros(len(joints))
    for side in SIDES:
        hip, _, _ = chain = of_side(side, *Limb.leg().joints)
        seen, lengths = _limb_directions(joints, side, Limb.leg()), _bone_lengths(rig, *chain)
        start = hips + rotate(pelvis, rig.points[hip] - rig.hip_centre)
        span = lengths[0] * seen[0] + lengths[1] * seen[1]
        yaw = stance_heading(joints, pelvis, side, fps)
        foot = rotations[side_parts(side, "foot")[0]]
        aimed = ankle_target(rig, joints, foot, yaw, side)
        near = share * nearness(joints, side)[:, None]
        target = start + span + near * (aimed - start - span)
        folded, length = np.linalg.norm(span, axis=-1), sum(lengths)
        rise = np.maximum(rise, missing_room(start, target, folded, length))
        legs.append((start, target, length))
        yield
    lift = smooth_envelope(rise, fps)[:, None] * UP
    for start, target, length in legs:
        drop = np.maximum(drop, missing_reach(start + lift, target, length))
    hips = hips + lift - smooth_envelope(drop, fps)[:, None] * UP
    for side, (_, target, _) in zip(SIDES, legs, strict=True):
        hip, _, _ = chain = of_side(side, *Limb.leg().joints)
        start = hips + rotate(pelvis, rig.points[hip] - rig.hip_centre)
        seen, lengths = _limb_directions(joints, side, Limb.leg()), _bone_lengths(rig, *chain)
        bones = solve_limb(start, target, lengths, seen)
        _set_leg(rig, joints, bones, rotations, side, fps)
        yield
    return hips


def _pin_feet_slices(
    rig: RigDescription, joints: Array, hips: Array, rotations: Rotations, fps: float
) -> Generator[None, None, None]:
    """Rotate the legs once more so that the feet reach the motion's foot positions."""
    for side in SIDES:
        hip, _, ankle = chain = of_side(side, *Limb.leg().joints)
        start = hips + rotate(rotations[Part.PELVIS], rig.points[hip] - rig.hip_centre)
        target = rig.scale * joints[:, ankle]
        above = rig.scale * np.maximum(joints[:, ankle, 1] - ANKLE_HEIGHT, 0.0)
        target[:, 1] = rig.points[ankle][1] + above
        seen = _limb_directions(joints, side, Limb.leg())
        bones = solve_limb(start, target, _bone_lengths(rig, *chain), seen)
        _set_leg(rig, joints, bones, rotations, side, fps)
        yield


def _pin_hands_slices(
    rig: RigDescription, joints: Array, hips: Array, rotations: Rotations, fps: float
) -> Generator[None, None, None]:
    """Rotate the arms once more so that the hands reach the motion's hand positions."""
    for side in SIDES:
        limb = Limb.arm(side)
        shoulder, _, wrist = chain = of_side(side, *limb.joints)
        start = _part_positions(rig, hips, rotations)[part_at(shoulder)]
        seen = _limb_directions(joints, side, limb)
        target = rig.scale * joints[:, wrist]
        bones = solve_limb(start, target, _bone_lengths(rig, *chain), seen)
        _set_arm(rig, bones, rotations, side, fps)
        yield


def _part_positions(rig: RigDescription, hips: Array, rotations: Rotations) -> dict[Part, Array]:
    """Where each part begins, (T, 3), the last bone of a chain counting."""
    by_control = control_rotations(rig, rotations)
    heads = {c.name: c.head for c in rig.controls}
    positions: dict[str, Array] = {}
    out: dict[Part, Array] = {}
    for control in rig.controls:
        parent = control.parent
        if parent is None:
            start, head, rotation = hips, rig.hip_centre, rotations[Part.PELVIS]
        else:
            start, head, rotation = positions[parent], heads[parent], by_control[parent]
        position = start + rotate(rotation, control.head - head)
        positions[control.name] = out[control.part] = position
    return out


def _bone_lengths(rig: RigDescription, *chain: Joint) -> tuple[float, float]:
    start, middle, end = (rig.points[j] for j in chain)
    return float(np.linalg.norm(middle - start)), float(np.linalg.norm(end - middle))


def _limb_directions(joints: Array, side: str, limb: Limb) -> tuple[Array, Array]:
    """Unit directions ((T, 3), (T, 3)) of a limb's upper and lower bone in the motion."""
    start, middle, end = of_side(side, *limb.joints)
    return direction(joints, start, middle), direction(joints, middle, end)


def _rest_directions(rig: RigDescription, side: str, limb: Limb) -> tuple[Array, Array]:
    """Unit directions ((3,), (3,)) of a limb's two bones at rest."""
    start, middle, end = (rig.points[j] for j in of_side(side, *limb.joints))
    return normalise(middle - start), normalise(end - middle)


def control_rotations(rig: RigDescription, rotations: Rotations) -> dict[str, Array]:
    """The global rotation (T, 4) of each control; the bones of a chain share it out."""
    lower = {Part.SPINE: Part.PELVIS, Part.NECK: Part.CHEST}
    upper = {Part.SPINE: Part.CHEST, Part.NECK: Part.NECK}
    return {
        c.name: partial_rotation(rotations[lower[c.part]], rotations[upper[c.part]], c.share)
        if c.part in lower
        else rotations[c.part]
        for c in rig.controls
    }


def _basis(control: Control, rotations: dict[str, Array]) -> Array:
    """Basis rotations (T, 4) of a control, from global rotations by control."""
    rotation = rotations[control.name]
    if control.parent is not None:
        rotation = multiply(inverse(rotations[control.parent]), rotation)
    return continuous(local_basis(rotation, control.rest))


def _distribute_twists(rig: RigDescription, basis: dict[str, Array]) -> dict[str, Array]:
    """Basis rotations of the upper arms and thighs that have twist bones, and of these."""
    out: dict[str, Array] = {}
    for control in rig.controls:
        bones = [bone for bone in rig.twists if bone.control == control.name]
        if bones and control.part.base in ("thigh", "upper_arm"):
            side = control.part.side.upper()
            limb = Limb.leg() if control.part.base == "thigh" else Limb.arm(side)
            rest = _rest_directions(rig, side, limb)
            own, twists = distribute_twist(basis[control.name], control.rest, rest, limb, bones)
            out |= {control.name: own, **twists}
    return out


def _set_arm(
    rig: RigDescription,
    bones: tuple[Array, Array],
    rotations: Rotations,
    side: str,
    fps: float,
) -> None:
    """Set an arm's rotations from the directions of its bones."""
    limb = Limb.arm(side)
    collar, upper_arm, forearm, hand = side_parts(side, "collar", "upper_arm", "forearm", "hand")
    rest = _rest_directions(rig, side, limb)
    upper, lower = limb_rotations(rotations[collar], rest, bones, limb, fps)
    rotations[upper_arm] = upper
    # The model has no hand: the hand follows the forearm.
    rotations[forearm] = rotations[hand] = lower


def _set_leg(
    rig: RigDescription,
    joints: Array,
    bones: tuple[Array, Array],
    rotations: Rotations,
    side: str,
    fps: float,
) -> None:
    """Set the rotations of a leg, its foot and its toes from the directions of its bones."""
    thigh, shin, foot, toes = side_parts(side, "thigh", "shin", "foot", "toe")
    rest = _rest_directions(rig, side, Limb.leg())
    upper, lower = limb_rotations(rotations[Part.PELVIS], rest, bones, Limb.leg(), fps)
    rotations[thigh], rotations[shin] = upper, lower
    ankle, toe = of_side(side, "ANKLE", "FOOT")
    forward = level_direction(rig.points[toe] - rig.points[ankle])
    rotations[foot], rotations[toes] = foot_rotations(
        joints, lower, side, forward, fps, roll_share(rig, side)
    )


def _scaled_hips(rig: RigDescription, joints: Array) -> Array:
    """Positions (T, 3) of the point between the hips as the motion has them, in the rig's unit."""
    hips = rig.scale * hip_centre(joints)
    hips[:, 1] += rig.ankle_lift
    return hips


def _corrected_hips(
    rig: RigDescription, joints: Array, hips: Array, rotations: Rotations, fps: float
) -> Array:
    """The hips (T, 3) moved so that standing feet stay in place and low feet at their height."""
    feet = _foot_positions(rig, hips, rotations)
    wanted = rig.scale * joints[:, FEET]
    wanted[..., 1] -= rig.scale * STANDING_HEIGHTS
    tied = 1 - 0.9 * stance_share(rig)
    hips = hips + position_correction(feet, wanted, rig.leg, fps, tied, POINT_COUNTS)
    lift = height_correction(feet[..., 1], _wanted_heights(rig, joints), rig.leg, fps)
    lowest = np.array([rig.points[j][1] for j in FEET]) - MAX_SINK * rig.scale
    under = np.maximum(lowest - feet[..., 1] - lift[:, None], 0.0).max(1)
    hips[:, 1] += lift + smooth_envelope(under, fps)
    return hips


def _root_locations(rig: RigDescription, root: Control, hips: Array, rotations: Rotations) -> Array:
    """Basis locations (T, 3) of the root with which the hips are at their positions."""
    moved = hips - rotate(rotations[root.part], rig.hip_centre - rig.root_head) - rig.root_head
    return rotate(inverse(root.rest), moved)


def _foot_positions(rig: RigDescription, hips: Array, rotations: Rotations) -> Array:
    """Positions (T, 4, 3) of the rig's ankles and toes, its hips being at (T, 3)."""
    out: dict[Joint, Array] = {}
    for side in SIDES:
        position, last = hips, rig.hip_centre
        for joint in of_side(side, "HIP", "KNEE", "ANKLE", "FOOT"):
            offset = rig.points[joint] - last
            position = position + rotate(rotations[part_moving(joint)], offset)
            out[joint], last = position, rig.points[joint]
    return np.stack([out[joint] for joint in FEET], axis=1)


def _wanted_heights(rig: RigDescription, joints: Array) -> Array:
    """Heights (T, 4) of ankles and toes as the motion has them, on the rig's own soles."""
    rest = np.array([rig.points[j][1] for j in FEET])
    return rest + rig.scale * np.maximum(joints[:, FEET, 1] - STANDING_HEIGHTS, 0.0)

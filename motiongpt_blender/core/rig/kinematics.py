"""Forward kinematics: positions and rotations of a rig's controls, from its channels.

The only forward kinematics of the add-on, in plain numpy. Axes are the model's (x left, y up,
z forward), lengths are the rig's own, heights are measured from its floor.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

from ..body.rotations import (
    IDENTITY,
    UP,
    Array,
    continuous,
    from_local_basis,
    inverse,
    local_basis,
    multiply,
    rotate,
)
from ..body.skeleton import Joint
from .bone_maps import Part
from .part_joints import part_at, part_moving
from .rig_description import Control, RigDescription, RigMotion


@dataclass(frozen=True)
class PosedRig:
    """A rig's controls over time, in model axes.

    Attributes:
        rotations: control -> (T, 4) global rotation away from rest; of a limb with twist
            bones in the chain, the rotation below these.
        positions: control -> (T, 3) where its part begins.
    """

    rotations: dict[str, Array]
    positions: dict[str, Array]


def forward_kinematics(rig: RigDescription, motion: RigMotion) -> PosedRig:
    """The rig posed by a motion's channels; extra controls are left out."""
    return pose_rig(rig, motion.rotations, motion.locations)


def pose_rig(rig: RigDescription, basis: Mapping[str, Array], locations: Array) -> PosedRig:
    """The rig posed by basis rotations (T, 4) by control and basis locations (T, 3) of its root."""
    rotations: dict[str, Array] = {}
    positions: dict[str, Array] = {}
    heads = {c.name: c.head for c in rig.controls}
    for control in rig.controls:
        rotation = from_local_basis(basis[control.name], control.rest)
        if control.parent is not None:
            rotation = multiply(rotations[control.parent], rotation)
        if control.twist_bones:
            rotation = multiply(rotation, twist_below(rig, control, basis))
        rotations[control.name] = rotation
        if control.name == rig.root:
            position = rig.root_head + rotate(control.rest, locations)
            offset = rotate(rotation, control.head - rig.root_head)
        else:
            carrier = control.carrier or control.parent or rig.root
            position = positions[carrier]
            offset = rotate(rotations[carrier], control.head - heads[carrier])
        positions[control.name] = position + offset
    return PosedRig(rotations, positions)


def control_of(rig: RigDescription, part: Part) -> Control | None:
    """The control that rotates a part, the last one of a chain; None where there is none."""
    found = [c for c in rig.controls if c.part is part]
    return found[-1] if found else None


def controls_of(rig: RigDescription, *parts: Part) -> tuple[Control, ...]:
    """The controls of parts that the rig is known to have."""
    found = [control_of(rig, part) for part in parts]
    controls = tuple(control for control in found if control is not None)
    assert len(controls) == len(parts), f"a part of {parts} has no control"
    return controls


def joint_position(rig: RigDescription, posed: PosedRig, joint: Joint) -> Array:
    """Position (T, 3) of a joint of an arm or a leg; a toe without a bone is its foot's end."""
    # A toe moves with its foot, and a wrist without a hand with its forearm.
    moving = joint.name.endswith("_FOOT")
    carrier = None if moving else control_of(rig, part_at(joint))
    carrier = carrier or control_of(rig, part_moving(joint))
    assert carrier is not None
    offset = rig.points[joint] - carrier.head
    return posed.positions[carrier.name] + rotate(posed.rotations[carrier.name], offset)


def twist_below(rig: RigDescription, control: Control, basis: Mapping[str, Array]) -> Array:
    """Rotation, (T, 4) or (4,), of the twist bones between a control and the next part.

    Args:
        rig: the control's rig.
        control: a control of a limb.
        basis: bone -> basis rotation, (T, 4) or (4,); bones that are absent are at rest.
    """
    rotation = IDENTITY
    for name in control.twist_bones:
        one = from_local_basis(basis.get(name, IDENTITY), rig.extras[name])
        rotation = multiply(rotation, one)
    return rotation


def basis_rotation(
    rig: RigDescription,
    control: Control,
    rotations: Mapping[str, Array],
    basis: Mapping[str, Array],
) -> Array:
    """Basis rotations (T, 4) with which a control has its global rotation.

    Args:
        rig: the control's rig.
        control: which one.
        rotations: control -> (T, 4) global rotation away from rest, as in ``PosedRig``.
        basis: bone -> (T, 4) basis rotation, for the twist bones.
    """
    rotation = rotations[control.name]
    if control.parent is not None:
        rotation = multiply(inverse(rotations[control.parent]), rotation)
    if control.twist_bones:
        rotation = multiply(rotation, inverse(twist_below(rig, control, basis)))
    return local_basis(rotation, control.rest)


def root_transform(motion: RigMotion) -> tuple[Array, Array]:
    """Rotation (T, 4) away from rest and position (T, 3) of the root's head, model axes."""
    rotations = from_local_basis(motion.rotations[motion.root], motion.root_rest)
    return rotations, motion.root_head + rotate(motion.root_rest, motion.locations)


def with_root_transform(motion: RigMotion, rotations: Array, positions: Array) -> RigMotion:
    """The motion with another root rotation (T, 4) and position (T, 3), model axes.

    What hangs on no control turns along, as the rest of the body does.
    """
    changed = dict(motion.rotations)
    changed[motion.root] = continuous(local_basis(rotations, motion.root_rest))
    if motion.unparented:
        turn = multiply(rotations, inverse(root_transform(motion)[0]))
        for name, rest in motion.unparented.items():
            turned = multiply(turn, from_local_basis(motion.rotations[name], rest))
            changed[name] = continuous(local_basis(turned, rest))
    locations = rotate(inverse(motion.root_rest), positions - motion.root_head)
    return replace(motion, rotations=changed, locations=locations)


def local_up(motion: RigMotion) -> Array:
    """The vertical (3,) in the axes of the root's basis locations."""
    return rotate(inverse(motion.root_rest), UP)


def raise_root(motion: RigMotion, height: Array) -> Array:
    """Basis locations (T, 3) of a motion's root, raised by heights (T,)."""
    return motion.locations + rotate(inverse(motion.root_rest), height[:, None] * UP)

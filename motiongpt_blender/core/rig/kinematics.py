"""Where a rig's controls are and how they are turned, from its channels: plain numpy.

The one forward kinematics of the add-on. Axes are the model's (x left, y up, z forward),
lengths the rig's own, heights measured from its floor.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

import numpy as np

from ..body.rotations import IDENTITY, Array, inverse, local_basis, multiply, rotate
from ..body.skeleton import Joint
from .bone_maps import Part
from .rig_description import Control, RigDescription, RigMotion

#: The part that begins at a joint.
BEGINS: Final[dict[str, str]] = {
    "HIP": "thigh", "KNEE": "shin", "ANKLE": "foot", "FOOT": "toe",
    "SHOULDER": "upper_arm", "ELBOW": "forearm", "WRIST": "hand",
}  # fmt: skip


@dataclass(frozen=True)
class PosedRig:
    """A rig in motion.

    Attributes:
        turns: control -> (T, 4) turn away from rest, seen from the armature; of a limb with
            twist bones in the chain, the turn below these.
        places: control -> (T, 3) where its part begins.
    """

    turns: dict[str, Array]
    places: dict[str, Array]


def forward_kinematics(rig: RigDescription, motion: RigMotion) -> PosedRig:
    """The figure that a motion's channels show; extra controls are left out."""
    return pose_rig(rig, motion.rotations, motion.locations)


def pose_rig(rig: RigDescription, rotations: Mapping[str, Array], locations: Array) -> PosedRig:
    """The figure of basis rotations (T, 4) by control and basis locations (T, 3) of the root."""
    turns: dict[str, Array] = {}
    places: dict[str, Array] = {}
    heads = {c.name: c.head for c in rig.controls}
    for control in rig.controls:
        rest = control.rest
        turn = multiply(multiply(rest, rotations[control.name]), inverse(rest))
        carrier = control.carrier or control.parent or rig.root
        if control.parent is not None:
            turn = multiply(turns[control.parent], turn)
        if control.below:
            turn = multiply(turn, twist_below(rig, control, rotations))
        turns[control.name] = turn
        if control.name == rig.root:
            place, step = rig.root_head + rotate(rest, locations), control.head - rig.root_head
            places[control.name] = place + rotate(turn, step)
        else:
            step = control.head - heads[carrier]
            places[control.name] = places[carrier] + rotate(turns[carrier], step)
    return PosedRig(turns, places)


def control_of(rig: RigDescription, part: Part) -> Control | None:
    """The control that turns a part, the last one of a chain; None when there is none."""
    found = [c for c in rig.controls if c.part is part]
    return found[-1] if found else None


def joint_position(rig: RigDescription, figure: PosedRig, joint: Joint) -> Array:
    """Where (T, 3) a joint of an arm or a leg is; a toe without a bone is its foot's end."""
    side, base = joint.name.split("_")
    if base == "FOOT":
        carrier = control_of(rig, Part(f"foot_{side.lower()}"))
    else:
        carrier = control_of(rig, Part(f"{BEGINS[base]}_{side.lower()}"))
        if carrier is None:  # hands may have no bone: the forearm carries the wrist
            carrier = control_of(rig, Part(f"forearm_{side.lower()}"))
    assert carrier is not None
    step = rig.points[joint] - carrier.head
    return figure.places[carrier.name] + rotate(figure.turns[carrier.name], step)


def twist_below(rig: RigDescription, control: Control, rotations: Mapping[str, Array]) -> Array:
    """What the twist bones below a control turn, (T, 4) or (4,), of basis rotations by bone."""
    turn = IDENTITY
    for name in control.below:
        rest = rig.extras[name]
        basis = rotations.get(name, IDENTITY)
        turn = multiply(turn, multiply(multiply(rest, basis), inverse(rest)))
    return turn


def basis_rotation(
    rig: RigDescription,
    control: Control,
    turns: Mapping[str, Array],
    rotations: Mapping[str, Array],
) -> Array:
    """Basis rotations (T, 4) that give a control its turn, all others having theirs.

    Args:
        rig: whose control it is.
        control: which one.
        turns: control -> (T, 4) turn away from rest, as in ``Figure``.
        rotations: bone -> (T, 4) basis rotation, for the twist bones.
    """
    turn = turns[control.name]
    if control.parent is not None:
        turn = multiply(inverse(turns[control.parent]), turn)
    if control.below:
        turn = multiply(turn, inverse(twist_below(rig, control, rotations)))
    return local_basis(turn, control.rest)


def raised(motion_rest: Array, locations: Array, height: Array) -> Array:
    """Basis locations (T, 3) of a root of this rest rotation (4,), lifted by heights (T,)."""
    up = np.stack([0 * height, height, 0 * height], axis=-1)
    return locations + rotate(inverse(motion_rest), up)

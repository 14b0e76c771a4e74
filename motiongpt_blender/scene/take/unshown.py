"""What a rig does not show of a take: how far its bones are from where the keys put them.

Constraints that carry bones, drivers and uneven scales stay while a take plays. Where a rig has
such, some frames of the take are evaluated and compared with the motion.
"""

from __future__ import annotations

from collections.abc import Generator, Iterator, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

import bpy
import numpy as np

from ...core.body.rotations import Array, angle_between, inverse, multiply, rotate
from ...core.rig.kinematics import PosedRig, forward_kinematics
from ...core.rig.rig_description import RigDescription, RigMotion
from ...core.rig.rig_options import RigOptions, RootTarget
from ...core.translation import msgid, tr
from ..access import TRANSFORM_PROPERTIES, evaluated, pose_bones
from ..pose.capture import body_rotations
from ..rig.opposing_constraints import carrying_constraints, is_driven, opposing_constraints
from ..rig.rig_warnings import listed
from ..rig.root_bones import moved_bones
from ..scene_time import preserving_frame

#: Degrees, and centimetres of the model, below which nothing is said.
TOLERANCE: Final = 3.0
#: Frames of a take that are compared.
FRAMES: Final = 5
#: Least share of its greatest scale that a bone's smallest one may have.
_EVEN: Final = 0.99
#: A scale that is next to nothing.
_VANISHING: Final = 0.01


class Cause(StrEnum):
    """Why a bone may not show its keys; the words tell it, and what to do."""

    CARRIED = msgid(
        "Constraints carry {bones} while the take plays: what is shown differs from the take by "
        "up to {distance}; mute them to see it as it was made."
    )
    DRIVEN_CONSTRAINT = msgid(
        "Drivers hold the constraints on {bones}: what is shown differs from the take by up to "
        "{distance}; mute these constraints to see it."
    )
    DRIVEN = msgid(
        "Drivers hold {bones}, which the take keys: what is shown differs from the take by up to "
        "{distance}; mute these drivers to see it."
    )
    SCALED = msgid(
        "The scale of {bones} bends what they carry: what is shown differs from the take by up to "
        "{distance}; set it to 1 on all axes to see the take."
    )


@dataclass(frozen=True)
class Suspect:
    """A bone that may not show its keys, and why."""

    bone: str
    cause: Cause


def unshown_note_slices(
    obj: bpy.types.Object,
    rig: RigDescription,
    motion: RigMotion,
    start_frame: float,
    options: RigOptions,
) -> Generator[None, None, tuple[str, ...]]:
    """A sentence for each cause that keeps a rig from showing its take, with the degrees.

    Args:
        obj: the armature object, which plays the take.
        rig: its description.
        motion: the finished motion, all of it on the hips.
        start_frame: scene frame of its first frame.
        options: where the path over the floor was keyed.
    """
    suspects, vanishing = list(find_suspects(obj, rig, options)), _vanishing_note(obj, rig)
    if not suspects:
        return vanishing
    worst: dict[str, float] = {}
    furthest = 0.0
    expected = forward_kinematics(rig, motion)
    for index in np.linspace(0, len(motion) - 1, FRAMES).round().astype(int):
        yield
        with preserving_frame(obj) as show:
            show(start_frame + int(index))
            shown = body_rotations(obj, rig, stretched=True)
            hips = _hips(obj, rig)
        away = np.linalg.norm(hips - expected.positions[rig.root][index]) / rig.scale
        furthest = max(furthest, 100 * float(away))
        for name, degrees in _differences(rig, shown, expected, int(index), options).items():
            worst[name] = max(worst.get(name, 0.0), degrees)
    stays = options.in_place or options.root is RootTarget.OBJECT
    return (*vanishing, *_notes(obj, rig, suspects, worst, 0.0 if stays else furthest))


def find_suspects(
    obj: bpy.types.Object, rig: RigDescription, options: RigOptions
) -> Iterator[Suspect]:
    """The bones that may not show their keys."""
    bones, moved = pose_bones(obj), moved_bones(obj, rig, options)
    names = list(dict.fromkeys((*(c.name for c in rig.controls), *moved)))
    for bone, constraint in carrying_constraints(obj, names):
        if constraint.influence > 0:
            yield Suspect(bone.name, Cause.CARRIED)
    for bone, constraint in opposing_constraints(obj, names, moved):
        if constraint.influence > 0 and is_driven(obj, constraint):
            yield Suspect(bone.name, Cause.DRIVEN_CONSTRAINT)
    driven = _driven_bones(obj)
    for name in _with_carrying(obj, names):
        if name in driven:
            yield Suspect(name, Cause.DRIVEN)
        scale = [float(s) for s in bones[name].scale]
        if min(scale) < _EVEN * max(abs(s) for s in scale):  # a mirrored bone mirrors rotations
            yield Suspect(name, Cause.SCALED)


def _hips(obj: bpy.types.Object, rig: RigDescription) -> Array:
    """Where the root's body bone is shown, (3,), in model axes over the floor."""
    body = next(c.body for c in rig.controls if c.name == rig.root)
    point = np.array(pose_bones(evaluated(obj))[body].head, dtype=np.float64)
    return rotate(inverse(rig.axes), point) - np.array([0.0, rig.floor, 0.0])


def _vanishing_note(obj: bpy.types.Object, rig: RigDescription) -> tuple[str, ...]:
    """A sentence about bones that are scaled to almost nothing, with all that they carry."""
    names = _with_carrying(obj, [c.name for c in rig.controls])
    found = [
        name for name in names if max(abs(s) for s in pose_bones(obj)[name].scale) < _VANISHING
    ]
    if not found:
        return ()
    return (
        tr(
            "What {bones} carries is scaled to almost nothing and does not show the "
            "take: set the scale to 1.",
            bones=listed(found, "bone"),
        ),
    )


def _with_carrying(obj: bpy.types.Object, names: Sequence[str]) -> list[str]:
    """Bones and all bones above them."""
    bones = pose_bones(obj)
    carrying = {above.name for name in names for above in bones[name].parent_recursive}
    return list(dict.fromkeys((*names, *sorted(carrying))))


def _driven_bones(obj: bpy.types.Object) -> set[str]:
    """Names of the bones of which a driver holds a transform."""
    data, out = obj.animation_data, set[str]()
    for curve in data.drivers if data is not None else ():
        path, _, prop = curve.data_path.rpartition(".")
        if prop in TRANSFORM_PROPERTIES and path and not curve.mute:
            owner = obj.path_resolve(path, False) if _resolves(obj, path) else None
            if isinstance(owner, bpy.types.PoseBone):
                out.add(owner.name)
    return out


def _resolves(obj: bpy.types.Object, path: str) -> bool:
    try:
        obj.path_resolve(path, False)
    except ValueError:  # a driver of a bone that is gone
        return False
    return True


def _differences(
    rig: RigDescription,
    shown: dict[str, Array],
    expected: PosedRig,
    index: int,
    options: RigOptions,
) -> dict[str, float]:
    """Degrees by which each control differs at a frame: the root's own, others from the root."""
    root, wanted = shown[rig.root], expected.rotations[rig.root][index]
    out = {
        name: _degrees(
            multiply(inverse(root), rotation),
            multiply(inverse(wanted), expected.rotations[name][index]),
        )
        for name, rotation in shown.items()
    }
    travels = options.root is RootTarget.OBJECT
    out[rig.root] = 0.0 if travels else _degrees(root, wanted)
    return out


def _degrees(one: Array, other: Array) -> float:
    return float(np.degrees(angle_between(one, other)))


def _notes(
    obj: bpy.types.Object,
    rig: RigDescription,
    suspects: Sequence[Suspect],
    worst: dict[str, float],
    furthest: float,
) -> Iterator[str]:
    """A sentence for each cause.

    Args:
        obj: the armature object.
        rig: its description.
        suspects: the bones that may not show their keys.
        worst: degrees by which each control differs.
        furthest: centimetres of the model by which the hips are elsewhere.
    """
    bones = pose_bones(obj)
    for cause in Cause:
        found: dict[str, tuple[float, float]] = {}
        for suspect in suspects:
            if suspect.cause is cause:
                carried = {b.name for b in bones[suspect.bone].children_recursive} | {suspect.bone}
                degrees = max((d for n, d in worst.items() if n in carried), default=0.0)
                away = furthest if rig.root in carried else 0.0
                if max(degrees, away) > TOLERANCE:
                    found[suspect.bone] = degrees, away
        if found:
            degrees, away = (max(values) for values in zip(*found.values(), strict=True))
            by = [f"{degrees:.0f}°"] if degrees > TOLERANCE else []
            by += [tr("{away:.0f} cm", away=away)] if away > TOLERANCE else []
            yield tr(
                cause.value,
                bones=listed(list(found), "bone"),
                distance=tr(" and ").join(by),
            )

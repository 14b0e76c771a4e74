"""An armature described for retargeting: its rest data in model axes.

Reads the armature, never changes it.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Final

import bpy
import numpy as np
from mathutils import Vector

from ...core.body.rotations import Array, from_matrix, inverse, multiply, normalise, rotate
from ...core.rig.bone_maps import BoneMap, MappedBone, MappingError, Part
from ...core.rig.rig_description import Control, RigDescription
from ...core.translation import tr
from ..access import armature_of
from ..errors import RigError
from .bone_transforms import quaternion_of
from .bones import bone_map_of, refusal
from .rest_joints import floor_height, rest_joints
from .twist_bones import find_twists
from .usability import check_usable

#: The parts that may carry a part, nearest first, where the bones' hierarchy does not tell.
_PARENT_PARTS: Final[dict[Part, tuple[Part, ...]]] = {
    Part.SPINE: (Part.PELVIS,),
    Part.CHEST: (Part.SPINE, Part.PELVIS),
    Part.NECK: (Part.CHEST,),
    Part.HEAD: (Part.NECK, Part.CHEST),
    **{Part(f"collar_{s}"): (Part.CHEST,) for s in "lr"},
    **{Part(f"upper_arm_{s}"): (Part(f"collar_{s}"), Part.CHEST) for s in "lr"},
    **{Part(f"forearm_{s}"): (Part(f"upper_arm_{s}"),) for s in "lr"},
    **{Part(f"hand_{s}"): (Part(f"forearm_{s}"),) for s in "lr"},
    **{Part(f"thigh_{s}"): (Part.PELVIS,) for s in "lr"},
    **{Part(f"shin_{s}"): (Part(f"thigh_{s}"),) for s in "lr"},
    **{Part(f"foot_{s}"): (Part(f"shin_{s}"),) for s in "lr"},
    **{Part(f"toe_{s}"): (Part(f"foot_{s}"),) for s in "lr"},
}
_PART_ORDER: Final = tuple(Part)

#: The mapped bones of each part, from the body outwards.
_Chains = dict[Part, list[MappedBone]]


def describe(obj: bpy.types.Object) -> RigDescription:
    """Rest data of an armature object.

    Raises:
        RigError: when it cannot be used or its bones are not known.
    """
    check_usable(obj)
    bones = armature_of(obj).bones
    try:
        bone_map = bone_map_of(obj)
    except MappingError as error:
        raise RigError(refusal(obj, str(error))) from None
    chains = _chains(bone_map)
    axes = _model_axes(obj, chains)
    mapped = {n for b in bone_map.bones for n in (b.control, b.body)}
    heads = {n: _to_model(axes, bones[n].head_local) for n in mapped}
    tails = {n: _to_model(axes, bones[n].tail_local) for n in mapped}
    joints = rest_joints(chains, heads, tails)
    floor = floor_height(joints)
    down = np.array([0.0, floor, 0.0])
    root = chains[Part.PELVIS][0]
    twists = find_twists(obj, bone_map, axes)
    return RigDescription(
        label=bone_map.label,
        controls=tuple(
            replace(
                c, twist_bones=tuple(t.name for t in twists if t.control == c.name and t.in_chain)
            )
            for c in _controls(obj, bone_map, axes, floor)
        ),
        root=root.control,
        root_head=heads[root.control] - down,
        points={j: p - down for j, p in joints.items()},
        floor=floor,
        axes=axes,
        extras={n: _rest_rotation(axes, bones[n]) for n in bone_map.extras}
        | {twist.name: twist.rest for twist in twists},
        switches=bone_map.switches,
        twists=twists,
    )


def rest_in_model_axes(rig: RigDescription, bone: bpy.types.PoseBone) -> tuple[Array, Array]:
    """Rest rotation (4,) and head (3,) of a bone in model axes, the floor at 0."""
    head = _to_model(rig.axes, bone.bone.head_local)
    return _rest_rotation(rig.axes, bone.bone), head - np.array([0.0, rig.floor, 0.0])


def _chains(bone_map: BoneMap) -> _Chains:
    chains: _Chains = {}
    for bone in bone_map.bones:
        chains.setdefault(bone.part, []).append(bone)
    return chains


def _rest_rotation(axes: Array, bone: bpy.types.Bone) -> Array:
    """Rest rotation (4,) of a bone in model axes."""
    return multiply(inverse(axes), quaternion_of(bone.matrix_local))


def _to_model(axes: Array, point: Vector) -> Array:
    return rotate(inverse(axes), np.array(point, dtype=np.float64))


def _model_axes(obj: bpy.types.Object, chains: _Chains) -> Array:
    """Rotation (4,) from model axes to the armature's, snapped to the armature's axes when near.

    Left points from the right hip to the left hip, up from the hips to the shoulders: so an
    armature that lies on its back in its own space, as importers make them, is understood.
    """
    bones = armature_of(obj).bones

    def head(part: Part) -> Array:
        return np.array(bones[chains[part][0].body].head_local, dtype=np.float64)

    hips = head(Part.THIGH_L), head(Part.THIGH_R)
    left = _snapped(normalise(hips[0] - hips[1]))
    up = head(Part.UPPER_ARM_L) + head(Part.UPPER_ARM_R) - hips[0] - hips[1]
    up = _snapped(normalise(up - left * (up @ left)))
    forward = np.cross(left, up)
    if not np.linalg.norm(forward) > 0.5:
        raise RigError(
            tr(
                "'{name}' has its hips and shoulders in one place: check the armature's "
                "rest position.",
                name=obj.name,
            )
        )
    return from_matrix(np.stack([left, np.cross(forward, left), forward], axis=-1))


def _snapped(direction: Array) -> Array:
    """The armature axis nearest to a direction when it is within 30 degrees of it."""
    axis = np.zeros(3)
    largest = int(np.argmax(np.abs(direction)))
    axis[largest] = np.sign(direction[largest])
    return axis if abs(direction[largest]) > np.cos(np.radians(30)) else direction


def _controls(
    obj: bpy.types.Object, bone_map: BoneMap, axes: Array, floor: float
) -> tuple[Control, ...]:
    """The controls, parents before children."""
    bones, chains = armature_of(obj).bones, _chains(bone_map)
    out: list[Control] = []
    for mapped in sorted(bone_map.bones, key=lambda b: _PART_ORDER.index(b.part)):
        chain = chains[mapped.part]
        parent = (
            _nearest_ancestor(bones[mapped.control], {c.name for c in out})
            if bone_map.by_hierarchy
            else _parent_by_part(mapped, chains)
        )
        out.append(
            Control(
                name=mapped.control,
                part=mapped.part,
                body=mapped.body,
                parent=parent,
                rest=_rest_rotation(axes, bones[mapped.control]),
                share=(chain.index(mapped) + 1) / (len(chain) + (mapped.part is Part.SPINE)),
                raw=mapped.raw,
                head=_to_model(axes, bones[mapped.body].head_local) - np.array([0.0, floor, 0.0]),
                carrier=_missing_parent(obj, mapped, bone_map, chains),
            )
        )
    return tuple(out)


def _nearest_ancestor(bone: bpy.types.Bone, mapped: set[str]) -> str | None:
    """The next mapped bone above whose rotation a bone inherits."""
    while bone.parent is not None and bone.use_inherit_rotation:
        bone = bone.parent
        if bone.name in mapped:
            return bone.name
    return None


def _missing_parent(
    obj: bpy.types.Object, mapped: MappedBone, bone_map: BoneMap, chains: _Chains
) -> str | None:
    """The control that should carry a hand or a foot whose bone is no descendant of it."""
    if not bone_map.by_hierarchy or mapped.part.base not in ("hand", "foot"):
        return None
    parent = _parent_by_part(mapped, chains)
    above = {b.name for b in armature_of(obj).bones[mapped.control].parent_recursive}
    return None if parent is None or parent in above else parent


def _parent_by_part(bone: MappedBone, chains: _Chains) -> str | None:
    """The control before a bone: in its part's chain, else the last of the part that carries it."""
    chain = chains[bone.part]
    if index := chain.index(bone):
        return chain[index - 1].control
    for part in _PARENT_PARTS.get(bone.part, ()):
        if part in chains:
            return chains[part][-1].control
    return None

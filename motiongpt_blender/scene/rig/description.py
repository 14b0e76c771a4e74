"""An armature described for retargeting: its rest data in model axes.

Reads the armature, never changes it.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any, Final

import bpy
import numpy as np

from ...core.body.neutral_pose import BONE_LENGTHS, FLAT_FOOT_SLOPE, LEG_LENGTH
from ...core.body.rotations import Array, from_matrix, inverse, multiply, normalise, rotate
from ...core.body.skeleton import Joint
from ...core.rig.bone_maps import BoneMap, MappedBone, MappingError, Part
from ...core.rig.rig_description import Control, RigDescription
from ..errors import RigError
from .bones import bone_map_of
from .twist_bones import find_twists

#: Which part of the body carries which, where the bones themselves do not say.
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

#: Each limb joint: the part whose bone begins there, and the part whose bone ends there.
_JOINT_BONES: Final[dict[str, tuple[str, str]]] = {
    "HIP": ("thigh", ""),
    "KNEE": ("shin", ""),
    "ANKLE": ("foot", ""),
    "FOOT": ("toe", "foot"),
    "SHOULDER": ("upper_arm", ""),
    "ELBOW": ("forearm", ""),
    "WRIST": ("hand", "forearm"),
}

#: Leg lengths between which a foot without a toe bone is believed to be as long as it is.
FOOT_LENGTHS: Final = (0.08, 0.35)
#: Share by which the scales along two axes may differ.
MAX_SCALE_DIFFERENCE: Final = 0.01


def check_usable(obj: Any) -> None:
    """Raise RigError unless ``obj`` is an armature that may be posed and animated."""
    if obj is None or getattr(obj, "type", None) != "ARMATURE":
        raise RigError("No armature is chosen: choose the character's armature in the panel.")
    if obj.library is not None or not obj.is_editable:
        raise RigError(
            f"'{obj.name}' is linked from another file and cannot be animated here: choose "
            "Object > Library Override > Make, or Object > Relations > Make Local."
        )
    override = obj.override_library
    if override is not None and override.is_system_override:
        raise RigError(
            f"'{obj.name}' is a library override that is not editable, so it cannot be animated: "
            "right-click it in the Outliner and choose Library Override > Make > Selected."
        )
    if obj.mode == "EDIT":
        raise RigError(f"'{obj.name}' is in Edit Mode: press Tab to leave it, then try again.")
    if obj.data.pose_position == "REST":
        raise RigError(
            f"'{obj.name}' is shown in its rest position: set Armature > Pose Position back "
            "to Pose Position."
        )
    if not _is_evaluated(obj):
        raise RigError(
            f"'{obj.name}' is switched off in the viewports, itself or by its collection, so its "
            "pose cannot be read: switch on the monitor icon or the collection in the Outliner."
        )
    _check_scale(obj)
    if obj.animation_data is not None and obj.animation_data.use_tweak_mode:
        raise RigError(
            f"An NLA strip of '{obj.name}' is in tweak mode: press Tab in the NLA editor to "
            "leave it, then try again."
        )


def check_not_override(obj: Any) -> None:
    """Raise RigError for an object on which Blender lets no list grow."""
    if obj.override_library is not None:
        raise RigError(
            f"'{obj.name}' is a library override, on which Blender keeps no poses and blocks: use "
            "Object > Relations > Make Local for them; a prompt alone works as it is."
        )


def _is_evaluated(obj: Any) -> bool:
    """Whether Blender keeps the pose up to date; an object that is only hidden is."""
    layer = bpy.context.view_layer
    if layer is None:
        return False
    if layer.objects.get(obj.name) != obj:
        layer.update()  # an object that was added by a script this moment
    if layer.objects.get(obj.name) != obj:
        return False
    return not obj.hide_viewport and not all(c.hide_viewport for c in obj.users_collection)


def _check_scale(obj: Any) -> None:
    """Raise RigError where the object's scale, its parents' included, would bend the motion."""
    axes = np.array(obj.matrix_world, dtype=np.float64)[:3, :3].T
    sizes = np.linalg.norm(axes, axis=-1)
    if not np.isfinite(sizes).all() or sizes.min() < 1e-9:
        raise RigError(
            f"'{obj.name}' has a scale of zero: give it a scale in the sidebar under Item."
        )
    if np.linalg.det(axes) < 0:
        raise RigError(
            f"'{obj.name}' or a parent has a negative scale, which swaps left and right: apply it "
            "with Object > Apply > Scale."
        )
    lean = np.abs(axes @ axes.T / np.outer(sizes, sizes) - np.eye(3)).max()
    if sizes.max() > (1 + MAX_SCALE_DIFFERENCE) * sizes.min() or lean > MAX_SCALE_DIFFERENCE:
        told = ", ".join(f"{size:.4g}" for size in sizes)
        raise RigError(
            f"'{obj.name}' or a parent is scaled unevenly ({told}), which "
            "bends every motion: apply it with Object > Apply > Scale."
        )


def describe(obj: Any) -> RigDescription:
    """Rest data of an armature object.

    Raises:
        RigError: when it cannot be used or its bones are not known.
    """
    check_usable(obj)
    bones = obj.data.bones
    try:
        bone_map = bone_map_of(obj)
    except MappingError as error:
        raise RigError(f"'{obj.name}' cannot be driven: {error}") from None
    parts = _by_part(bone_map)
    axes = _axes(obj, bones, parts)
    used = {n for b in bone_map.bones for n in (b.control, b.body)}
    heads = {n: _to_model(axes, bones[n].head_local) for n in used}
    tails = {n: _to_model(axes, bones[n].tail_local) for n in used}
    points = _points(parts, heads, tails)
    floor = _floor(points)
    down = np.array([0.0, floor, 0.0])
    root = parts[Part.PELVIS][0]
    twists = find_twists(obj, bone_map, axes)
    return RigDescription(
        label=bone_map.label,
        controls=tuple(
            replace(c, below=tuple(t.name for t in twists if t.control == c.name and t.carries))
            for c in _controls(bone_map, bones, axes, floor)
        ),
        root=root.control,
        root_head=heads[root.control] - down,
        points={j: p - down for j, p in points.items()},
        floor=floor,
        axes=axes,
        extras={n: _rest(axes, bones[n]) for n in bone_map.extras}
        | {twist.name: twist.rest for twist in twists},
        switches=bone_map.switches,
        twists=twists,
    )


def quaternion_of(matrix: Any) -> Array:
    """Rotation (4,) of a Blender matrix, its scale left out."""
    return np.array(matrix.to_quaternion(), dtype=np.float64)


def _by_part(bone_map: BoneMap) -> dict[Part, list[MappedBone]]:
    parts: dict[Part, list[MappedBone]] = {}
    for bone in bone_map.bones:
        parts.setdefault(bone.part, []).append(bone)
    return parts


def _rest(axes: Array, bone: Any) -> Array:
    """Rest rotation (4,) of a bone in model axes."""
    return multiply(inverse(axes), quaternion_of(bone.matrix_local))


def _to_model(axes: Array, point: Any) -> Array:
    return rotate(inverse(axes), np.array(point, dtype=np.float64))


def _axes(obj: Any, bones: Any, parts: dict[Part, list[MappedBone]]) -> Array:
    """Rotation (4,) from model axes to the armature's, snapped to its axes when near.

    Left is from the right hip to the left one, up from the hips to the chest: an
    armature that lies on its back in its own space, as importers make them, is fine.
    """

    def head(part: Part) -> Array:
        return np.array(bones[parts[part][0].body].head_local, dtype=np.float64)

    hips = head(Part.THIGH_L), head(Part.THIGH_R)
    left = _snapped(normalise(hips[0] - hips[1]))
    up = head(Part.UPPER_ARM_L) + head(Part.UPPER_ARM_R) - hips[0] - hips[1]
    up = _snapped(normalise(up - left * (up @ left)))
    forward = np.cross(left, up)
    if not np.linalg.norm(forward) > 0.5:
        raise RigError(
            f"'{obj.name}' has its hips and shoulders in one place: check the armature's "
            "rest position."
        )
    return from_matrix(np.stack([left, np.cross(forward, left), forward], axis=-1))


def _snapped(direction: Array) -> Array:
    """The armature axis nearest to a direction when it is within 30 degrees of it."""
    axis = np.zeros(3)
    largest = int(np.argmax(np.abs(direction)))
    axis[largest] = np.sign(direction[largest])
    return axis if abs(direction[largest]) > np.cos(np.radians(30)) else direction


def _points(
    parts: dict[Part, list[MappedBone]], heads: dict[str, Array], tails: dict[str, Array]
) -> dict[Joint, Array]:
    """Where the limb joints are at rest, from bones' heads, or tails at a chain's end."""
    points: dict[Joint, Array] = {}
    for joint, (starts, ends) in _JOINT_BONES.items():
        for side in "LR":
            part = Part(f"{starts}_{side.lower()}")
            if part in parts:
                point = heads[parts[part][0].body]
            else:
                point = tails[parts[Part(f"{ends}_{side.lower()}")][0].body]
            points[Joint[f"{side}_{joint}"]] = point
    for side in "LR":
        ankle, toe = Joint[f"{side}_ANKLE"], Joint[f"{side}_FOOT"]
        has_toe = Part(f"toe_{side.lower()}") in parts
        if not has_toe or _points_nowhere(points[toe] - points[ankle], _leg_of(points, side)):
            points[toe] = _believable_toe(points, side)
    return points


def _leg_of(points: dict[Joint, Array], side: str) -> float:
    """Length from hip by the knee to the ankle."""
    hip, knee, ankle = (points[Joint[f"{side}_{n}"]] for n in ("HIP", "KNEE", "ANKLE"))
    return float(np.linalg.norm(knee - hip) + np.linalg.norm(ankle - knee))


def _points_nowhere(foot: Array, leg: float) -> bool:
    """Whether toes begin at the ankle, or right under it: then they do not say what is ahead."""
    return float(np.linalg.norm(foot[[0, 2]])) < FOOT_LENGTHS[0] * leg / 4


def _believable_toe(points: dict[Joint, Array], side: str) -> Array:
    """Where a foot without a toe bone ends, (3,): its tail, or the usual place.

    Importers make up the length of a last bone, so its tail may be anywhere.
    """
    ankle, toe = Joint[f"{side}_ANKLE"], Joint[f"{side}_FOOT"]
    leg = _leg_of(points, side)
    foot = points[toe] - points[ankle]
    flat = foot * np.array([1.0, 0.0, 1.0])
    length = float(np.linalg.norm(flat))
    if FOOT_LENGTHS[0] * leg < length < FOOT_LENGTHS[1] * leg and foot[1] < 0.05 * leg:
        return points[toe]
    ahead = flat / length if flat[2] > 0.05 * leg else np.array([0.0, 0.0, 1.0])
    usual = BONE_LENGTHS[toe] * leg / LEG_LENGTH
    down, along = np.sin(FLAT_FOOT_SLOPE), np.cos(FLAT_FOOT_SLOPE)
    return points[ankle] + usual * (along * ahead - down * np.array([0.0, 1.0, 0.0]))


def _floor(points: dict[Joint, Array]) -> float:
    """Height of the floor: the armature's own zero where the feet stand near it."""
    toes = float(min(points[Joint.L_FOOT][1], points[Joint.R_FOOT][1]))
    leg = float(np.linalg.norm(points[Joint.L_HIP] - points[Joint.L_ANKLE]))
    return 0.0 if abs(toes) < 0.12 * leg else toes


def _controls(bone_map: BoneMap, bones: Any, axes: Array, floor: float) -> tuple[Control, ...]:
    """The controls, parents before children, each knowing what carries it."""
    parts = _by_part(bone_map)
    out: list[Control] = []
    for mapped in sorted(bone_map.bones, key=lambda b: list(_ORDER).index(b.part)):
        chain = parts[mapped.part]
        place = chain.index(mapped)
        parent = (
            _nearest_ancestor(bones[mapped.control], {c.name for c in out})
            if bone_map.by_hierarchy
            else _carrying_part(mapped, parts)
        )
        out.append(
            Control(
                name=mapped.control,
                part=mapped.part,
                body=mapped.body,
                parent=parent,
                rest=_rest(axes, bones[mapped.control]),
                share=(place + 1) / (len(chain) + (mapped.part is Part.SPINE)),
                raw=mapped.raw,
                head=_to_model(axes, bones[mapped.body].head_local) - np.array([0.0, floor, 0.0]),
                carrier=_missing_carrier(mapped, bone_map, parts, bones),
            )
        )
    return tuple(out)


_ORDER: Final = tuple(Part)


def _nearest_ancestor(bone: Any, mapped: set[str]) -> str | None:
    while bone.parent is not None and bone.use_inherit_rotation:
        bone = bone.parent
        if bone.name in mapped:
            return str(bone.name)
    return None


def _missing_carrier(
    mapped: MappedBone, bone_map: BoneMap, parts: dict[Part, list[MappedBone]], bones: Any
) -> str | None:
    """The control that would carry a hand or a foot that hangs elsewhere."""
    if not bone_map.by_hierarchy or mapped.part.base not in ("hand", "foot"):
        return None
    carrier = _carrying_part(mapped, parts)
    above = {b.name for b in bones[mapped.control].parent_recursive}
    return None if carrier is None or carrier in above else carrier


def _carrying_part(bone: MappedBone, parts: dict[Part, list[MappedBone]]) -> str | None:
    chain = parts[bone.part]
    place = chain.index(bone)
    if place:
        return chain[place - 1].control
    for carrier in _PARENT_PARTS.get(bone.part, ()):
        if carrier in parts:
            return parts[carrier][-1].control
    return None


def armature_named(name: str) -> Any:
    """The armature object once more; Blender may have moved it in memory meanwhile."""
    obj = bpy.data.objects.get(name)
    if obj is None:
        raise RigError(f"The armature '{name}' was removed while its take was written.")
    return obj

"""The bone map that a VRM file contains, as the VRM add-on keeps it on the armature.

Reads the armature, never changes it. Without that add-on the bones are found by name or shape.
"""

from __future__ import annotations

from typing import Any, Final

import bpy

from ...core.rig.bone_maps import MappedBone, Part, Source

#: VRM's names of the trunk's and the limbs' bones; the latter begin with "left" or "right".
_TRUNK: Final = {"hips": Part.PELVIS, "neck": Part.NECK, "head": Part.HEAD}
#: The bones of the back, from the hips up; the last one that is there carries the arms.
_BACK: Final = ("spine", "chest", "upperChest")
_LIMBS: Final = {
    "Shoulder": "collar", "UpperArm": "upper_arm", "LowerArm": "forearm", "Hand": "hand",
    "UpperLeg": "thigh", "LowerLeg": "shin", "Foot": "foot", "Toes": "toe",
}  # fmt: skip


def humanoid_bones(armature: bpy.types.Armature) -> dict[str, str]:
    """VRM's bone name -> the armature's; empty where the VRM add-on keeps no data."""
    extension = getattr(armature, "vrm_addon_extension", None)
    if extension is None:
        return {}
    if str(getattr(extension, "spec_version", "")).startswith("1"):
        bones = extension.vrm1.humanoid.human_bones
        found = {name: getattr(bones, _with_underscores(name), None) for name in _names()}
    else:
        listed = extension.vrm0.humanoid.human_bones
        found = {str(b.bone): b for b in listed}
    named = {name: _bone_name(bone) for name, bone in found.items() if bone is not None}
    return {name: bone for name, bone in named.items() if bone in armature.bones}


def humanoid_rows(armature: bpy.types.Armature) -> tuple[MappedBone, ...]:
    """The same as rows of a bone map; empty where the armature has no such data."""
    bones = humanoid_bones(armature)
    back = [bones[name] for name in _BACK if name in bones]
    parts = [(part, bones[name]) for name, part in _TRUNK.items() if name in bones]
    parts += [(Part.SPINE, bone) for bone in back[:-1]]
    parts += [(Part.CHEST, bone) for bone in back[-1:]]
    parts += [
        (Part(f"{base}_{side[0]}"), bones[f"{side}{name}"])
        for side in ("left", "right")
        for name, base in _LIMBS.items()
        if f"{side}{name}" in bones
    ]
    order = list(Part)
    return tuple(
        MappedBone(part, bone, bone, False, 1.0, Source.NAME)
        for part, bone in sorted(parts, key=lambda entry: order.index(entry[0]))
    )


def _names() -> list[str]:
    sides = [f"{side}{name}" for side in ("left", "right") for name in _LIMBS]
    return [*_TRUNK, *_BACK, *sides]


def _with_underscores(name: str) -> str:
    return "".join(f"_{c.lower()}" if c.isupper() else c for c in name)


def _bone_name(bone: Any) -> str:
    """The bone's name; early releases of the add-on called it ``value``."""
    return str(getattr(bone.node, "bone_name", "") or getattr(bone.node, "value", ""))

"""What a scene keeps for a library override, of which Blender saves no list."""

from __future__ import annotations

from typing import Final

import bpy

from .armature import MotionGPTArmature

#: What an override begins with as its library has it. The library's takes are on its own tracks.
_COPIED: Final = ("request", "poses", "active", "bone_map", "retargeting", "sequence", "way")


class MotionGPTOverride(bpy.types.PropertyGroup):
    """A library override of an armature, and what the add-on keeps for it."""

    armature: bpy.props.PointerProperty(type=bpy.types.Object)
    kept: bpy.props.PointerProperty(type=MotionGPTArmature)

    def fill_in(self, obj: bpy.types.Object, library: MotionGPTArmature) -> None:
        """Begin with what the library keeps."""
        self.armature = obj
        for name in _COPIED:
            _copy_property(library, self.kept, name)


def _copy(source: bpy.types.PropertyGroup, target: bpy.types.PropertyGroup) -> None:
    """Copy all properties that were set."""
    for prop in source.bl_rna.properties:
        if prop.identifier != "rna_type" and source.is_property_set(prop.identifier):
            _copy_property(source, target, prop.identifier)


def _copy_property(
    source: bpy.types.PropertyGroup, target: bpy.types.PropertyGroup, name: str
) -> None:
    value = getattr(source, name)
    if isinstance(value, bpy.types.PropertyGroup):
        _copy(value, getattr(target, name))
    elif isinstance(value, bpy.types.bpy_prop_collection):
        for entry in value:
            _copy(entry, getattr(target, name).add())
    else:
        setattr(target, name, value)

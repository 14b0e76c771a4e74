"""Typed access to what Blender's API leaves optional: pose, armature, scene, view layer.

The lowest module of ``scene``; every other module of it may import this one.
"""

from __future__ import annotations

from typing import Final

import bpy

from .errors import RigError

#: The properties that move a bone or an object.
TRANSFORM_PROPERTIES: Final = (
    "location",
    "scale",
    "rotation_quaternion",
    "rotation_euler",
    "rotation_axis_angle",
)


def armature_named(name: str) -> bpy.types.Object:
    """The armature object of a name, looked up anew: Blender may have moved it in memory.

    Raises:
        RigError: when there is none any more.
    """
    obj = bpy.data.objects.get(name)
    if obj is None:
        raise RigError(f"The armature '{name}' was removed while its take was written.")
    return obj


def armature_of(obj: bpy.types.Object) -> bpy.types.Armature:
    """The armature data of an armature object."""
    data = obj.data
    assert isinstance(data, bpy.types.Armature)
    return data


def pose_bones(obj: bpy.types.Object) -> bpy.types.bpy_prop_collection[bpy.types.PoseBone]:
    """The pose bones of an armature object."""
    assert obj.pose is not None
    return obj.pose.bones


def current_scene() -> bpy.types.Scene:
    """The scene of the context."""
    scene = bpy.context.scene
    assert scene is not None
    return scene


def update_view_layer() -> None:
    """Evaluate the dependency graph of the view layer in view."""
    layer = bpy.context.view_layer
    assert layer is not None
    layer.update()


def evaluated(obj: bpy.types.Object) -> bpy.types.Object:
    """The object with drivers, constraints and animation evaluated."""
    return obj.evaluated_get(bpy.context.evaluated_depsgraph_get())


def keyframe_enum(prop: str, item: str) -> int | None:
    """Number of an enum item of keyframes, as ``foreach_set`` uses it; None where it is unknown."""
    enum = bpy.types.Keyframe.bl_rna.properties[prop]
    assert isinstance(enum, bpy.types.EnumProperty)
    return int(enum.enum_items[item].value) if item in enum.enum_items else None

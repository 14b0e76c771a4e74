"""Typed access to what Blender's API leaves optional: pose, armature, scene, view layer.

The lowest module of ``scene``; every other module of it may import this one.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Final, TypeVar

import bpy
import numpy as np

from ..compat import session_id
from ..core.translation import tr
from .errors import RigError

_Block = TypeVar("_Block", bound=bpy.types.ID)

_BONE_PATH: Final = re.compile(r'pose\.bones\["((?:[^"\\]|\\.)*)"\]')

#: The properties that move a bone or an object.
TRANSFORM_PROPERTIES: Final = (
    "location",
    "scale",
    "rotation_quaternion",
    "rotation_euler",
    "rotation_axis_angle",
)


class ArmatureHandle:
    """An armature object, looked up anew at each use: Blender may have moved it in memory.

    It is found by its session id, so that it may be renamed meanwhile, and refused once its
    bones are not those that it had.
    """

    def __init__(self, obj: bpy.types.Object) -> None:
        self.session_id: Final = session_id(obj)
        self._name = obj.name
        self._bones = _bones_key(obj)

    @property
    def obj(self) -> bpy.types.Object:
        """The armature object; raises RigError when it is gone or its bones were changed."""
        obj = block_of(bpy.data.objects, self.session_id)
        if obj is None:
            raise RigError(
                tr("The armature '{name}' was removed while its take was written.", name=self._name)
            )
        if _bones_key(obj) != self._bones:
            raise RigError(
                tr(
                    "The bones of '{name}' were changed while its take was written: press "
                    "Generate again.",
                    name=obj.name,
                )
            )
        return obj


def block_of(blocks: Iterable[_Block], session: int) -> _Block | None:
    """The data-block with a session id, whatever its name; None when it is gone."""
    return next((block for block in blocks if session_id(block) == session), None)


def _bones_key(obj: bpy.types.Object) -> tuple[tuple[str, ...], bytes]:
    """Names and rest matrices of an armature's bones."""
    bones = armature_of(obj).bones
    matrices = np.empty(16 * len(bones), dtype=np.float32)
    bones.foreach_get("matrix_local", matrices)
    return bone_names(armature_of(obj)), matrices.tobytes()


def armature_of(obj: bpy.types.Object) -> bpy.types.Armature:
    """The armature data of an armature object."""
    data = obj.data
    assert isinstance(data, bpy.types.Armature)
    return data


def bone_names(armature: bpy.types.Armature) -> tuple[str, ...]:
    """The names of an armature's bones, in their order.

    Raises:
        RigError: for a name that is no UTF-8, as files of long ago have them.
    """
    names: list[str] = []
    for bone in armature.bones:
        try:
            names.append(bone.name)
        except UnicodeDecodeError:
            after = tr(" (after '{bone}')", bone=names[-1]) if names else ""
            raise RigError(
                tr(
                    "Bone {number} of '{name}'{after} has a name that is not valid text, as "
                    "old files have them: give it another name in the Outliner.",
                    number=len(names) + 1,
                    name=armature.name,
                    after=after,
                )
            ) from None
    return tuple(names)


def bone_of_path(path: str) -> str:
    """Name of the bone that a data path of an armature object belongs to, or ""."""
    found = _BONE_PATH.match(path)
    return bpy.utils.unescape_identifier(found[1]) if found is not None else ""


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

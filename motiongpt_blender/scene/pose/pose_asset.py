"""A pose of the pose library, shown on an armature for a moment."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import bpy

from ... import compat
from ...core.translation import tr
from ..access import pose_bones
from ..errors import RigError
from ..rig.bone_transforms import own_transform, set_transform


@contextmanager
def posed_as(obj: bpy.types.Object, action: bpy.types.Action) -> Iterator[None]:
    """Show a pose asset on an armature; the character's own pose comes back.

    Raises:
        RigError: when the action moves no bone of the armature.
    """
    bones = _moved_bones(obj, action)
    if not bones:
        raise RigError(
            tr(
                "The pose '{pose}' moves no bone of '{name}': choose a pose that was made for it.",
                pose=action.name,
                name=obj.name,
            )
        )
    before = [(bone, own_transform(bone), dict(bone.items())) for bone in bones]
    assert obj.pose is not None
    try:
        obj.pose.apply_pose_from_action(action, evaluation_time=action.frame_range[0])
        obj.update_tag()
        bpy.context.view_layer.update()
        yield
    finally:
        for bone, transform, switches in before:
            set_transform(bone, transform)
            for name, value in switches.items():
                bone[name] = value
        obj.update_tag()
        bpy.context.view_layer.update()


def _moved_bones(obj: bpy.types.Object, action: bpy.types.Action) -> list[bpy.types.PoseBone]:
    """The bones of an armature that an action moves."""
    paths = [curve.data_path for curve in compat.all_curves(action)]
    return [bone for bone in pose_bones(obj) if any(p.startswith(_path_of(bone)) for p in paths)]


def _path_of(bone: bpy.types.PoseBone) -> str:
    """How the paths of a bone's curves begin."""
    return f'pose.bones["{bpy.utils.escape_identifier(bone.name)}"]'

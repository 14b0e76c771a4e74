"""The Rigify human of the demo, and the way it goes."""

from __future__ import annotations

from typing import cast

import bpy
import numpy as np

from ..core.body.rotations import Array
from ..core.rig.rig_description import RigDescription
from .command import CommandError


def make_rigify_human() -> bpy.types.Object:
    """A generated Rigify human (706 bones) in an empty file; returns its armature object."""
    bpy.ops.wm.read_factory_settings(use_empty=True)
    try:
        bpy.ops.preferences.addon_enable(module="rigify")
        # Both operators are Rigify's own, which no stub of Blender knows.
        bpy.ops.object.armature_human_metarig_add()  # pyright: ignore[reportAttributeAccessIssue]
        metarig = cast("bpy.types.Object", bpy.context.object)
        bpy.ops.pose.rigify_generate()  # pyright: ignore[reportAttributeAccessIssue]
    except (AttributeError, RuntimeError) as error:
        reason = " ".join(str(error).split()).rstrip(".")
        raise CommandError(
            f"Rigify, which comes with Blender, did not make the character ({reason}): "
            "install the pinned bpy again, for example with 'python build.py demo'."
        ) from None
    rig = cast("bpy.types.Object", bpy.context.object)
    bpy.data.objects.remove(metarig)
    rig.name = cast("bpy.types.Armature", rig.data).name = "Character"
    return rig


def _pose(obj: bpy.types.Object) -> bpy.types.Pose:
    """The pose of an armature object; Blender's other objects have none."""
    return cast("bpy.types.Pose", obj.pose)


def floor_path(obj: bpy.types.Object, rig: RigDescription, frames: range) -> Array:
    """Where the body is on the floor at each frame, (T, 2) metres in the world."""
    scene = bpy.context.scene
    path = np.zeros((len(frames), 2))
    for k, frame in enumerate(frames):
        scene.frame_set(frame)
        hips = obj.matrix_world @ _pose(obj).bones[rig.root].matrix.translation
        path[k] = hips.x, hips.y
    return path

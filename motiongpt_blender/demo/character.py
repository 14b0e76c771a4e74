"""The Rigify human and how it is posed: FK controls turned in code, as by hand."""

from __future__ import annotations

from typing import cast

import bpy
import numpy as np
from mathutils import Quaternion

from ..core.body.rotations import Array
from ..core.retargeting.solver import solve
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


def strike(obj: bpy.types.Object, rig: RigDescription, joints: Array) -> None:
    """Turn the rig's FK controls so that it stands like these joints.

    Args:
        obj: the armature object.
        rig: its description.
        joints: (22, 3) metres, y up.
    """
    bones = _pose(obj).bones
    for switch in rig.switches:
        if switch.prop in bones[switch.bone]:
            bones[switch.bone][switch.prop] = switch.value
    motion = solve(rig, joints[None])
    for name, rotations in motion.rotations.items():
        _turn(bones[name], rotations[0])
    bones[motion.root].location = motion.locations[0].tolist()
    obj.update_tag()
    bpy.context.view_layer.update()


def _pose(obj: bpy.types.Object) -> bpy.types.Pose:
    """The pose of an armature object; Blender's other objects have none."""
    return cast("bpy.types.Pose", obj.pose)


def _turn(bone: bpy.types.PoseBone, rotation: Array) -> None:
    """Set a bone's rotation in its own mode."""
    turn = Quaternion(rotation.tolist())
    if bone.rotation_mode == "QUATERNION":
        bone.rotation_quaternion = turn
    elif bone.rotation_mode == "AXIS_ANGLE":
        axis, angle = turn.to_axis_angle()
        bone.rotation_axis_angle = angle, *axis  # pyright: ignore[reportAttributeAccessIssue]
    else:
        bone.rotation_euler = turn.to_euler(bone.rotation_mode)


def floor_path(obj: bpy.types.Object, rig: RigDescription, frames: range) -> Array:
    """Where the body is on the floor at each frame, (T, 2) metres in the world."""
    scene = bpy.context.scene
    path = np.zeros((len(frames), 2))
    for k, frame in enumerate(frames):
        scene.frame_set(frame)
        hips = obj.matrix_world @ _pose(obj).bones[rig.root].matrix.translation
        path[k] = hips.x, hips.y
    return path

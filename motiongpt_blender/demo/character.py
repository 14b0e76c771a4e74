"""The Rigify human and how it is posed: FK controls turned in code, as by hand."""

from __future__ import annotations

from typing import Any

import bpy
import numpy as np
from mathutils import Quaternion

from ..core.body.rotations import Array
from ..core.pose_constraints.marked_pose import MarkedPose, PoseRole
from ..core.retargeting.solver import solve
from ..core.rig.rig_description import RigDescription
from ..scene.pose.capture import capture_joints, capture_pose
from .command import CommandError


def make_rigify_human() -> Any:
    """A generated Rigify human (706 bones) in an empty file; returns its armature object."""
    bpy.ops.wm.read_factory_settings(use_empty=True)
    try:
        bpy.ops.preferences.addon_enable(module="rigify")
        bpy.ops.object.armature_human_metarig_add()
        metarig = bpy.context.object
        bpy.ops.pose.rigify_generate()
    except (AttributeError, RuntimeError) as error:
        reason = " ".join(str(error).split()).rstrip(".")
        raise CommandError(
            f"Rigify, which comes with Blender, did not make the character ({reason}): "
            "install the pinned bpy again, for example with 'python build.py demo'."
        ) from None
    rig = bpy.context.object
    bpy.data.objects.remove(metarig)
    rig.name = rig.data.name = "Character"
    return rig


def strike(obj: Any, rig: RigDescription, joints: Array) -> None:
    """Turn the rig's FK controls so that it stands like these joints.

    Args:
        obj: the armature object.
        rig: its description.
        joints: (22, 3) metres, y up.
    """
    bones = obj.pose.bones
    for switch in rig.switches:
        if switch.prop in bones[switch.bone]:
            bones[switch.bone][switch.prop] = switch.value
    motion = solve(rig, joints[None])
    for name, rotations in motion.rotations.items():
        _turn(bones[name], rotations[0])
    bones[motion.root].location = motion.locations[0].tolist()
    obj.update_tag()
    bpy.context.view_layer.update()


def _turn(bone: Any, rotation: Array) -> None:
    """Set a bone's rotation in its own mode."""
    turn = Quaternion(rotation.tolist())
    if bone.rotation_mode == "QUATERNION":
        bone.rotation_quaternion = turn
    elif bone.rotation_mode == "AXIS_ANGLE":
        axis, angle = turn.to_axis_angle()
        bone.rotation_axis_angle = (angle, *axis)
    else:
        bone.rotation_euler = turn.to_euler(bone.rotation_mode)


def mark(obj: Any, rig: RigDescription, frame: int, role: PoseRole) -> MarkedPose:
    """The pose that the rig is in, marked at a frame."""
    return MarkedPose(frame, role, capture_pose(obj, rig), capture_joints(obj, rig))


def floor_path(obj: Any, rig: RigDescription, frames: range) -> Array:
    """Where the body is on the floor at each frame, (T, 2) metres in the world."""
    scene = bpy.context.scene
    path = np.zeros((len(frames), 2))
    for k, frame in enumerate(frames):
        scene.frame_set(frame)
        hips = obj.matrix_world @ obj.pose.bones[rig.root].matrix.translation
        path[k] = hips.x, hips.y
    return path

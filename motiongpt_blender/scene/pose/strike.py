"""A rig is posed as joints stand: FK controls turned in code, as by hand. No key is made."""

from __future__ import annotations

import bpy
from mathutils import Quaternion

from ...core.body.rotations import Array
from ...core.retargeting.solver import solve
from ...core.rig.rig_description import RigDescription
from ..access import pose_bones, update_view_layer


def strike(obj: bpy.types.Object, rig: RigDescription, joints: Array) -> None:
    """Turn the rig's FK controls so that it stands like these joints.

    Args:
        obj: the armature object.
        rig: its description.
        joints: (22, 3) metres, y up.
    """
    bones = pose_bones(obj)
    for switch in rig.switches:
        if switch.prop in bones[switch.bone]:
            bones[switch.bone][switch.prop] = switch.value
    motion = solve(rig, joints[None])
    for name, rotations in motion.rotations.items():
        _turn(bones[name], rotations[0])
    bones[motion.root].location = motion.locations[0].tolist()
    obj.update_tag()
    update_view_layer()


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

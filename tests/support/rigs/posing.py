"""Poses set on a rig at random, and how far two of them are apart."""

import math

import bpy
import numpy as np
from mathutils import Quaternion

from motiongpt_blender.core.body.rotations import from_log
from motiongpt_blender.scene.rig.root_bones import hip_ancestors


def turn(bone, vector):
    """Turn a bone by a rotation vector in degrees, in its own mode."""
    mode = bone.rotation_mode
    q = Quaternion(from_log(np.radians(np.array(vector, dtype=float))).tolist())
    if mode == "QUATERNION":
        bone.rotation_quaternion = q
    elif mode == "AXIS_ANGLE":
        axis, angle = q.to_axis_angle()
        bone.rotation_axis_angle = (angle, *axis)
    else:
        bone.rotation_euler = q.to_euler(mode)


def update(obj):
    obj.update_tag()
    bpy.context.view_layer.update()


def pose_at_random(obj, rig, seed):
    """Every control turned, moved and scaled as an animator may, unmapped bones too."""
    rng = np.random.default_rng(seed)
    modes = ("QUATERNION", "XYZ", "AXIS_ANGLE", "ZXY")
    mapped = [c.name for c in rig.controls]  # in their order: a set has another in each process
    mine = {*mapped, *hip_ancestors(obj, rig)}  # what carries the whole rig stays where it is
    others = [b.name for b in obj.pose.bones if b.name not in mine][:12]
    for k, name in enumerate([*mapped, *others]):
        bone = obj.pose.bones[name]
        bone.rotation_mode = modes[k % 4]
        turn(bone, rng.normal(size=3) * 12)
    obj.pose.bones[rig.root].location = rng.normal(size=3) * 0.1 * rig.leg
    for name in [*sorted(mapped)[:3], *others[:4]]:
        if name != rig.root:
            obj.pose.bones[name].location = rng.normal(size=3) * 0.02 * rig.leg
            obj.pose.bones[name].scale = 1 + 0.05 * rng.random(3)
    update(obj)


def shown(obj):
    """Every bone's matrix in the world, as evaluated."""
    posed = obj.evaluated_get(bpy.context.evaluated_depsgraph_get())
    return {b.name: obj.matrix_world @ b.matrix for b in posed.pose.bones}


def worst(before, after, names):
    """Largest angle in degrees and distance in millimetres."""
    angles, ways = [0.0], [0.0]
    for name in names:
        a, b = before[name], after[name]
        q = a.to_quaternion().rotation_difference(b.to_quaternion())
        angles.append(2 * math.degrees(math.atan2(np.linalg.norm(q[1:]), abs(q[0]))))
        ways.append(1000 * (a.translation - b.translation).length)
    return max(angles), max(ways)

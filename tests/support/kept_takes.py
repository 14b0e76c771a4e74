"""A take of a real clip that is kept on a rig and listed, as after Generate and Keep; measured."""

import bpy
import numpy as np
from mathutils import Quaternion

from motiongpt_blender.core.body.motion import MotionClip
from motiongpt_blender.core.body.rotations import inverse, rotate
from motiongpt_blender.scene.rig.description import describe
from motiongpt_blender.scene.take.apply import apply_clip
from tests.support.clips import as_generated, clip


def keep_clip(obj, name="walk", frames=80, start=1, **options):
    """Put a clip on a rig with these retargeting options; its entry in the list of takes."""
    scene, group = bpy.context.scene, obj.motiongpt
    scene.motiongpt.armature = obj
    for option, value in options.items():
        setattr(group.retargeting, option, value)
    joints = as_generated(clip(name)[:frames]).astype(np.float32)
    apply_clip(obj, MotionClip(joints), (), start, name, group.retargeting.options())
    group.takes.adopt(group.takes.unlisted(obj))
    group.takes.chosen = len(group.takes.entries) - 1
    return group.takes.chosen_take


def span(take):
    """First and last frame of a take in the scene, whole numbers."""
    first, last = take.action.curve_frame_range
    return round(first), round(last)


def shown(obj, frames):
    """World matrices (T, N, 4, 4) of all bones at scene frames."""
    out = []
    for frame in frames:
        bpy.context.scene.frame_set(int(frame))
        out.append(now(obj))
    return np.array(out)


def now(obj):
    """World matrices (N, 4, 4) of all bones as they are."""
    posed = obj.evaluated_get(bpy.context.evaluated_depsgraph_get())
    world = np.array(posed.matrix_world)
    return np.array([world @ np.array(b.matrix) for b in posed.pose.bones])


def turn(obj, part, degrees, axis=(1, 0, 0)):
    """Turn the control of a part about an axis of its own, as an animator does, without a key."""
    rig = describe(obj)
    bone = obj.pose.bones[next(c.name for c in rig.controls if c.part.value == part)]
    q = bone.matrix_basis.to_quaternion() @ Quaternion(axis, np.radians(degrees))
    if bone.rotation_mode == "QUATERNION":
        bone.rotation_quaternion = q
    else:
        bone.rotation_euler = q.to_euler(bone.rotation_mode, bone.rotation_euler)
    bpy.context.view_layer.update()


def toes(obj, rig, frames):
    """Where both toes are, (T, 2, 3) in metres of the model over the rig's floor, in the world."""
    names = [next(c.body for c in rig.controls if c.part.value == f"toe_{s}") for s in "lr"]
    size = float(np.mean(obj.matrix_world.to_scale()))
    out = []
    for frame in frames:
        bpy.context.scene.frame_set(int(frame))
        posed = obj.evaluated_get(bpy.context.evaluated_depsgraph_get())
        heads = [np.array(posed.matrix_world @ posed.pose.bones[n].head) for n in names]
        out.append(rotate(inverse(rig.axes), np.array(heads) / size))
    return np.array(out) / rig.scale


def slide(places, stands, fps):
    """The fastest standing toe, metres a second, of (T, 2, 3) places and (T, 2) contacts."""
    speed = np.linalg.norm(np.diff(places, axis=0), axis=-1) * fps
    return float(speed[stands[1:] & stands[:-1]].max(initial=0))

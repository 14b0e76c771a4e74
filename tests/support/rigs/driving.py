"""Motions put on a rig, and how far off the rig shows them."""

import bpy
import numpy as np

from motiongpt_blender import compat
from motiongpt_blender.core.body.motion import MotionClip
from motiongpt_blender.core.body.rotations import inverse, rotate
from motiongpt_blender.core.body.skeleton import Joint
from motiongpt_blender.core.rig.bone_maps import Part
from motiongpt_blender.scene.rig.description import describe
from motiongpt_blender.scene.take.apply import apply_clip
from tests.support.rigs.measures import measure, play
from tests.support.rigs.motions import FPS, exercise, walk


def put_on(obj, options=None):
    """Write the exercise; what the rig shows, and how far off it is."""
    bpy.context.scene.render.fps = FPS
    bpy.context.scene.frame_set(1)
    rig, joints = describe(obj), exercise()
    report = apply_clip(obj, MotionClip(joints, FPS), (), 1, "exercise", options)
    played = play(obj, rig, 1, len(joints), [])
    return report, played, measure(rig, played, joints.astype(float), FPS)


def drive(obj):
    """Write a walk to a rig; the rig, how far its thighs and shins are off, and how they bend."""
    bpy.context.scene.render.fps = FPS
    bpy.context.scene.frame_set(1)
    rig = describe(obj)
    joints = walk()
    apply_clip(obj, MotionClip(joints, FPS), (), 1, "walk")
    worst = 0.0
    for frame in range(0, len(joints), 3):
        bpy.context.scene.frame_set(frame + 1)
        for side in "lr":
            hip, knee, ankle = (
                part_head(obj, rig, Part(f"{p}_{side}")) for p in ("thigh", "shin", "foot")
            )
            bent = np.cross(unit(knee - hip), unit(ankle - knee))
            if np.linalg.norm(bent) > 0.25:
                assert unit(bent) @ [1, 0, 0] > 0.5, f"knee {side} at {frame}"
            j = [Joint[f"{side.upper()}_{n}"] for n in ("HIP", "KNEE", "ANKLE")]
            for (a, b), (m, n) in zip(
                ((hip, knee), (knee, ankle)), ((j[0], j[1]), (j[1], j[2])), strict=True
            ):
                wanted = unit((joints[frame, n] - joints[frame, m]).astype(float))
                cosine = np.clip(unit(b - a) @ wanted, -1, 1)
                worst = max(worst, float(np.degrees(np.arccos(cosine))))
    return rig, worst


def part_head(obj, rig, part):
    """Where a part's bone begins now, in model axes."""
    control = next(c for c in rig.controls if c.part is part)
    posed = obj.evaluated_get(bpy.context.evaluated_depsgraph_get())
    return rotate(inverse(rig.axes), np.array(posed.pose.bones[control.body].head, float))


def unit(v):
    return v / np.linalg.norm(v)


def with_root(obj):
    """A bone on the floor that carries all others."""
    bpy.context.view_layer.objects.active = obj
    bpy.ops.object.mode_set(mode="EDIT")
    bones = obj.data.edit_bones
    root = bones.new("root")
    root.head, root.tail, root.roll = (0, 0, 0), (0, 0.3, 0), 0.4
    for bone in bones:
        if bone.parent is None and bone is not root:
            bone.parent = root
    bpy.ops.object.mode_set(mode="OBJECT")


def held_switches(obj, action):
    """(bone, property) -> the value that the action holds it at."""
    slot = next(iter(getattr(action, "slots", ())), None)
    values = {}
    for curve in compat.curves(action, slot):
        if curve.data_path.endswith('"]') and curve.data_path.count('["') == 2:
            _, bone, _, prop, _ = curve.data_path.split('"')
            values[bone, prop] = curve.evaluate(1)
    return values

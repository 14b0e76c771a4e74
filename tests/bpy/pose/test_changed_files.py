"""Changes of a file after a pose was marked, on rigs of several kinds: met, or refused.

Every change is tried on every rig; the matrix is the product of ``CHANGES`` and ``RIGS``.
"""

from itertools import product

import bpy
import numpy as np
import pytest

from motiongpt_blender.core.body.motion import MODEL_FPS, MotionClip
from motiongpt_blender.core.pose_constraints.marked_pose import PoseRole
from motiongpt_blender.properties import armature as properties
from motiongpt_blender.scene.errors import RigError
from motiongpt_blender.scene.pose.mark_pose import mark_pose
from motiongpt_blender.scene.pose.object_space import poses_in_object_space
from motiongpt_blender.scene.rig.description import describe
from motiongpt_blender.scene.take.apply import apply_clip
from tests.support.clips import clip
from tests.support.matrix import sweep
from tests.support.rigs.families import build_family, build_of
from tests.support.rigs.posing import pose_at_random

#: What is tested hangs on no version of Blender.
pytestmark = pytest.mark.sweep

FRAME = 9
NAME = "changed"


def euler(obj, _):
    for bone in obj.pose.bones:
        rotation = bone.matrix_basis.to_quaternion()
        bone.rotation_mode = "ZXY"
        bone.rotation_euler = rotation.to_euler("ZXY")
    return obj


def renamed(obj, _):
    for bone in obj.pose.bones:
        bone.name = f"x_{bone.name}"
    return obj


def posed_as_rest(obj, _):
    bpy.context.view_layer.objects.active = obj
    bpy.ops.object.mode_set(mode="POSE")
    bpy.ops.pose.armature_apply(selected=False)
    bpy.ops.object.mode_set(mode="OBJECT")
    return obj


def moved(obj, _):
    obj.location, obj.rotation_euler = (2.0, -1.0, 0.5), (0.0, 0.0, 0.7)
    return obj


def parented(obj, _):
    parent = bpy.data.objects.new("parent", None)
    bpy.context.collection.objects.link(parent)
    parent.location = (1.0, 2.0, 0.0)
    obj.parent = parent
    return obj


def scaled(obj, _):
    obj.scale = (2.5,) * 3
    return obj


def saved(_, folder):
    path = str(folder / "saved.blend")
    bpy.ops.wm.save_as_mainfile(filepath=path)
    bpy.ops.wm.open_mainfile(filepath=path)
    return bpy.data.objects[NAME]


def appended(_, folder):
    path = str(folder / "saved.blend")
    bpy.ops.wm.save_as_mainfile(filepath=path)
    bpy.ops.wm.read_factory_settings(use_empty=True)
    with bpy.data.libraries.load(path) as (_, into):
        into.objects = [NAME]
    obj = bpy.data.objects[NAME]
    bpy.context.collection.objects.link(obj)
    return obj


def duplicated(obj, _):
    copy = obj.copy()
    copy.data = obj.data.copy()
    bpy.context.collection.objects.link(copy)
    return copy


#: Change -> how the pose comes back: in the world, in the armature's space, or not at all.
CHANGES = {
    euler: "world", renamed: "refused", posed_as_rest: "refused", moved: "world",
    parented: "armature", scaled: "armature", saved: "world", appended: "world",
    duplicated: "world",
}  # fmt: skip
RIGS = ("mixamo", "daz_genesis3_8", "bvh_joints", "robot_expressive")


def ends(obj, space):
    """Ends of the bones that show the parts, (2 N, 3), in the world or the armature."""
    bpy.context.view_layer.update()
    posed = obj.evaluated_get(bpy.context.evaluated_depsgraph_get())
    matrix = posed.matrix_world if space == "world" else posed.matrix_world.Identity(4)
    bodies = [posed.pose.bones[c.body] for c in describe(obj).controls]
    return np.array([tuple(matrix @ p) for b in bodies for p in (b.head, b.tail)])


@pytest.mark.parametrize(("change", "family"), sweep(list(product(CHANGES, RIGS))))
def test_a_marked_pose_is_met_or_refused_after_a_change(registered, tmp_path, change, family):
    scene = bpy.context.scene
    scene.render.fps = round(MODEL_FPS)
    obj = build_family(build_of(family))
    obj.name = NAME
    pose_at_random(obj, describe(obj), 3)
    bpy.context.view_layer.update()
    properties.of(obj).poses.add().store(mark_pose(obj, describe(obj), FRAME, PoseRole.KEY))
    how = CHANGES[change]
    before = ends(obj, how)
    obj = change(obj, tmp_path)
    bpy.context.scene.render.fps = round(MODEL_FPS)
    bpy.context.view_layer.update()
    marked = [pose.load() for pose in properties.of(obj).poses]
    assert len(marked) == 1
    walk = MotionClip(clip("walk")[:31], MODEL_FPS)
    if how == "refused":
        with pytest.raises(RigError, match=r"mark (it|the pose) again"):
            apply_clip(obj, walk, marked, 1, "walk")
        return
    here = poses_in_object_space(obj, describe(obj), marked, None, ())
    apply_clip(obj, walk, here, 1, "walk")
    bpy.context.scene.frame_set(FRAME)
    off = np.linalg.norm(ends(obj, how) - before, axis=-1).max()
    assert off < 1e-3 * describe(obj).leg

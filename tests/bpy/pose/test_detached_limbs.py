"""Hands and feet that are not children of their limbs: as if they were, and met at marked poses.

Each rig is compared with a twin whose limbs carry them.
"""

import bpy
import numpy as np
import pytest
from mathutils import Matrix, Vector

from motiongpt_blender.core.body.motion import MODEL_FPS, MotionClip
from motiongpt_blender.core.pose_constraints.marked_pose import PoseRole
from motiongpt_blender.core.rig.rig_options import REACH, RigOptions, RootTarget
from motiongpt_blender.core.timeline.frame_range import Fit
from motiongpt_blender.scene.pose.mark_pose import mark_pose
from motiongpt_blender.scene.pose.object_space import poses_in_object_space
from motiongpt_blender.scene.pose.rest_pose import carried_over
from motiongpt_blender.scene.rig.description import describe
from motiongpt_blender.scene.take.apply import apply_clip
from tests.support.clips import clip
from tests.support.rigs.driving import with_root
from tests.support.rigs.posing import turn, update

#: Frames of the take, the marked one, and one beyond its reach.
COUNT, FRAME, FAR = 60, 45, 16
SCALE = 2.6
#: What does not follow its limb -> its parent instead; "" is none.
PARENTS = {
    "feet on the root": {"l_ankle": "root", "r_ankle": "root"},
    "feet on nothing": {"l_ankle": "", "r_ankle": ""},
    "a hand on the chest": {"l_wrist": "spine3"},
}
DETACHED = ("l_ankle", "r_ankle", "l_wrist")


@pytest.fixture
def twins(empty_scene, make_smpl_rig):
    """``twins(kind)``: a rig with a root bone, of odd scale, and one with detached limbs."""

    def make(kind):
        pair = []
        for parents in ({}, PARENTS[kind]):
            obj = make_smpl_rig(scale=SCALE)
            with_root(obj)
            obj.scale = (0.7, 0.7, 0.7)
            bpy.context.view_layer.objects.active = obj
            bpy.ops.object.mode_set(mode="EDIT")
            bones = obj.data.edit_bones
            for name, parent in parents.items():
                bones[name].use_connect = False
                bones[name].parent = bones.get(parent)
            bpy.ops.object.mode_set(mode="OBJECT")
            pair.append(obj)
        bpy.context.scene.render.fps, bpy.context.scene.render.fps_base = round(MODEL_FPS), 1.0
        update(pair[0])
        return pair

    return make


def places(obj):
    """Axes and head in the world of the bones that may be detached, (3, 4, 3), model metres."""
    update(obj)
    posed = obj.evaluated_get(bpy.context.evaluated_depsgraph_get())
    unit = 0.7 * describe(obj).scale
    matrices = [np.array(posed.matrix_world @ posed.pose.bones[name].matrix) for name in DETACHED]
    axes = [m[:3, :3].T / np.linalg.norm(m[:3, :3], axis=0)[:, None] for m in matrices]
    return np.array([[*a, m[:3, 3] / unit] for a, m in zip(axes, matrices, strict=True)])


def pose(obj):
    """A turned, moved body, its root bone moved too."""
    bones = obj.pose.bones
    turn(bones["root"], (0.0, 25.0, 0.0))
    turn(bones["pelvis"], (0.0, 50.0, 8.0))
    turn(bones["l_knee"], (25.0, 0.0, 5.0))
    turn(bones["l_ankle"], (20.0, 10.0, -10.0))
    bones["root"].location, bones["pelvis"].location = (0.3, 0.2, 0.1), (0.2, 0.1, -0.3)
    update(obj)


def put_where(obj, other):
    """Put the bones that may be detached where another armature has them."""
    for name in DETACHED:
        obj.pose.bones[name].matrix = other.pose.bones[name].matrix
        update(obj)


def mark(obj):
    """The marked pose, and how it looked; the armature is at rest again, but for its root bone."""
    marked, looks = mark_pose(obj, describe(obj), FRAME, PoseRole.KEY), places(obj)
    assert marked.fk_mismatches == ()
    for bone in obj.pose.bones:
        if bone.name != "root":
            bone.matrix_basis = Matrix.Identity(4)
    update(obj)
    return marked, looks


def play(obj, marked, root=RootTarget.HIPS, frames=range(1, COUNT + 1, 4)):
    """Where the detached bones are at frames of a take through marked poses."""
    here = poses_in_object_space(obj, describe(obj), marked, None, ())
    walk = MotionClip(clip("walk")[:COUNT], MODEL_FPS)
    apply_clip(obj, walk, here, 1, "walk", RigOptions(root=root))
    out = []
    for frame in frames:
        bpy.context.scene.frame_set(frame)
        out.append(places(obj))
    return np.array(out)


@pytest.mark.parametrize("root", RootTarget)
@pytest.mark.parametrize("kind", PARENTS)
def test_they_follow_their_limbs_as_children_do(twins, kind, root):
    """Through a pose that turns the body's path, below a root bone that was moved."""
    whole, detached = twins(kind)
    for obj in (whole, detached):
        pose(obj)
    put_where(detached, whole)
    takes = [play(obj, [mark(obj)[0]], root) for obj in (whole, detached)]
    away = np.abs(takes[1] - takes[0]).max((1, 2, 3))
    near = np.abs(np.arange(1, COUNT + 1, 4) - FRAME) <= REACH * MODEL_FPS
    assert away[~near].max() < 1e-4
    assert away[FRAME // 4] < 1e-4
    assert away[near].max() < 0.6  # rotations of another space fade another way


@pytest.mark.parametrize("kind", PARENTS)
def test_a_pose_that_has_them_beside_their_limbs_is_met(twins, kind):
    """Wherever character and root bone are meanwhile; far from the pose they follow their limbs."""
    whole, detached = twins(kind)
    for obj in (whole, detached):
        pose(obj)
    put_where(detached, whole)
    unmoved, _ = mark(whole)
    for name in PARENTS[kind]:
        detached.pose.bones[name].location += Vector((0.5, -0.3, 0.4))
    update(detached)
    marked, looks = mark(detached)
    for obj in (whole, detached):
        obj.location, obj.rotation_euler = (2.0, -1.0, 0.5), (0.0, 0.0, 0.7)
        turn(obj.pose.bones["root"], (0.0, -40.0, 0.0))
        obj.pose.bones["root"].location = (-0.2, 0.0, 0.3)
        update(obj)
    frames = (FAR, FRAME - 4, FRAME)
    away = play(detached, [marked], frames=frames)
    followed = play(whole, [unmoved], frames=frames)
    assert np.abs(away[2] - looks).max() < 1e-4
    assert np.abs(away[0] - followed[0]).max() < 1e-4
    beside = np.linalg.norm(away[:, :, 3] - followed[:, :, 3], axis=-1).max(1)
    assert 0.5 * beside[2] < beside[1] < beside[2]
    assert beside[2] > 0.15


def test_a_loop_ends_with_a_foot_beside_its_leg_as_it_began(twins):
    _, obj = twins("feet on the root")
    obj.pose.bones["l_ankle"].location = (0.5, -0.3, 0.4)
    update(obj)
    start, looks = mark_pose(obj, describe(obj), 1, PoseRole.START), places(obj)
    walk = MotionClip(clip("walk")[:COUNT], MODEL_FPS)
    apply_clip(obj, walk, [start], 1, "walk", None, Fit(loop=True))
    ends = []
    for frame in (1, COUNT):
        bpy.context.scene.frame_set(frame)
        ends.append(places(obj))
    assert np.abs(ends[0] - looks).max() < 1e-4
    foot, _, hand = (ends[1] - ends[0])[:, 3]
    assert np.abs(foot - hand).max() < 1e-4  # the whole body has walked on


def test_a_foot_beside_its_leg_is_carried_over_to_an_applied_scale(twins):
    _, obj = twins("feet on the root")
    obj.pose.bones["l_ankle"].location = (0.5, -0.3, 0.4)
    update(obj)
    marked, looks = mark(obj)
    obj.select_set(True)
    bpy.context.view_layer.objects.active = obj
    bpy.ops.object.transform_apply(location=False, rotation=False, scale=True)
    update(obj)
    shown = play(obj, carried_over(obj, [marked], describe(obj)), frames=[FRAME])
    unit = 0.7  # which is in the armature now
    shown[..., 3, :] *= unit
    assert np.abs(shown[0] - looks).max() < 1e-4

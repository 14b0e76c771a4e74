"""Characters that stand elsewhere than on the floor of their rest pose: platforms and steps."""

import bpy
import numpy as np
import pytest
from mathutils import Matrix

from motiongpt_blender.core.body.motion import MODEL_FPS, MotionClip
from motiongpt_blender.core.body.skeleton import Joint
from motiongpt_blender.core.pose_constraints.marked_pose import MarkedPose, PoseRole
from motiongpt_blender.core.rig.rig_options import RigOptions
from motiongpt_blender.scene.pose.capture import capture_joints, capture_pose
from motiongpt_blender.scene.rig.description import describe
from motiongpt_blender.scene.take.apply import apply_clip
from tests.support.clips import clip

#: What is tested hangs on no version of Blender.
pytestmark = pytest.mark.sweep

LOCKED = RigOptions(lock_feet=True)
#: Frames of a walk of four seconds.
LAST = 81


def lift(obj, metres):
    """Raise the character by metres of the model, by its root control."""
    rig = describe(obj)
    root = obj.pose.bones[rig.root]
    root.matrix_basis.identity()
    bpy.context.view_layer.update()
    root.matrix = Matrix.Translation((0, 0, metres * rig.scale)) @ root.matrix
    bpy.context.view_layer.update()


def mark(obj, frame, role, metres, ahead=0.0):
    """A pose at rest, so many metres of the model up and ahead."""
    rig = describe(obj)
    lift(obj, metres)
    obj.pose.bones[rig.root].matrix = (
        Matrix.Translation((0, -ahead * rig.scale, 0)) @ obj.pose.bones[rig.root].matrix
    )
    bpy.context.view_layer.update()
    return MarkedPose(frame, role, capture_pose(obj, rig), capture_joints(obj, rig))


def joints_of_take(obj, report):
    """Joints (T, 22, 3) of a take as it plays, in metres of the model."""
    rig, out = describe(obj), []
    for frame in range(int(report.frame_start), int(report.frame_end) + 1):
        bpy.context.scene.frame_set(frame)
        out.append(capture_joints(obj, rig))
    return np.array(out)


def walk():
    return MotionClip(clip("walk")[:LAST], MODEL_FPS)


def lowest_feet(joints):
    """Height (T,) of the lower foot in metres."""
    return joints[:, [Joint.L_FOOT, Joint.R_FOOT], 1].min(1)


def test_a_motion_between_poses_on_a_platform_stays_on_it(smpl_rig):
    ahead = float(np.ptp(walk().joints[:, Joint.PELVIS, 2]))
    marked = [
        mark(smpl_rig, 1, PoseRole.START, 1.0),
        mark(smpl_rig, LAST, PoseRole.END, 1.0, ahead),
    ]
    feet = lowest_feet(
        joints_of_take(smpl_rig, apply_clip(smpl_rig, walk(), marked, 1, "walk", LOCKED))
    )
    assert feet.min() > 0.95 and feet.max() < 1.1


@pytest.mark.parametrize("height", [0.6, -0.6])
def test_the_way_between_two_heights_leads_from_one_to_the_other(smpl_rig, height):
    ahead = float(np.ptp(walk().joints[:, Joint.PELVIS, 2]))
    marked = [
        mark(smpl_rig, 1, PoseRole.START, 0.0),
        mark(smpl_rig, LAST, PoseRole.END, height, ahead),
    ]
    report = apply_clip(smpl_rig, walk(), marked, 1, "walk", LOCKED)
    pelvis = joints_of_take(smpl_rig, report)[:, Joint.PELVIS, 1]
    risen = (pelvis - pelvis[0]) * np.sign(height)
    assert abs(risen[40] - 0.3) < 0.2 and abs(risen[-1] - 0.6) < 0.02
    assert abs(np.diff(pelvis)).max() < 0.05
    assert all(r.body_cm < 30 for r in report.keys), "the model's motion is on its own floor"


def test_without_poses_a_character_stays_at_the_height_where_it_stands(smpl_rig):
    lift(smpl_rig, 3.0)
    feet = lowest_feet(
        joints_of_take(smpl_rig, apply_clip(smpl_rig, walk(), [], 1, "walk", LOCKED))
    )
    assert feet.min() > 2.95 and feet.max() < 3.1


def test_a_rest_pose_far_away_says_nothing_about_the_floor(smpl_rig):
    """As importers make them: the rest pose hangs in the air, the character's pose does not."""
    bpy.ops.object.select_all(action="DESELECT")
    bpy.context.view_layer.objects.active = smpl_rig
    bpy.ops.object.mode_set(mode="EDIT")
    away = Matrix.Translation((-248, 261, 26))
    for bone in smpl_rig.data.edit_bones:
        bone.use_connect = False
    for bone in smpl_rig.data.edit_bones:
        bone.head, bone.tail = away @ bone.head, away @ bone.tail
    bpy.ops.object.mode_set(mode="OBJECT")
    rig = describe(smpl_rig)
    root = smpl_rig.pose.bones[rig.root]
    root.matrix = away.inverted() @ root.matrix
    bpy.context.view_layer.update()
    apply_clip(smpl_rig, walk(), [], 1, "walk", LOCKED)
    bpy.context.scene.frame_set(40)
    toes = [smpl_rig.pose.bones[c.body].head for c in rig.controls if c.part.base == "toe"]
    assert abs(min(t.z for t in toes)) < 0.1 and all(t.length < 3 for t in toes)

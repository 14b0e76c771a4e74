"""Legs that IK constraints hold, as MikuMikuDance rigs have them: off for a take, then back."""

import bpy
import numpy as np
import pytest

from motiongpt_blender.core.pose_constraints.marked_pose import PoseRole
from motiongpt_blender.core.rig.bone_maps import Part
from motiongpt_blender.scene.pose.mark_pose import mark_pose
from motiongpt_blender.scene.pose.show_pose import show_pose
from motiongpt_blender.scene.rig.description import describe
from motiongpt_blender.scene.take.remove_take import remove_take
from tests.support.rigs.driving import put_on
from tests.support.rigs.families import build_family, build_of


@pytest.fixture
def legs_on_ik(registered):
    """An MMD rig whose shins reach for two empties, and the two constraints."""
    obj = build_family(build_of("mmd"))
    names = {c.part: c.name for c in describe(obj).controls}
    held = []
    for side in "lr":
        goal = bpy.data.objects.new(f"goal {side}", None)
        bpy.context.collection.objects.link(goal)
        foot = obj.data.bones[names[Part(f"foot_{side}")]]
        goal.location = obj.matrix_world @ foot.head_local
        ik = obj.pose.bones[names[Part(f"shin_{side}")]].constraints.new("IK")
        ik.target, ik.chain_count, ik.influence = goal, 2, 0.75
        held.append(ik)
    return obj, held


def test_a_take_shows_and_the_constraints_come_back(legs_on_ik):
    obj, held = legs_on_ik
    report, _, errors = put_on(obj)
    assert errors.limbs.max() < 2
    assert all(ik.influence == 0 for ik in held)
    assert "switched off while the take plays" in " ".join(report.notes)
    remove_take(report.action_name, report.ids)
    bpy.context.scene.frame_set(3)
    assert [ik.influence for ik in held] == [0.75, 0.75]


def test_a_second_take_remembers_how_it_was_before_the_first(legs_on_ik):
    obj, held = legs_on_ik
    first, _, _ = put_on(obj)
    second, _, errors = put_on(obj)
    assert errors.limbs.max() < 2
    for report in (first, second):
        remove_take(report.action_name, report.ids)
    bpy.context.scene.frame_set(3)
    assert [ik.influence for ik in held] == [0.75, 0.75]


def test_a_muted_constraint_is_let_be(legs_on_ik):
    obj, held = legs_on_ik
    for ik in held:
        ik.mute = True
    put_on(obj)
    assert np.allclose([ik.influence for ik in held], 0.75)


def test_marked_and_stored_poses_keep_the_influences(legs_on_ik):
    obj, held = legs_on_ik
    held[1].influence = 0.25
    bpy.context.scene.motiongpt.armature = obj
    assert bpy.ops.motiongpt.add_pose() == {"FINISHED"}
    owners = [bone for bone in obj.pose.bones if len(bone.constraints)]
    kept = {(name, ik): value for name, ik, value in obj.motiongpt.poses[0].load().pose.influences}
    assert kept == {
        (bone.name, bone.constraints[0].name): bone.constraints[0].influence for bone in owners
    }
    assert sorted(kept.values()) == [0.25, 0.75]


def feet(obj):
    bpy.context.view_layer.update()
    posed = obj.evaluated_get(bpy.context.evaluated_depsgraph_get())
    names = {c.part: c.name for c in describe(obj).controls}
    return np.array([posed.pose.bones[names[Part(f"foot_{s}")]].matrix for s in "lr"])


def test_a_pose_of_held_legs_and_one_of_a_take_are_shown_as_they_were_made(legs_on_ik):
    obj, held = legs_on_ik
    rig, scene = describe(obj), bpy.context.scene
    for ik in held:
        ik.target.location.z += 0.2
    scene.frame_set(1)
    made = feet(obj)
    by_hand = mark_pose(obj, rig, 1, PoseRole.KEY)
    put_on(obj)
    scene.frame_set(3)
    taken = feet(obj)
    of_take = mark_pose(obj, rig, 3, PoseRole.KEY)
    assert np.abs(made - taken).max() > 0.01
    for marked, expected, influence in ((by_hand, made, 0.75), (of_take, taken, 0.0)):
        scene.frame_set(5)
        entry = obj.motiongpt.poses.add()  # as the panel keeps it
        entry.store(marked)
        show_pose(scene, obj, entry.load())
        assert [ik.influence for ik in held] == [influence] * 2
        assert np.abs(feet(obj) - expected).max() < 1e-5

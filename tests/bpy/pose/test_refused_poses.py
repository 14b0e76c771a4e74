"""Marked poses and ranges that cannot be: one sentence each, and nothing is changed."""

import numpy as np
import pytest

from tests.support.matrix import sweep
from tests.support.takes import hand_keyed, scene_of, seen, show

bpy = pytest.importorskip("bpy", reason="Blender as a module is not installed here")


def mark(rig, frame, role="KEY", turned=0.0):
    """Mark a pose; ``turned`` degrees about the vertical at the same place."""
    show(frame)
    root = rig.pose.bones["pelvis"]
    half = np.radians(turned) / 2
    upright = root.bone.matrix_local.to_quaternion()
    about = type(upright)((np.cos(half), 0.0, 0.0, np.sin(half)))
    root.rotation_quaternion = upright.inverted() @ about @ upright
    bpy.context.view_layer.update()
    assert bpy.ops.motiongpt.add_pose(role=role) == {"FINISHED"}
    root.rotation_quaternion = (1.0, 0.0, 0.0, 0.0)
    bpy.context.view_layer.update()


def two_on_one_frame(rig, place):
    mark(rig, 10)
    mark(rig, 20)
    rig.motiongpt.poses[1].frame = 10  # as a script or an older file may leave it


def outside_of_a_range(rig, place):
    mark(rig, 60)
    place.mode, place.start, place.end = "RANGE", 10, 50


def before_the_start(rig, place):
    mark(rig, 5)
    mark(rig, 30, "START")


def end_before_start(rig, place):
    mark(rig, 50, "START")
    mark(rig, 20, "END")


def a_single_frame(rig, place):
    mark(rig, 40)
    place.mode, place.start, place.end = "RANGE", 40, 40


def a_range_backwards(rig, place):
    mark(rig, 20)
    place.mode, place.start, place.end = "RANGE", 40, 10


def opposite_headings(rig, place):
    mark(rig, 20)
    mark(rig, 21, turned=180.0)


@pytest.mark.parametrize(
    ("wish", "says"),
    sweep(
        [
            (two_on_one_frame, "Two poses are marked at frame 10: remove one of them."),
            (
                outside_of_a_range,
                "The key pose at frame 60 lies outside the motion (frames 10 to 50)",
            ),
            (before_the_start, "The key pose at frame 5 lies outside the motion (frames 30 to"),
            (end_before_start, "The end pose (frame 20) lies before the start pose (frame 50)"),
            (a_single_frame, "The range is the one frame 40: a motion needs a later last frame."),
            (a_range_backwards, "The range ends at frame 10, before it starts at frame 40"),
            (opposite_headings, "The poses at frames 20 and 21 face 180° apart and leave 0.05 s"),
        ]
    ),
)
def test_what_cannot_be_is_refused_and_nothing_changes(addon, smpl_rig, wish, says):
    hand_keyed(smpl_rig, bones=("l_hip", "r_elbow"))
    wish(smpl_rig, bpy.context.scene.motiongpt.frame_range)
    show(15)
    smpl_rig.pose.bones["head"].rotation_quaternion = (0.8, 0.6, 0.0, 0.0)  # not keyed yet
    bpy.context.view_layer.update()
    stands = np.array([b.matrix for b in smpl_rig.pose.bones])
    marked = [p.at for p in smpl_rig.motiongpt.poses]
    before = scene_of(smpl_rig)
    with pytest.raises(RuntimeError) as refused:
        bpy.ops.motiongpt.generate()
    assert says in str(refused.value)
    assert addon.failed
    assert addon.message.endswith(".")
    assert "\n" not in addon.message
    assert addon.job is None
    assert scene_of(smpl_rig) == before
    assert bpy.context.scene.frame_current == 15
    assert [p.at for p in smpl_rig.motiongpt.poses] == marked
    assert np.array_equal(stands, np.array([b.matrix for b in smpl_rig.pose.bones]))


def test_opposite_headings_with_time_to_turn_are_sent(addon, smpl_rig):
    mark(smpl_rig, 20)
    mark(smpl_rig, 40, turned=180.0)
    assert bpy.ops.motiongpt.generate() == {"FINISHED"}
    bpy.ops.motiongpt.cancel()
    assert np.isfinite(seen(smpl_rig, 20)).all()

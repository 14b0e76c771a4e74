"""Takes beside other animation: nothing changes outside, the seams cannot be seen."""

import numpy as np
import pytest

from motiongpt_blender.core.body.rotations import angle_between, normalise
from tests.support.matrix import sweep
from tests.support.session import asked
from tests.support.takes import assert_smooth, generate, hand_keyed, jump, seen, show, wait

bpy = pytest.importorskip("bpy", reason="Blender as a module is not installed here")


def assert_outside(rig, before, frames):
    for frame, matrices in zip(frames, before, strict=True):
        assert np.abs(seen(rig, frame) - matrices).max() < 2e-5, frame


OUTSIDE = (-5, 1, 10, 19, 20, 41, 55.5, 70, 99, 100, 130)


@pytest.mark.parametrize("mode", sweep(["RANGE", "BETWEEN"]))
def test_outside_of_a_window_nothing_changes_and_the_seams_are_smooth(addon, smpl_rig, mode):
    hand_keyed(smpl_rig)
    free = smpl_rig.pose.bones["r_shoulder"]  # posed, never keyed
    free.rotation_quaternion = normalise(np.array([0.9, 0.2, 0.1, 0.0]))
    before = [seen(smpl_rig, f) for f in OUTSIDE]
    place = bpy.context.scene.motiongpt.frame_range
    place.mode, place.start, place.end = mode, 20, 40
    show(33)
    report = generate(addon)
    assert (report.frame_start, report.frame_end) == (20, 40)
    assert [k.frame for k in report.keys] == [20, 40]
    assert_outside(smpl_rig, before, OUTSIDE)
    for seam in report.seams:
        assert seam.degrees > 5
        assert seam.degrees_left < 0.5
        assert seam.cm_left < 0.1
    for frame in (20, 40):
        assert_smooth(smpl_rig, frame)
    middle = seen(smpl_rig, 30)
    for track in smpl_rig.animation_data.nla_tracks:
        if track.name == report.track_name:
            track.mute = True
    assert np.abs(seen(smpl_rig, 30) - middle).max() > 0.05  # inside, it did change
    assert bpy.context.scene.frame_current == 30


@pytest.mark.sweep
def test_without_fitting_the_seam_would_jump(addon, smpl_rig, monkeypatch):
    from motiongpt_blender.core import finish_motion

    hand_keyed(smpl_rig)
    place = bpy.context.scene.motiongpt.frame_range
    place.mode, place.start, place.end = "RANGE", 25, 45
    monkeypatch.setattr(finish_motion, "blend_speeds", lambda motion, *_: (motion, ()))
    generate(addon)
    assert max(jump(smpl_rig, 25), jump(smpl_rig, 45)) > 2.0


def test_curves_that_go_on_beyond_their_keys_still_do(addon, smpl_rig):
    hand_keyed(smpl_rig, frames=(1, 20, 40))
    from motiongpt_blender import compat

    data = smpl_rig.animation_data
    for curve in compat.slot_curves(data.action, compat.active_slot(data)):
        curve.modifiers.new("CYCLES")
    frames = (-60, 0, 60, 77, 300)
    before = [seen(smpl_rig, f) for f in frames]
    place = bpy.context.scene.motiongpt.frame_range
    place.mode, place.start, place.end = "RANGE", 15, 35
    generate(addon)
    assert_outside(smpl_rig, before, frames)


def test_a_take_goes_on_after_the_last_frame_and_another_after_that(addon, smpl_rig):
    hand_keyed(smpl_rig, frames=(1, 20, 40))
    scene = bpy.context.scene
    scene.motiongpt.frame_range.mode, asked().seconds = "CONTINUE", 1.5
    before = [seen(smpl_rig, f) for f in (1, 10, 30, 40)]
    first = generate(addon)
    assert (first.frame_start, first.frame_end) == (40, 70)
    second = generate(addon)
    assert (second.frame_start, second.frame_end) == (70, 100)
    assert_outside(smpl_rig, before, (1, 10, 30, 40))
    assert_smooth(smpl_rig, 40)
    assert_smooth(smpl_rig, 70)
    last = seen(smpl_rig, 100)
    assert np.abs(seen(smpl_rig, 140) - last).max() < 1e-5  # its last pose stays
    assert len([t for t in smpl_rig.animation_data.nla_tracks if not t.mute]) >= 3


@pytest.mark.parametrize("in_place", sweep([False, True]))
def test_a_loop_closes_and_repeats(addon, smpl_rig, in_place):
    scene = bpy.context.scene
    asked().seconds = 2.0
    place = scene.motiongpt.frame_range
    place.loop = place.cyclic = True
    smpl_rig.motiongpt.retargeting.in_place = in_place
    scene.frame_end = 150
    show(1)
    report = generate(addon)
    assert (report.frame_start, report.frame_end) == (1, 41)
    first, last, again = (seen(smpl_rig, f) for f in (1, 41, 81))
    turns = np.degrees([angle_between(*_pair(a, b)) for a, b in zip(first, last, strict=True)])
    assert turns.max() < 0.02
    moved = last[:, :3, 3] - first[:, :3, 3]
    assert np.abs(moved - moved[0]).max() < 1e-4  # all bones by the same way
    assert np.linalg.norm(moved[0]) < 1e-4 if in_place else np.linalg.norm(moved[0]) > 0.5
    assert np.allclose(again[:, :3, 3] - last[:, :3, 3], moved, atol=2e-4)
    # Feet are locked round the circle, so that the seam is a frame like any other of its steps.
    assert_smooth(smpl_rig, 41, most=np.median([jump(smpl_rig, f) for f in range(45, 60)]))
    strip = smpl_rig.animation_data.nla_tracks[report.track_name].strips[0]
    assert strip.frame_end == 150
    assert strip.action.use_cyclic


def test_takes_of_one_prompt_have_tracks_of_their_own_and_loop(addon, smpl_rig):
    scene = bpy.context.scene
    asked().seconds = 1.0
    first = generate(addon)
    place = scene.motiongpt.frame_range
    place.loop = place.cyclic = True
    scene.frame_end = 60
    second = generate(addon)
    names = [track.name for track in smpl_rig.animation_data.nla_tracks]
    assert names == [first.track_name, second.track_name]
    assert len(set(names)) == 2
    tracks = smpl_rig.animation_data.nla_tracks
    assert [tracks[name].strips[0].frame_end for name in names] == [21, 60]
    assert tracks[second.track_name].strips[0].action.name == second.action_name


def _pair(a, b):
    from mathutils import Matrix

    return tuple(np.array(Matrix(m[:3, :3].tolist()).to_quaternion()) for m in (a, b))


def test_a_loop_from_a_start_pose(addon, smpl_rig):
    show(5)
    smpl_rig.pose.bones["l_shoulder"].rotation_quaternion = normalise(np.array([0.9, 0.3, 0, 0]))
    bpy.ops.motiongpt.add_pose(role="START")
    bpy.context.scene.motiongpt.frame_range.loop = True
    report = generate(addon)
    assert [k.frame for k in report.keys] == [5]
    ends = [seen(smpl_rig, f)[:, :3, :3] for f in (5, report.frame_end)]
    assert np.abs(ends[0] - ends[1]).max() < 1e-3


@pytest.mark.parametrize(
    ("mode", "options", "says"),
    sweep(
        [
            ("RANGE", {"start": 40, "end": 10}, "before it starts at frame 40"),
            ("RANGE", {"start": 40, "end": 40}, "the one frame 40"),
            ("RANGE", {"start": 40, "end": 42}, "the shortest is 0.4 s"),
            ("RANGE", {"start": 1, "end": 4000}, "the model makes 9.8 s at most"),
            ("BETWEEN", {}, "no keyframe after frame 120"),
            ("RANGE", {"start": 10, "end": 40, "loop": True}, "cannot also join"),
            ("CONTINUE", {"loop": True}, "cannot also join"),
        ]
    ),
)
def test_windows_that_are_refused_change_nothing(addon, smpl_rig, mode, options, says):
    hand_keyed(smpl_rig, frames=(1, 20, 40))
    place = bpy.context.scene.motiongpt.frame_range
    place.mode = mode
    for name, value in options.items():
        setattr(place, name, value)
    show(120)
    before = len(bpy.data.actions), smpl_rig.animation_data.action
    with pytest.raises(RuntimeError, match=says):
        bpy.ops.motiongpt.generate()
    assert addon.failed
    assert "\n" not in addon.message
    assert (len(bpy.data.actions), smpl_rig.animation_data.action) == before
    assert bpy.context.scene.frame_current == 120


def test_nothing_to_continue_a_solo_track_and_a_loop_with_an_end(addon, smpl_rig):
    place = bpy.context.scene.motiongpt.frame_range
    place.mode = "CONTINUE"
    with pytest.raises(RuntimeError, match="no animation to continue"):
        bpy.ops.motiongpt.generate()
    place.mode = "FREE"
    report = generate(addon)
    smpl_rig.animation_data.nla_tracks[report.track_name].is_solo = True
    place.mode = "CONTINUE"
    with pytest.raises(RuntimeError, match="soloed"):
        bpy.ops.motiongpt.generate()
    place.mode, place.loop = "FREE", True
    show(60)
    bpy.ops.motiongpt.add_pose(role="END")
    with pytest.raises(RuntimeError, match="remove the end pose"):
        bpy.ops.motiongpt.generate()


def test_a_pose_that_was_not_keyed_yet_survives_the_look_around(addon, smpl_rig):
    hand_keyed(smpl_rig)
    show(30)
    bone = smpl_rig.pose.bones["l_hip"]
    bone.rotation_quaternion = (0.8, 0.6, 0.0, 0.0)
    place = bpy.context.scene.motiongpt.frame_range
    place.mode, place.start, place.end = "RANGE", 20, 40
    bpy.ops.motiongpt.generate()
    assert tuple(bone.rotation_quaternion) == pytest.approx((0.8, 0.6, 0.0, 0.0))
    bpy.ops.motiongpt.cancel()
    wait(addon)


def test_the_range_is_taken_from_selected_keys_or_the_preview_range(addon, smpl_rig):
    hand_keyed(smpl_rig, frames=(1, 20, 40))
    scene, place = bpy.context.scene, bpy.context.scene.motiongpt.frame_range
    from motiongpt_blender import compat

    data = smpl_rig.animation_data
    for curve in compat.slot_curves(data.action, compat.active_slot(data)):
        for point in curve.keyframe_points:
            point.select_control_point = point.co[0] > 10
    bpy.ops.motiongpt.range_from_selection()
    assert (place.start, place.end) == (20, 40)
    for curve in compat.slot_curves(data.action, compat.active_slot(data)):
        for point in curve.keyframe_points:
            point.select_control_point = False
    scene.use_preview_range, scene.frame_preview_start, scene.frame_preview_end = True, 7, 33
    bpy.ops.motiongpt.range_from_selection()
    assert (place.start, place.end) == (7, 33)


@pytest.mark.sweep
@pytest.mark.parametrize(
    ("fps", "base"),
    [(24, 1.001), (12, 1.0), (25, 1.0), (30, 1.001), (60, 1.0), (120, 1.0), (120, 1.001)],
)
def test_windows_at_every_frame_rate(addon, smpl_rig, fps, base):
    scene = bpy.context.scene
    scene.render.fps, scene.render.fps_base = fps, base
    at = [round(t * fps / base) + 1 for t in (0, 1, 2, 3)]
    hand_keyed(smpl_rig, frames=at)
    frames = (1, at[1], at[2], at[3])
    before = [seen(smpl_rig, f) for f in frames]
    place = scene.motiongpt.frame_range
    place.mode, place.start, place.end = "RANGE", at[1], at[2]
    report = generate(addon)
    assert (report.frame_start, report.frame_end) == (at[1], at[2])
    assert_outside(smpl_rig, before, frames)
    for frame in at[1:3]:
        assert_smooth(smpl_rig, frame, fps / base)


def test_a_start_between_two_frames(addon, smpl_rig):
    show(10.5)
    smpl_rig.pose.bones["l_shoulder"].rotation_quaternion = normalise(np.array([0.9, 0.3, 0, 0]))
    marked = seen(smpl_rig, 10.5)
    bpy.ops.motiongpt.add_pose(role="START")
    assert smpl_rig.motiongpt.poses[0].at == 10.5
    asked().seconds = 1.0
    report = generate(addon)
    assert (report.frame_start, report.frame_end) == (10.5, 30.5)
    assert np.abs(seen(smpl_rig, 10.5) - marked).max() < 1e-4
    strip = smpl_rig.animation_data.nla_tracks[report.track_name].strips[0]
    assert (strip.frame_start, strip.frame_end) == (10.5, 30.5)
    curve = next(iter(_curves(strip.action)))
    assert curve.keyframe_points[0].co[0] == 10.5
    bpy.ops.motiongpt.jump_to_pose()
    assert (bpy.context.scene.frame_current, bpy.context.scene.frame_subframe) == (10, 0.5)
    show(20)
    bpy.ops.motiongpt.add_pose(role="KEY")
    with pytest.raises(RuntimeError, match="not a whole number of frames"):
        bpy.ops.motiongpt.generate()


def _curves(action):
    from motiongpt_blender import compat

    return compat.all_curves(action)


def test_time_remapping_is_told_and_the_seams_still_fit(addon, smpl_rig):
    hand_keyed(smpl_rig)
    render, place = bpy.context.scene.render, bpy.context.scene.motiongpt.frame_range
    render.frame_map_old, render.frame_map_new = 100, 200
    place.mode, place.start, place.end = "RANGE", 20, 40
    generate(addon)
    assert any("Time remapping is on (100 to 200)" in note for note in addon.notes)
    render.frame_map_new = 100
    assert_smooth(smpl_rig, 20)
    assert_smooth(smpl_rig, 40)

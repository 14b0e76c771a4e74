"""A clip on a rig, from end to end: directions, floor, keys, tracks, and nothing lost."""

import math

import bpy
import numpy as np
import pytest
from mathutils import Vector

from motiongpt_blender import compat
from motiongpt_blender.core.body.motion import MotionClip, heading, place_at_origin
from motiongpt_blender.core.body.neutral_pose import DIRECTIONS, build
from motiongpt_blender.core.body.rotations import (
    angle_between,
    from_log,
    inverse,
    normalise,
    rotate,
)
from motiongpt_blender.core.body.skeleton import Joint
from motiongpt_blender.core.body.slices import run_to_end
from motiongpt_blender.core.pose_constraints.marked_pose import MarkedPose, PoseRole
from motiongpt_blender.core.pose_constraints.reports import PoseReport
from motiongpt_blender.core.timeline.frame_range import Fit
from motiongpt_blender.scene.errors import RigError
from motiongpt_blender.scene.pose.capture import capture_joints, capture_pose
from motiongpt_blender.scene.pose.mark_pose import mark_pose
from motiongpt_blender.scene.rig.description import describe
from motiongpt_blender.scene.take import apply as apply_module
from motiongpt_blender.scene.take.apply import ApplyReport, apply_clip, apply_slices
from motiongpt_blender.scene.take.record import TakeRecord
from motiongpt_blender.scene.take.remove_take import remove_take
from tests.support.clips import clips
from tests.support.matrix import sweep, sweep_but

RIGS = ("rigify_rig", "metarig", "smpl_rig")
LIMBS = (
    ("HIP", "KNEE", "thigh", "shin"), ("KNEE", "ANKLE", "shin", "foot"),
    ("SHOULDER", "ELBOW", "upper_arm", "forearm"), ("ELBOW", "WRIST", "forearm", "hand"),
)  # fmt: skip


def walking(count=40, fps=20.0):
    """A made-up walk of 1 m/s: swinging legs and arms, bent knees and elbows."""
    time = np.arange(count) / fps
    directions = np.repeat(DIRECTIONS[None], count, 0)
    for side, sign in (("L", 1.0), ("R", -1.0)):
        swing = 0.5 * sign * np.sin(2 * np.pi * time)
        bent = 0.2 + 0.4 * np.clip(-sign * np.cos(2 * np.pi * time), 0, 1)
        for joint, angle in (("KNEE", -swing), ("ANKLE", -swing + bent), ("FOOT", -swing + bent)):
            directions[:, Joint[f"{side}_{joint}"]] = _pitched(Joint[f"L_{joint}"], angle)
        arm = 0.4 * sign * np.sin(2 * np.pi * time)
        down = np.array([0.15 * sign, -1.0, 0.0])
        directions[:, Joint[f"{side}_ELBOW"]] = _turned(down, arm)
        directions[:, Joint[f"{side}_WRIST"]] = _turned(down, arm - 0.6)
    joints = build(normalise(directions), np.zeros((count, 3)))
    joints[..., 1] -= joints[:, [Joint.L_FOOT, Joint.R_FOOT], 1].min(1)[:, None]
    joints[..., 2] += time[:, None]
    return MotionClip(joints.astype(np.float32), fps, prompt="a person walks")


def _pitched(joint, angle):
    return _turned(DIRECTIONS[joint], angle)


def _turned(direction, angle):
    turn = from_log(angle[:, None] * np.array([1.0, 0.0, 0.0]))
    return rotate(turn, np.broadcast_to(direction, (len(angle), 3)))


@pytest.fixture(params=sweep_but(RIGS, ("rigify_rig", "smpl_rig")))
def character(request):
    return request.getfixturevalue(request.param)


def set_frame(frame):
    bpy.context.scene.frame_set(frame)


def bodies(rig):
    return {c.part.value: c.body for c in rig.controls}


def model_head(obj, rig, bone):
    point = rotate(inverse(rig.axes), np.array(obj.pose.bones[bone].head, dtype=float))
    return point - np.array([0, rig.floor, 0])


def limb_errors(obj, rig, joints, start):
    """Angles in degrees (frames, 8) between limbs on the rig and in the motion."""
    names, errors = bodies(rig), []
    for t in range(len(joints)):
        set_frame(start + t)
        row = []
        for side in "LR":
            for first, last, head, tail in LIMBS:
                seen = model_head(obj, rig, names[f"{tail}_{side.lower()}"]) - model_head(
                    obj, rig, names[f"{head}_{side.lower()}"]
                )
                wanted = joints[t, Joint[f"{side}_{last}"]] - joints[t, Joint[f"{side}_{first}"]]
                cosine = normalise(seen) @ normalise(wanted)
                row.append(math.degrees(math.acos(min(1.0, cosine))))
        errors.append(row)
    return np.array(errors)


def test_limbs_point_where_the_motion_points(character):
    clip = walking()
    report = apply_clip(character, clip, (), 1, "walk")
    assert isinstance(report, ApplyReport)
    assert (report.frame_start, report.frame_end) == (1, 40)
    errors = limb_errors(character, describe(character), clip.joints, 1)
    assert errors.mean() < 2
    assert errors.max() < 6


@pytest.mark.sweep
def test_feet_stay_near_the_floor_and_knees_bend_forwards(character):
    clip = walking()
    apply_clip(character, clip, (), 1, "walk")
    rig, names = describe(character), bodies(describe(character))
    for frame in range(1, 41):
        set_frame(frame)
        toes = [model_head(character, rig, names[f"toe_{s}"])[1] for s in "lr"]
        rest = rig.points[Joint.L_FOOT][1]
        assert abs(min(toes) - rest) < 0.03 * rig.scale
        for s in "lr":
            hip, knee, ankle = (
                model_head(character, rig, names[f"{p}_{s}"]) for p in ("thigh", "shin", "foot")
            )
            assert np.cross(knee - hip, ankle - knee)[0] > -1e-4  # the hinge points to the left


@pytest.mark.parametrize("fps, base", sweep([(30, 1.001), (24, 1.0), (60, 1.0)]))
def test_the_scenes_frame_rate_counts(smpl_rig, fps, base):
    bpy.context.scene.render.fps = fps
    bpy.context.scene.render.fps_base = base
    report = apply_clip(smpl_rig, walking(41), (), 10, "walk")
    assert report.frame_end == 10 + round(2 * fps / base)


def marked_pose(obj, frame, role):
    set_frame(frame)
    rig = describe(obj)
    return MarkedPose(frame, role, capture_pose(obj, rig), capture_joints(obj, rig))


def pose_by_keys(obj, rig, keys):
    """Key rotations by control: {frame: {control: rotation vector}}, and the root's place."""
    for frame, (turns, place) in keys.items():
        for name, vector in turns.items():
            bone = obj.pose.bones[name]
            bone.rotation_mode = "QUATERNION"
            bone.rotation_quaternion = from_log(np.radians(vector))
            bone.keyframe_insert("rotation_quaternion", frame=frame)
        bone = obj.pose.bones[rig.root]
        bone.location = place
        bone.keyframe_insert("location", frame=frame)


def by_part(rig, part):
    return next(c.name for c in rig.controls if c.part.value == part)


def author(obj):
    """Three poses of the animator's own: at frames 11, 25 and 51."""
    rig = describe(obj)
    arm, leg, chest = (by_part(rig, p) for p in ("upper_arm_l", "thigh_r", "chest"))
    keys = {
        11: ({arm: (0, 0, 0), leg: (0, 0, 0), chest: (0, 0, 0), rig.root: (0, 0, 0)}, (0, 0, 0)),
        25: ({arm: (40, 5, 20), leg: (-50, 0, 5), chest: (5, 10, 0), rig.root: (3, 20, 2)},
             (0.1, -0.1, 0.05)),
        51: ({arm: (10, 0, 60), leg: (20, 0, 0), chest: (0, 0, 5), rig.root: (0, 0, 0)},
             (0.6, 0.02, 0.3)),
    }  # fmt: skip
    pose_by_keys(obj, rig, keys)
    roles = {11: PoseRole.START, 25: PoseRole.KEY, 51: PoseRole.END}
    return [marked_pose(obj, f, r) for f, r in roles.items()]


def switch_to_fk(obj):
    for bone in obj.pose.bones:
        if "IK_FK" in bone:
            bone["IK_FK"] = 1.0
    obj.update_tag()


def test_marked_poses_come_back_exactly(character):
    switch_to_fk(character)
    marked = author(character)
    bpy.context.scene.render.fps = 24
    report = apply_clip(character, walking(), marked, 11, "walk")
    assert (report.frame_start, report.frame_end) == (11, 51)
    assert [k.frame for k in report.keys] == [11, 25, 51]
    assert all(isinstance(k, PoseReport) and k.body_degrees > 0 for k in report.keys)
    rig = describe(character)
    for mark in marked:
        set_frame(mark.frame)
        met = capture_pose(character, rig)
        for name, q in mark.pose.rotations.items():
            away = angle_between(np.array(met.rotations[name]), np.array(q))
            assert math.degrees(away) < 0.01, (name, mark.frame)
        place = np.subtract(met.root_location, mark.pose.root_location)
        assert np.linalg.norm(place) < 1e-4


def test_ik_poses_are_met_by_fk(rigify_rig):
    bones = rigify_rig.pose.bones
    bones["foot_ik.L"].location = (0.0, -0.2, 0.2)
    bones["hand_ik.L"].location = (-0.1, -0.25, 0.1)
    bones["spine_fk.001"].rotation_quaternion = from_log(np.radians([10, 5, 0]))
    bones["hips"].rotation_quaternion = from_log(np.radians([0, 12, 0]))
    bpy.context.view_layer.update()
    mark = marked_pose(rigify_rig, 20, PoseRole.KEY)
    shown = ("ORG-foot.L", "ORG-hand.L", "ORG-spine", "ORG-spine.003", "head")
    before = {n: bones[n].matrix.copy() for n in shown}
    apply_clip(rigify_rig, walking(), [mark], 1, "walk")
    set_frame(20)
    for name, matrix in before.items():
        assert (bones[name].matrix.translation - matrix.translation).length < 2e-3, name
        away = bones[name].matrix.to_quaternion().rotation_difference(matrix.to_quaternion())
        assert math.degrees(away.angle) % 360 < 0.1, name


def test_it_begins_where_the_rig_stands(smpl_rig):
    root = smpl_rig.pose.bones["pelvis"]
    root.rotation_mode = "XYZ"
    turned = from_log(np.radians([0, 70, 0]))
    root.rotation_mode = "QUATERNION"
    root.rotation_quaternion = turned
    root.location = (1.0, 0.0, 2.0)
    bpy.context.view_layer.update()
    rig = describe(smpl_rig)
    stood = capture_joints(smpl_rig, rig)
    apply_clip(smpl_rig, walking(), (), 5, "walk")
    set_frame(5)
    now = capture_joints(smpl_rig, rig)
    assert np.linalg.norm((now - stood)[Joint.PELVIS][[0, 2]]) < 0.02
    assert abs(heading(now) - heading(stood)) < 0.05


def test_a_moved_root_bone_is_taken_into_account(rigify_rig):
    rigify_rig.pose.bones["root"].location = (1.0, 2.0, 0.0)
    rigify_rig.pose.bones["root"].rotation_quaternion = from_log(np.radians([0, 0, 40]))
    bpy.context.view_layer.update()
    rig = describe(rigify_rig)
    mark = marked_pose(rigify_rig, 1, PoseRole.START)
    apply_clip(rigify_rig, walking(), [mark], 1, "walk")
    set_frame(1)
    met = capture_pose(rigify_rig, rig)
    assert np.allclose(met.root_location, mark.pose.root_location, atol=1e-4)
    away = angle_between(np.array(met.rotations["torso"]), np.array(mark.pose.rotations["torso"]))
    assert math.degrees(away) < 0.03


def curve_values(action):
    return {
        (c.data_path, c.array_index): [tuple(k.co) for k in c.keyframe_points]
        for c in compat.all_curves(action)
    }


def test_the_earlier_action_is_kept_on_a_muted_track(character):
    author(character)
    data = character.animation_data
    earlier = data.action
    values = curve_values(earlier)
    report = apply_clip(character, walking(), (), 1, "walk")
    assert data.action is None
    track = next(t for t in data.nla_tracks if t.strips[0].action == earlier)
    assert track.mute
    assert curve_values(earlier) == values
    assert not data.nla_tracks[report.track_name].mute
    again = apply_clip(character, walking(), (), 1, "walk")
    assert len(data.nla_tracks) == 3
    assert again.action_name != report.action_name


def test_generated_and_marked_keys_are_told_apart(smpl_rig):
    marked = author(smpl_rig)
    report = apply_clip(smpl_rig, walking(60), marked[:2], 11, "walk")
    action = bpy.data.actions[report.action_name]
    for curve in compat.all_curves(action):
        for key in curve.keyframe_points:
            kind = "KEYFRAME" if key.co[0] in (11, 25) else "GENERATED"
            assert key.type == kind


def test_switches_are_keyed_and_given_back(rigify_rig):
    rigify_rig.pose.bones["thigh_parent.L"]["IK_FK"] = 0.25
    report = apply_clip(rigify_rig, walking(), (), 1, "walk")
    action = bpy.data.actions[report.action_name]
    earlier = {(b, p): v for b, p, v in TakeRecord.load(action).switches}
    assert earlier["thigh_parent.L", "IK_FK"] == pytest.approx(0.25)
    set_frame(3)
    assert rigify_rig.pose.bones["thigh_parent.L"]["IK_FK"] == 1.0
    assert remove_take(report.action_name, report.ids)
    assert rigify_rig.pose.bones["thigh_parent.L"]["IK_FK"] == pytest.approx(0.25)
    assert report.action_name not in bpy.data.actions
    assert not remove_take("no such take")


@pytest.mark.parametrize("where", ["push_take", "write_slices", "finish_motion_slices"])
def test_a_failure_leaves_everything_as_it_was(smpl_rig, monkeypatch, where):
    author(smpl_rig)
    data = smpl_rig.animation_data
    earlier, actions = data.action, set(bpy.data.actions)

    def fail(*args, **kwargs):
        raise RuntimeError("broken on purpose")

    if where == "push_take":
        monkeypatch.setattr(compat, "bind_strip", fail)
    else:
        monkeypatch.setattr(apply_module, where, fail)
    with pytest.raises(RuntimeError, match="on purpose"):
        apply_clip(smpl_rig, walking(), (), 1, "walk")
    assert data.action == earlier
    assert len(data.nla_tracks) == 0
    assert set(bpy.data.actions) == actions


def test_the_result_shows_at_once_at_the_current_frame(smpl_rig):
    apply_clip(smpl_rig, walking(), (), 1, "first")
    smpl_rig.animation_data.use_nla = False
    smpl_rig.animation_data.nla_tracks[0].is_solo = True
    set_frame(20)
    apply_clip(smpl_rig, walking(), (), 1, "second")
    assert bpy.context.scene.frame_current == 20
    knee = smpl_rig.pose.bones["l_knee"]
    run_to_end = knee.matrix_basis.to_quaternion()
    set_frame(1)
    set_frame(20)
    assert (run_to_end - knee.matrix_basis.to_quaternion()).magnitude < 1e-6
    assert run_to_end.angle > 0.1


def test_a_single_frame_is_a_motion_too(smpl_rig):
    report = apply_clip(smpl_rig, walking(1), (), 7, "stand")
    assert (report.frame_start, report.frame_end) == (7, 7)


def test_tweak_mode_is_a_sentence(smpl_rig):
    apply_clip(smpl_rig, walking(), (), 1, "walk")
    data = smpl_rig.animation_data
    data.nla_tracks[0].strips[0].select = True
    data.use_tweak_mode = True
    with pytest.raises(RigError, match="tweak mode"):
        apply_clip(smpl_rig, walking(), (), 1, "walk")


@pytest.mark.sweep
def test_real_clips_land_on_a_rigify_rig(rigify_rig):
    rig = describe(rigify_rig)
    for whole in clips().values():
        joints = whole[-30:]
        for bone in rigify_rig.pose.bones:
            bone.matrix_basis.identity()
        bpy.context.view_layer.update()
        report = apply_clip(rigify_rig, MotionClip(joints.astype(np.float32)), (), 1, "clip")
        errors = limb_errors(rigify_rig, rig, place_at_origin(joints), 1)
        assert errors.mean() < 2
        assert errors.max() < 6
        assert remove_take(report.action_name, report.ids)


@pytest.mark.sweep
def test_a_way_that_the_motion_does_not_go_is_dragged_and_told(smpl_rig):
    rig = describe(smpl_rig)
    begin = mark_pose(smpl_rig, rig, 1, PoseRole.START)
    root = smpl_rig.pose.bones[rig.root]
    root.location = root.bone.matrix_local.to_3x3().inverted() @ Vector((0.0, -10.0, 0.0))
    bpy.context.view_layer.update()
    wanted = smpl_rig.pose.bones[rig.root].matrix.translation.copy()
    end = mark_pose(smpl_rig, rig, 25, PoseRole.END)
    joints = np.repeat(begin.joints[None], 30, axis=0)
    report = apply_clip(smpl_rig, MotionClip(joints, 20), [begin, end], 1, "stand")
    bpy.context.scene.frame_set(25)
    assert (smpl_rig.pose.bones[rig.root].matrix.translation - wanted).length < 1e-4
    assert any(
        "frame 25" in note and "the feet slide over the remaining" in note for note in report.notes
    )


def test_a_planned_take_has_its_length_and_begins_where_it_is_said(smpl_rig):
    """The frames that were planned are written; without a pose it begins at its stance."""
    stands = capture_joints(smpl_rig, describe(smpl_rig)) + np.float32([0.7, 0.0, 0.3])
    pose = capture_pose(smpl_rig, describe(smpl_rig))
    fit = Fit(standing=MarkedPose(3, PoseRole.START, pose, stands))
    report = run_to_end(apply_slices(smpl_rig, walking(), (), 3, "walk", fit=fit, count=25))
    assert (report.frame_start, report.frame_end) == (3, 27)
    set_frame(3)
    now = capture_joints(smpl_rig, describe(smpl_rig))
    assert np.linalg.norm((now - stands)[Joint.PELVIS][[0, 2]]) < 0.02

"""Remove takes the chosen take off: what it made goes, everything else is as it was."""

import numpy as np
import pytest

from motiongpt_blender import compat
from tests.support.matrix import sweep
from tests.support.session import asked
from tests.support.takes import (
    JUMP,
    WALK,
    blocks,
    generate,
    hand_keyed,
    make,
    scene_of,
    seen,
    show,
    spans,
)

bpy = pytest.importorskip("bpy", reason="Blender as a module is not installed here")

FRAMES = (-5, 1, 20, 30, 45, 80)


def removed(rig):
    takes = rig.motiongpt.takes.entries
    count = len(takes)
    assert bpy.ops.motiongpt.remove_take() == {"FINISHED"}
    assert len(takes) == count - 1
    assert bpy.ops.motiongpt.remove_take.poll() == (count > 1)


@pytest.mark.parametrize("root", ["HIPS", "OBJECT"])
@pytest.mark.parametrize("in_place", sweep([False, True]))
def test_a_take_alone_leaves_the_pose_that_stood(addon, smpl_rig, root, in_place):
    chosen = smpl_rig.motiongpt.retargeting
    chosen.root, chosen.in_place = root, in_place
    smpl_rig.pose.bones["l_elbow"].rotation_quaternion = (0.8, 0.6, 0.0, 0.0)
    smpl_rig.pose.bones["pelvis"].location = (0.3, 0.1, 0.0)
    smpl_rig.location = (1.0, 2.0, 0.0)
    bpy.context.view_layer.update()
    show(1)
    before, was = seen(smpl_rig, 1), scene_of(smpl_rig)
    generate(addon)
    assert np.abs(seen(smpl_rig, 15) - before).max() > 0.05
    removed(smpl_rig)
    assert np.abs(seen(smpl_rig, 15) - before).max() < 1e-6
    tracks, active, actions, keys = scene_of(smpl_rig)
    assert (tracks, active, actions) == ([], was[1], was[2])
    assert keys == was[3]


@pytest.mark.parametrize("mode", ["FREE", "RANGE"])
def test_the_animation_before_it_plays_again(addon, smpl_rig, mode):
    hand_keyed(smpl_rig)
    before, was = [seen(smpl_rig, f) for f in FRAMES], scene_of(smpl_rig)
    place = bpy.context.scene.motiongpt.frame_range
    place.mode, place.start, place.end = mode, 20, 40
    show(20)
    generate(addon)
    assert np.abs(seen(smpl_rig, 30) - before[3]).max() > 0.05
    removed(smpl_rig)
    assert scene_of(smpl_rig) == was
    for frame, matrices in zip(FRAMES, before, strict=True):
        assert np.abs(seen(smpl_rig, frame) - matrices).max() < 1e-6, frame


@pytest.mark.parametrize("fewer", [False, True])
def test_bones_that_were_renamed_get_their_poses_back(addon, smpl_rig, fewer):
    """Names swapped, and a new one; with a curve deleted since, such bones stay as they are."""
    bones = smpl_rig.pose.bones
    poses = {"l_elbow": (0.8, 0.6, 0.0, 0.0), "l_knee": (0.6, 0.0, 0.8, 0.0), "head": (0, 1, 0, 0)}
    for name, rotation in poses.items():
        bones[name].rotation_quaternion = rotation
    report = generate(addon)
    smpl_rig.data.bones["head"].name = "kopf"
    for old, new in (("l_elbow", "between"), ("l_knee", "l_elbow"), ("between", "l_knee")):
        smpl_rig.data.bones[old].name = new
    show(20)
    left = tuple(bones["kopf"].rotation_quaternion)
    if fewer:
        action = bpy.data.actions[report.action_name]
        curves = compat.curves(action, compat.only_slot(action))
        curves.remove(curves[0])
    removed(smpl_rig)
    now = {name: tuple(bones[name].rotation_quaternion) for name in ("l_elbow", "l_knee", "kopf")}
    if fewer:
        assert now["kopf"] == left
    else:
        assert now["l_knee"] == pytest.approx(poses["l_elbow"])
        assert now["l_elbow"] == pytest.approx(poses["l_knee"])
        assert now["kopf"] == pytest.approx(poses["head"])


def test_a_bone_in_another_rotation_mode_gets_its_pose_back(addon, smpl_rig):
    knee = smpl_rig.pose.bones["l_knee"]
    knee.rotation_quaternion = (0.8, 0.6, 0.0, 0.0)
    before = seen(smpl_rig, 1)
    generate(addon)
    knee.rotation_mode = "XYZ"
    removed(smpl_rig)
    assert np.abs(seen(smpl_rig, 1) - before).max() < 1e-5


def test_an_action_without_a_slot_has_none_afterwards(addon, smpl_rig):
    if not compat.HAS_SLOTS:
        pytest.skip("this Blender's actions have no slots")
    hand_keyed(smpl_rig)
    data = smpl_rig.animation_data
    data.action_slot = None
    before = [seen(smpl_rig, f) for f in (1, 40)]
    assert np.abs(before[0] - before[1]).max() < 1e-6
    generate(addon)
    removed(smpl_rig)
    assert data.action is not None
    assert data.action_slot is None
    assert np.abs(seen(smpl_rig, 40) - before[1]).max() < 1e-5


def test_a_rig_without_animation_has_no_animation_data_afterwards(addon, smpl_rig):
    assert smpl_rig.animation_data is None
    generate(addon)
    removed(smpl_rig)
    assert smpl_rig.animation_data is None


@pytest.mark.parametrize("mode", ["FREE", "RANGE"])
def test_a_strip_that_was_moved_since_stays_where_it_is(addon, smpl_rig, mode):
    hand_keyed(smpl_rig)
    before = seen(smpl_rig, 30)
    place = bpy.context.scene.motiongpt.frame_range
    place.mode, place.start, place.end = mode, 20, 40
    show(20)
    generate(addon)
    data = smpl_rig.animation_data
    strip = data.nla_tracks[0].strips[0]
    strip.frame_start_raw, strip.frame_end_raw = strip.frame_start + 7, strip.frame_end + 7
    removed(smpl_rig)
    assert data.action is None
    assert np.abs(seen(smpl_rig, 37) - before).max() < 1e-5


def test_only_the_last_of_two_takes_goes(addon, smpl_rig):
    generate(addon)
    was, before = scene_of(smpl_rig), seen(smpl_rig, 15)
    asked().seed = 7
    generate(addon)
    removed(smpl_rig)
    assert scene_of(smpl_rig) == was
    assert np.abs(seen(smpl_rig, 15) - before).max() < 1e-6


def test_of_a_sequence_the_last_block_goes(addon, smpl_rig):
    blocks(smpl_rig, (WALK, 1, 31), (JUMP, 31, 61))
    make(addon)
    before = seen(smpl_rig, 20)
    removed(smpl_rig)
    assert spans(smpl_rig) == [(WALK, 1, 31)]
    assert np.abs(seen(smpl_rig, 20) - before).max() < 1e-6


def test_what_the_animator_made_since_stays(addon, smpl_rig):
    generate(addon)
    hand_keyed(smpl_rig)
    own = smpl_rig.animation_data.action
    removed(smpl_rig)
    assert smpl_rig.animation_data.action == own
    assert [t.name for t in smpl_rig.animation_data.nla_tracks] == []


def test_it_can_be_undone_and_says_why_not(addon, smpl_rig):
    from motiongpt_blender.operators.takes import MOTIONGPT_OT_remove_take as remove

    assert "UNDO" in remove.bl_options
    assert "There is no take yet" in remove.why_not(bpy.context)
    report = generate(addon)
    data = smpl_rig.animation_data
    data.nla_tracks[report.track_name].strips[0].select = True
    data.use_tweak_mode = True
    assert "tweak mode" in remove.why_not(bpy.context)
    data.use_tweak_mode = False
    smpl_rig.animation_data_clear()
    removed(smpl_rig)  # what the animator deleted by hand stays in the list, and can go
    assert not bpy.data.actions


def test_the_licence_says_commercial_once():
    from motiongpt_blender.ui.panels import licence_text

    message = licence_text("CC BY-NC 4.0: non-commercial use only, with credit")
    assert message.lower().count("commercial") == 1
    assert licence_text("CC BY-NC 4.0") == "Not for commercial use: CC BY-NC 4.0"

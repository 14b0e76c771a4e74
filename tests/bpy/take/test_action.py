"""Actions written: values, rotation modes, groups, holds."""

import math

import bpy
import numpy as np
import pytest

from motiongpt_blender import compat
from motiongpt_blender.core.body.rotations import IDENTITY, angle_between, from_log
from motiongpt_blender.core.body.slices import run_to_end
from motiongpt_blender.core.rig.rig_description import RigMotion
from motiongpt_blender.scene.action import action_writer
from motiongpt_blender.scene.action.action_writer import (
    Channel,
    channels_of,
    property_channel,
    write_action,
    write_slices,
)
from motiongpt_blender.scene.action.nla import push_take

COUNT = 80


def spinning(obj):
    """Two and a half turns of the knee about a slanted axis, the root moving on."""
    axis = np.array([0.8, 0.0, 0.6])
    angles = np.linspace(0, 5 * math.pi, COUNT)[:, None]
    return RigMotion(
        rotations={"l_knee": from_log(angles * axis), "pelvis": np.tile(IDENTITY, (COUNT, 1))},
        root="pelvis",
        locations=np.linspace(0, 1, COUNT)[:, None] * [1.0, 2.0, 3.0],
        fps=20.0,
        root_rest=IDENTITY,
        root_head=np.zeros(3),
    )


def play(obj, motion, start=1):
    written = write_action(obj, "spin", list(channels_of(obj, motion)), start)
    push_take(obj, written, start, "spin")
    return written


@pytest.mark.parametrize("mode", ["QUATERNION", "XYZ", "YXZ", "ZYX", "AXIS_ANGLE"])
def test_each_rotation_mode_shows_the_same_turns(smpl_rig, mode):
    bone = smpl_rig.pose.bones["l_knee"]
    bone.rotation_mode = mode
    motion = spinning(smpl_rig)
    written = play(smpl_rig, motion)
    for frame in range(COUNT):
        bpy.context.scene.frame_set(1 + frame)
        shown = np.array(bone.matrix_basis.to_quaternion())
        away = angle_between(shown, motion.rotations["l_knee"][frame])
        assert math.degrees(away) < 0.05
    for curve in compat.all_curves(written.action):
        if "l_knee" in curve.data_path and mode != "QUATERNION":
            values = [k.co[1] for k in curve.keyframe_points]
            assert np.abs(np.diff(values)).max() < 1.6  # unwrapped: no jump by a turn


def test_locations_start_where_they_should(smpl_rig):
    play(smpl_rig, spinning(smpl_rig), start=-7)
    bpy.context.scene.frame_set(-7 + COUNT - 1)
    assert np.allclose(smpl_rig.pose.bones["pelvis"].location, (1, 2, 3), atol=1e-6)


def test_curves_are_grouped_by_bone(smpl_rig):
    written = play(smpl_rig, spinning(smpl_rig))
    groups = {c.group.name for c in compat.all_curves(written.action)}
    assert groups == {"l_knee", "pelvis"}


def test_a_property_holds_its_value(smpl_rig):
    bone = smpl_rig.pose.bones["l_knee"]
    bone['odd "name"'] = 0.0
    channel = property_channel(bone, 'odd "name"', 0.75)
    push_take(smpl_rig, write_action(smpl_rig, "hold", [channel], 1), 1, "hold")
    bpy.context.scene.frame_set(50)
    assert bone['odd "name"'] == pytest.approx(0.75)


def test_a_failed_write_leaves_no_action(smpl_rig):
    before = len(bpy.data.actions)
    broken = Channel('pose.bones["pelvis"].location', 0, "pelvis", np.array(["x"]))
    with pytest.raises(ValueError, match="could not convert"):
        write_action(smpl_rig, "broken", [broken], 1)
    assert len(bpy.data.actions) == before


def curves_of(action):
    """What is to see of every curve: group, and frame, value and kind of each key."""
    return {
        (curve.data_path, curve.array_index): (
            curve.group.name,
            [(*k.co, k.type, k.interpolation) for k in curve.keyframe_points],
        )
        for curve in compat.all_curves(action)
    }


def test_an_action_like_another_is_a_copy_with_keys_of_its_own(smpl_rig, monkeypatch):
    first = write_action(smpl_rig, "spin", list(channels_of(smpl_rig, spinning(smpl_rig))), 1)
    kept = curves_of(first.action)
    other = spinning(smpl_rig)
    other.locations[:] += 5.0
    channels = list(channels_of(smpl_rig, other))
    expected = curves_of(write_action(smpl_rig, "spin", channels, 7, [3]).action)
    added = []
    monkeypatch.setattr(action_writer, "new_curve", lambda *_: added.append(1))
    like = compat.session_id(first.action)
    second = run_to_end(write_slices(smpl_rig, "spin", channels, 7, [3], like=like))
    assert not added  # each new curve has Blender build its dependency graph anew
    assert curves_of(second.action) == expected
    assert curves_of(first.action) == kept
    assert second.action.name == "spin.002"
    assert second.slot == compat.only_slot(second.action)
    push_take(smpl_rig, second, 7, "spin")
    bpy.context.scene.frame_set(7)
    assert np.allclose(smpl_rig.pose.bones["pelvis"].location, (5, 5, 5), atol=1e-5)


@pytest.mark.parametrize("gone", [False, True])
def test_an_action_that_is_not_alike_lends_no_curve(smpl_rig, gone):
    channels = list(channels_of(smpl_rig, spinning(smpl_rig)))
    first = write_action(smpl_rig, "spin", channels[:-1], 1)
    like = compat.session_id(first.action)
    if gone:
        bpy.data.actions.remove(first.action)
    second = run_to_end(write_slices(smpl_rig, "spin", channels, 1, like=like))
    assert len(curves_of(second.action)) == len(channels)


def test_curves_come_at_once_and_keys_in_slices(smpl_rig, monkeypatch):
    monkeypatch.setattr(action_writer, "SLICE_SECONDS", -1.0)
    channels = list(channels_of(smpl_rig, spinning(smpl_rig)))
    steps = write_slices(smpl_rig, "spin", channels, 1)
    next(steps)
    (action,) = bpy.data.actions
    assert len(curves_of(action)) == len(channels)
    assert sum(1 for _ in steps) == len(channels)

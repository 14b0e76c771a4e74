"""Undo after each way to reshape a kept take: every key as it was; redo brings the change back."""

import bpy
import numpy as np
import pytest

from motiongpt_blender.compat import all_curves
from tests.support.kept_takes import keep_clip, turn
from tests.support.takes import generate, show

FRAME = 30
ROOT = 'pose.bones["root"].location'


def keys_of(obj):
    """(rows, 8) every number of the chosen take's keys, and where its strip is."""
    action = obj.motiongpt.takes.chosen_take.action
    rows, names = [], []
    for curve in sorted(all_curves(action), key=lambda c: (c.data_path, c.array_index)):
        for point in curve.keyframe_points:
            rows.append([*point.co, *point.handle_left, *point.handle_right])
            names.append((curve.data_path, curve.array_index, point.interpolation, point.type))
    (strip,) = [
        strip
        for track in obj.animation_data.nla_tracks
        for strip in track.strips
        if strip.action == action
    ]
    return names, np.array(rows), (strip.frame_start, strip.frame_end, strip.scale)


def same(one, other):
    """Whether two takes have the same keys, to the bit."""
    return one[0] == other[0] and np.array_equal(one[1], other[1]) and one[2] == other[2]


def undone(obj, change):
    """Change the kept take, undo, redo, undo; the armature and how large the change was."""
    bpy.context.view_layer.objects.active = obj
    name = obj.name
    bpy.ops.ed.undo_push(message="kept")
    before = keys_of(obj)
    entries, properties = len(obj.motiongpt.takes.entries), set(obj.keys())
    place = np.array(obj.matrix_basis)
    assert change(obj) == {"FINISHED"}
    bpy.ops.ed.undo_push(message="reshaped")
    after = keys_of(bpy.data.objects[name])
    assert not same(before, after), "the take was not changed"
    for way, keys in (("undo", before), ("redo", after), ("undo", before)):
        assert getattr(bpy.ops.ed, way)() == {"FINISHED"}
        obj = bpy.data.objects[name]
        assert same(keys_of(obj), keys), way
    takes = obj.motiongpt.takes
    assert takes.chosen_take.original is None and takes.chosen_take.on_rig
    assert len(takes.entries) == entries and set(obj.keys()) == properties
    assert np.array_equal(np.array(obj.matrix_basis), place)
    return before, after


def fit(obj):
    """Pose an arm, and press Fit."""
    bpy.context.scene.frame_set(FRAME)
    turn(obj, "upper_arm_l", 40)
    return bpy.ops.motiongpt.fit_take()


def test_undo_of_fit(registered, smpl_rig):
    keep_clip(smpl_rig, frames=50)
    before, after = undone(smpl_rig, fit)
    assert after[2] == before[2]


@pytest.mark.parametrize("speed", [2.0, 0.5])
def test_undo_of_speed(registered, smpl_rig, speed):
    keep_clip(smpl_rig, frames=50)
    before, after = undone(smpl_rig, lambda _: bpy.ops.motiongpt.take_speed(speed=speed))
    lengths = [end - start for start, end, _ in (before[2], after[2])]
    assert lengths[1] == pytest.approx(lengths[0] / speed, abs=1.0)


@pytest.mark.parametrize(
    "begins, root",
    [("HIPS", "OBJECT"), ("HIPS", "IN_PLACE"), ("OBJECT", "HIPS"), ("OBJECT", "IN_PLACE")],
)
def test_undo_of_another_root(registered, smpl_rig, begins, root):
    keep_clip(smpl_rig, frames=30, root=begins)
    before, after = undone(smpl_rig, lambda _: bpy.ops.motiongpt.take_root(root=root))
    paths = [{path for path, *_ in keys[0]} for keys in (before, after)]
    assert ("location" in paths[0]) is (begins == "OBJECT")
    assert ("location" in paths[1]) is (root == "OBJECT")


def test_undo_of_the_root_bone(registered, rigify_rig):
    keep_clip(rigify_rig, frames=15)
    before, after = undone(rigify_rig, lambda _: bpy.ops.motiongpt.take_root(root="BONE"))
    moved = []
    for names, numbers, _ in (before, after):
        values = [abs(row[1]) for name, row in zip(names, numbers, strict=True) if name[0] == ROOT]
        moved.append(max(values, default=0.0))
    assert moved[0] < 1e-4 and moved[1] > 0.1


def test_undo_of_blend(addon, smpl_rig):
    bpy.context.scene.motiongpt.takes = 4
    show(1)
    generate(addon)
    bpy.ops.motiongpt.keep_all_takes()
    smpl_rig.motiongpt.takes.chosen = 0
    undone(smpl_rig, lambda _: bpy.ops.motiongpt.blend_takes(other="2", share=0.5))


def test_blender_keeps_an_undo_step_of_each(registered):
    for name in ("fit_take", "take_speed", "take_root", "blend_takes", "reset_take"):
        assert "UNDO" in getattr(bpy.types, f"MOTIONGPT_OT_{name}").bl_options, name

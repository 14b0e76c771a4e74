"""Where a kept take goes: an NLA track, the active action, an additive layer; and back again."""

import bpy
import numpy as np
import pytest

from motiongpt_blender.compat import all_curves
from tests.support.kept_takes import now, shown, turn
from tests.support.takes import generate, hand_keyed, scene_of, seen, show

#: Metres and parts of rotations; Blender adds up the quaternions of a layer in single precision.
MOST = {"NLA": 1e-5, "ACTION": 1e-4, "LAYER": 1e-3}
FRAMES = (-5, 1, 10, 12, 20, 29, 30, 35, 60, 100)


def looks(rig):
    return np.array([seen(rig, frame) for frame in FRAMES])


def keys_of(action):
    return {
        (c.data_path, c.array_index): [
            (*k.co, *k.handle_left, *k.handle_right, k.type, k.interpolation)
            for k in c.keyframe_points
        ]
        for c in all_curves(action)
    }


def review(addon, rig, own_keys=True):
    """Four takes from frame 10 to 30, beside keys set by hand at 1, 40, 70, 100 and the ends."""
    if own_keys:
        hand_keyed(rig, frames=(1, 40, 70, 100))
    place = bpy.context.scene.motiongpt.frame_range
    place.mode, place.start, place.end = "RANGE", 10, 30
    show(20)
    before = scene_of(rig), looks(rig)
    bpy.context.scene.motiongpt.takes = 4
    generate(addon)
    rig.motiongpt.takes.active = 1
    return before


def as_before(rig, before):
    was, looked = before
    assert scene_of(rig) == was
    assert np.abs(looks(rig) - looked).max() < 1e-5


def keep(rig, destination, **options):
    rig.motiongpt.takes.destination = destination
    return bpy.ops.motiongpt.keep_take(**options)


@pytest.mark.parametrize("destination", ["NLA", "ACTION", "LAYER"])
def test_the_take_looks_the_same_wherever_it_is_kept_and_is_removed_without_a_trace(
    addon, smpl_rig, destination
):
    before = review(addon, smpl_rig)
    action = smpl_rig.animation_data.nla_tracks[0].strips[0].action
    keys = keys_of(action)
    chosen = looks(smpl_rig)
    assert keep(smpl_rig, destination) == {"FINISHED"}
    (take,) = smpl_rig.motiongpt.takes.entries
    assert take.kept and take.on_rig and not take.shown and take.placement == destination
    assert np.abs(looks(smpl_rig) - chosen).max() < MOST[destination]
    assert not bpy.ops.motiongpt.keep_take.poll()  # it is there already
    assert bpy.ops.motiongpt.remove_take() == {"FINISHED"}
    as_before(smpl_rig, before)
    assert keys_of(smpl_rig.animation_data.action) == keys


def test_keys_come_into_the_active_action_typed_and_leave_what_is_beside(addon, smpl_rig):
    review(addon, smpl_rig)
    assert keep(smpl_rig, "ACTION") == {"FINISHED"}
    data = smpl_rig.animation_data
    assert not data.nla_tracks and data.action is not None
    path = smpl_rig.pose.bones["l_hip"].path_from_id("rotation_quaternion")
    curve = next(c for c in all_curves(data.action) if (c.data_path, c.array_index) == (path, 0))
    types = {round(k.co[0]): k.type for k in curve.keyframe_points}
    # At 9 and 31 the curve is cut, so that it keeps its shape beside the take.
    assert sorted(types) == [1, *range(9, 32), 40, 70, 100]
    assert all((types[f] == "GENERATED") == (f not in (1, 10, 30, 40, 70, 100)) for f in types)


def test_keys_of_the_animators_are_replaced_only_when_he_says_so(addon, smpl_rig):
    before = review(addon, smpl_rig)
    takes = smpl_rig.motiongpt.takes
    bpy.ops.motiongpt.discard_takes()
    bone = smpl_rig.pose.bones["head"]
    bone.rotation_quaternion = (0.9, 0.3, 0, 0)
    bone.keyframe_insert("rotation_quaternion", frame=17)
    before = scene_of(smpl_rig), looks(smpl_rig)
    keys = keys_of(smpl_rig.animation_data.action)
    generate(addon)
    with pytest.raises(RuntimeError, match="keys of yours at 1 frames from 10 to 30"):
        keep(smpl_rig, "ACTION")
    assert len(takes.entries) == 4 and takes.shown_take is not None
    assert keep(smpl_rig, "ACTION", replace=True) == {"FINISHED"}
    path = bone.path_from_id("rotation_quaternion")
    curve = next(c for c in all_curves(smpl_rig.animation_data.action) if c.data_path == path)
    assert {k.type for k in curve.keyframe_points if round(k.co[0]) == 17} == {"GENERATED"}
    assert bpy.ops.motiongpt.remove_take() == {"FINISHED"}
    as_before(smpl_rig, before)
    assert keys_of(smpl_rig.animation_data.action) == keys


def test_without_an_active_action_the_keys_make_one(addon, smpl_rig):
    before = review(addon, smpl_rig, own_keys=False)
    chosen = looks(smpl_rig)
    assert keep(smpl_rig, "ACTION") == {"FINISHED"}
    data = smpl_rig.animation_data
    assert data.action is not None and not data.nla_tracks
    inside = slice(2, 7)
    assert np.abs(looks(smpl_rig) - chosen)[inside].max() < 1e-5
    assert bpy.ops.motiongpt.remove_take() == {"FINISHED"}
    as_before(smpl_rig, before)


def test_a_layer_fades_to_the_animation_below_and_follows_it(addon, smpl_rig):
    _, below = review(addon, smpl_rig)
    take = looks(smpl_rig)
    keep(smpl_rig, "LAYER")
    strip = smpl_rig.animation_data.nla_tracks[-1].strips[0]
    assert strip.blend_type == "COMBINE"
    assert np.abs(take - below).max() > 0.05
    strip.use_animated_influence = True
    strip.fcurves.find("influence").keyframe_points[0].co[1] = 0.0
    assert np.abs(looks(smpl_rig) - below).max() < 1e-4


def test_a_take_moves_from_one_place_to_another(addon, smpl_rig):
    before = review(addon, smpl_rig)
    chosen = looks(smpl_rig)
    for destination in ("NLA", "ACTION", "LAYER", "ACTION", "NLA"):
        assert keep(smpl_rig, destination) == {"FINISHED"}
        assert np.abs(looks(smpl_rig) - chosen).max() < MOST[destination], destination
    bpy.ops.motiongpt.remove_take()
    as_before(smpl_rig, before)


@pytest.mark.parametrize("destination", ["ACTION", "LAYER"])
def test_a_take_is_fitted_wherever_it_is_kept(addon, smpl_rig, destination):
    before = review(addon, smpl_rig)
    keep(smpl_rig, destination)
    around = shown(smpl_rig, (-5, 1, 5, 35, 60))
    bpy.context.scene.frame_set(20)
    turn(smpl_rig, "upper_arm_l", 40)
    posed = now(smpl_rig)
    assert bpy.ops.motiongpt.fit_take() == {"FINISHED"}
    assert np.abs(shown(smpl_rig, [20])[0] - posed).max() < MOST[destination]
    assert np.abs(shown(smpl_rig, (-5, 1, 5, 35, 60)) - around).max() < 1e-5
    assert bpy.ops.motiongpt.reset_take() == {"FINISHED"}
    assert np.abs(shown(smpl_rig, [20])[0] - posed).max() > 0.02
    bpy.ops.motiongpt.remove_take()
    as_before(smpl_rig, before)


def test_undo_brings_the_animators_keys_back(addon, smpl_rig):
    review(addon, smpl_rig)
    name = smpl_rig.name
    bpy.context.view_layer.objects.active = smpl_rig
    bpy.ops.ed.undo_push(message="review")
    reviewed = scene_of(smpl_rig)
    keep(smpl_rig, "ACTION")
    bpy.ops.ed.undo_push(message="kept")
    bpy.ops.ed.undo()
    rig = bpy.data.objects[name]
    assert scene_of(rig) == reviewed and len(rig.motiongpt.takes.entries) == 4


def test_files_keep_it(addon, smpl_rig, tmp_path):
    before = review(addon, smpl_rig)
    keep(smpl_rig, "ACTION")
    kept, path = looks(smpl_rig), str(tmp_path / "kept.blend")
    bpy.ops.wm.save_as_mainfile(filepath=path)
    bpy.ops.wm.open_mainfile(filepath=path)
    rig = bpy.data.objects["smpl"]
    assert np.abs(looks(rig) - kept).max() < 1e-6
    assert rig.motiongpt.takes.chosen_take.on_rig
    bpy.ops.motiongpt.remove_take()
    assert np.abs(looks(rig) - before[1]).max() < 1e-5

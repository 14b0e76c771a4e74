"""What counts as animated: what Blender evaluates, and nothing else."""

import pytest

from motiongpt_blender import compat
from motiongpt_blender.scene.action.played_curves import (
    animated_properties,
    audible_actions,
    keyed_frames,
)

bpy = pytest.importorskip("bpy", reason="Blender as a module is not installed here")

KNEE = 'pose.bones["l_knee"].location'


@pytest.fixture
def keyed(smpl_rig):
    """The knee keyed at 3 and 30, the head at 10 and 50; the curves by bone."""
    for name, frames in (("l_knee", (3, 30)), ("head", (10, 50))):
        bone = smpl_rig.pose.bones[name]
        for frame in frames:
            bone.location = (0.1 * frame, 0.0, 0.0)
            bone.keyframe_insert("location", frame=frame)
    data = smpl_rig.animation_data
    curves = list(compat.slot_curves(data.action, compat.active_slot(data)))
    return {name: [c for c in curves if f'"{name}"' in c.data_path] for name in ("l_knee", "head")}


def pushed(obj, start=1):
    data = obj.animation_data
    action, slot = data.action, compat.active_slot(data)
    strip = data.nla_tracks.new().strips.new("mine", start, action)
    compat.bind_strip(strip, slot)
    data.action = None
    return strip


def moves(obj, frames=(3, 30)):
    """Whether Blender moves the knee from one frame to the other."""
    places = []
    for frame in frames:
        bpy.context.scene.frame_set(frame)
        places.append(obj.pose.bones["l_knee"].location.x)
    return abs(places[1] - places[0]) > 1e-3


def mute_curves(obj, keyed):
    for curve in keyed["l_knee"]:
        curve.mute = True


def group_of(obj, curves):
    """The group of some curves; a Blender that gave them none gets one."""
    if curves[0].group is None:
        data = obj.animation_data
        made = compat.groups(data.action, compat.active_slot(data)).new("l_knee")
        for curve in curves:
            curve.group = made
    return curves[0].group


def mute_group(obj, keyed):
    group_of(obj, keyed["l_knee"]).mute = True
    pushed(obj).action.update_tag()


def no_slot(obj, keyed):
    if not compat.HAS_SLOTS:
        pytest.skip("this Blender's actions have no slots")
    obj.animation_data.action_slot = None


def mute_strip(obj, keyed):
    pushed(obj).mute = True


def nla_off(obj, keyed):
    pushed(obj)
    obj.animation_data.use_nla = False


def other_solo(obj, keyed):
    pushed(obj)
    obj.animation_data.nla_tracks.new().is_solo = True


def strip_without_influence(obj, keyed):
    strip = pushed(obj)
    strip.use_animated_influence = True
    strip.influence = 0.0


@pytest.mark.parametrize(
    "silence",
    [
        mute_curves,
        mute_group,
        no_slot,
        mute_strip,
        nla_off,
        other_solo,
        strip_without_influence,
    ],
)
def test_what_blender_does_not_evaluate_is_not_animated(smpl_rig, keyed, silence):
    assert (KNEE, 0) in animated_properties(smpl_rig)
    assert 30 in keyed_frames(smpl_rig)
    silence(smpl_rig, keyed)
    assert not moves(smpl_rig)
    assert (KNEE, 0) not in animated_properties(smpl_rig)
    assert not {3, 30} & set(keyed_frames(smpl_rig))


def test_a_muted_group_of_the_active_action_counts_as_this_blender_plays_it(smpl_rig, keyed):
    group_of(smpl_rig, keyed["l_knee"]).mute = True
    smpl_rig.animation_data.action.update_tag()
    assert ((KNEE, 0) in animated_properties(smpl_rig)) == moves(smpl_rig)


def test_curves_of_a_bone_that_is_gone_have_no_keys(smpl_rig, keyed):
    bpy.ops.object.mode_set(mode="EDIT")
    smpl_rig.data.edit_bones.remove(smpl_rig.data.edit_bones["l_knee"])
    bpy.ops.object.mode_set(mode="OBJECT")
    assert keyed_frames(smpl_rig) == [10, 50]


def test_curves_baked_to_samples_are_heard(smpl_rig, keyed):
    for curve in keyed["l_knee"]:
        curve.convert_to_samples(3, 31)
    assert moves(smpl_rig)
    assert (KNEE, 0) in animated_properties(smpl_rig)
    assert keyed_frames(smpl_rig) == [3, 10, 30, 50]
    pushed(smpl_rig, start=13)
    assert keyed_frames(smpl_rig) == [13, 20, 40, 60]


def test_an_action_of_samples_alone_is_continued(addon, smpl_rig, keyed):
    """After the last frame of the samples, where nothing else has keys."""
    for curve in (*keyed["l_knee"], *keyed["head"]):
        curve.convert_to_samples(3, 61)
    bpy.context.scene.motiongpt.frame_range.mode = "CONTINUE"
    bpy.ops.motiongpt.generate()
    addon.wait()
    assert not addon.failed, addon.message
    assert addon.report.frame_start == 60


@pytest.mark.parametrize(("cyclic", "shift"), [(False, 0), (True, 6)])
def test_keys_of_a_strip_with_a_time_of_its_own(smpl_rig, keyed, cyclic, shift):
    """Half as fast: a key plays where the strip's time is its frame; cyclic time begins at 0."""
    strip = pushed(smpl_rig, start=3)
    strip.frame_end_raw = 140
    strip.use_animated_time = True
    strip.use_animated_time_cyclic = cyclic
    curve = strip.fcurves.find("strip_time")
    for frame, time in ((3, 3), (103, 53)):
        curve.keyframe_points.insert(frame, time).interpolation = "LINEAR"
    curve.extrapolation = "LINEAR"
    frames = {round(frame) for frame in keyed_frames(smpl_rig)}
    assert {17 + shift, 57 + shift} <= frames
    assert (103 in frames) == cyclic
    bpy.context.scene.frame_set(57 + shift)
    assert smpl_rig.pose.bones["l_knee"].location.x == pytest.approx(3.0, abs=1e-3)


def test_actions_of_meta_strips_are_heard(smpl_rig, keyed):
    strip = pushed(smpl_rig)
    action, track = strip.action, smpl_rig.animation_data.nla_tracks[0]
    assert list(audible_actions(smpl_rig)) == [action]
    strip.mute = True
    assert not list(audible_actions(smpl_rig))
    assert len(track.strips) == 1

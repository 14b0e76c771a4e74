"""Whatever an animator's scene looks like: a take hears it, and leaves it as it was."""

import numpy as np
import pytest

from motiongpt_blender.scene.action import nla
from motiongpt_blender.scene.action.played_curves import keyed_frames
from tests.support.matrix import sweep_but
from tests.support.takes import JUMP, WALK, blocks, generate, hand_keyed, make, seen, show, wait

bpy = pytest.importorskip("bpy", reason="Blender as a module is not installed here")

FRAMES = (5, 15, 30, 45, 70, 90)


def place(mode, start, end):
    window = bpy.context.scene.motiongpt.frame_range
    window.mode, window.start, window.end = mode, start, end


def looks(obj, frames=FRAMES):
    return {frame: seen(obj, frame) for frame in frames}


def off(obj, before):
    return max(float(np.abs(seen(obj, f) - pose).max()) for f, pose in before.items())


def pushed(obj, name="mine"):
    """The active action as a strip of a track of that name."""
    data = obj.animation_data
    track = data.nla_tracks.new()
    track.name = name
    strip = track.strips.new(name, 1, data.action)
    data.action = None
    return track, strip


def remove():
    assert bpy.ops.motiongpt.remove_take() == {"FINISHED"}


def test_a_soloed_track_is_heard_again_after_the_take(addon, smpl_rig):
    hand_keyed(smpl_rig)
    track, _ = pushed(smpl_rig)
    track.is_solo = True
    before = looks(smpl_rig)
    generate(addon)
    assert off(smpl_rig, before) > 0.1
    remove()
    assert off(smpl_rig, before) < 1e-5
    assert smpl_rig.animation_data.nla_tracks["mine"].is_solo


def test_an_action_with_a_range_of_its_own_plays_on_outside_it(addon, smpl_rig):
    hand_keyed(smpl_rig)
    action = smpl_rig.animation_data.action
    action.use_frame_range = True
    action.frame_start, action.frame_end = 1, 40
    before = looks(smpl_rig)
    place("RANGE", 15, 30)
    show(20)
    generate(addon)
    assert off(smpl_rig, {f: before[f] for f in (5, 45, 70, 90)}) < 1e-4
    assert action.use_frame_range
    remove()
    assert smpl_rig.animation_data.action == action
    assert off(smpl_rig, before) < 1e-5


@pytest.mark.parametrize("blend", sweep_but(["REPLACE", "COMBINE", "ADD"], ["COMBINE"]))
def test_an_action_of_half_influence_keeps_it(addon, smpl_rig, blend):
    hand_keyed(smpl_rig)
    pushed(smpl_rig)
    hand_keyed(smpl_rig, seed=4, bones=("head", "l_hip", "pelvis"))
    data = smpl_rig.animation_data
    data.action_blend_type, data.action_influence = blend, 0.5
    before = looks(smpl_rig)
    place("RANGE", 32, 43)
    show(35)
    generate(addon)
    assert off(smpl_rig, before) < 1e-4


def test_an_nla_that_was_off_is_off_again_and_stays_silent_meanwhile(addon, smpl_rig):
    hand_keyed(smpl_rig)
    pushed(smpl_rig, "silent")
    hand_keyed(smpl_rig, seed=5, bones=("head", "pelvis"))
    data = smpl_rig.animation_data
    data.use_nla = False
    before = looks(smpl_rig)
    for mode in ("FREE", "RANGE"):
        place(mode, 15, 30)
        show(15)
        generate(addon)
        assert data.use_nla
        assert data.nla_tracks["silent"].mute
        remove()
        assert not data.use_nla
        assert not data.nla_tracks["silent"].mute
        assert off(smpl_rig, before) < 1e-5


def test_of_two_takes_the_lower_one_removed_leaves_the_upper_one_playing(addon, smpl_rig):
    hand_keyed(smpl_rig)
    smpl_rig.animation_data.use_nla = False
    first = generate(addon)
    second = generate(addon)
    before = looks(smpl_rig)
    addon.report = first
    remove()
    assert off(smpl_rig, before) < 1e-5
    addon.report = second
    remove()


def test_an_action_that_was_stashed_and_taken_up_again_is_the_active_one_again(addon, smpl_rig):
    hand_keyed(smpl_rig)
    data = smpl_rig.animation_data
    action = data.action
    generate(addon)
    data.action = action
    if hasattr(data, "action_slot") and data.action_slot is None:
        data.action_slot = action.slots[0]
    before = looks(smpl_rig)
    generate(addon)
    assert data.action is None
    remove()
    assert data.action == action
    assert off(smpl_rig, before) < 1e-5


def test_a_block_made_again_and_removed_brings_the_first_one_back(addon, smpl_rig):
    blocks(smpl_rig, (WALK, 1, 31), (JUMP, 31, 61))
    make(addon)
    tracks = smpl_rig.animation_data.nla_tracks
    before = looks(smpl_rig)
    names = [strip.name for strip in tracks[0].strips]
    group = smpl_rig.motiongpt.sequence
    group.active, group.blocks[1].seed = 1, 9
    assert bpy.ops.motiongpt.generate_block() == {"FINISHED"}
    wait(addon)
    assert off(smpl_rig, before) > 0.01
    remove()
    assert off(smpl_rig, before) < 1e-5
    assert [strip.name for strip in tracks[0].strips] == names
    assert len(tracks) == 1


def test_keys_of_repeated_and_of_reversed_strips_are_heard_where_they_play(addon, smpl_rig):
    hand_keyed(smpl_rig, frames=(1, 4, 20))
    _, strip = pushed(smpl_rig)
    assert keyed_frames(smpl_rig) == [1, 4, 20]
    strip.repeat = 3
    assert keyed_frames(smpl_rig) == [1, 4, 20, 23, 39, 42, 58]
    strip.repeat, strip.use_reverse = 1, True
    assert keyed_frames(smpl_rig) == [1, 17, 20]


def test_a_meta_strip_plays_on_beside_a_take(addon, smpl_rig):
    hand_keyed(smpl_rig)
    track, strip = pushed(smpl_rig)
    strip.select = track.select = True
    smpl_rig.select_set(True)
    bpy.context.view_layer.objects.active = smpl_rig
    window = bpy.context.window_manager.windows[0]
    area = window.screen.areas[0]
    area.type = "NLA_EDITOR"
    region = next(r for r in area.regions if r.type == "WINDOW")
    with bpy.context.temp_override(window=window, area=area, region=region):
        assert bpy.ops.nla.meta_add() == {"FINISHED"}
    assert [s.type for s in track.strips] == ["META"]
    before = looks(smpl_rig)
    place("RANGE", 15, 30)
    show(20)
    report = generate(addon)
    assert [key.frame for key in report.keys] == [15, 30]
    assert off(smpl_rig, before) < 1e-4


@pytest.mark.sweep
def test_a_character_of_another_size_stands_on_the_floor_in_poses_marked_before(addon, smpl_rig):
    show(1)
    assert bpy.ops.motiongpt.add_pose(role="START") == {"FINISHED"}
    for size in (2.0, 0.5):
        smpl_rig.scale = (size,) * 3
        bpy.context.view_layer.update()
        generate(addon)
        show(1)
        posed = smpl_rig.evaluated_get(bpy.context.evaluated_depsgraph_get()).pose.bones
        low = min(posed[name].head[2] for name in ("l_foot", "r_foot"))
        rest = smpl_rig.data.bones["l_foot"].head_local[2]
        assert low == pytest.approx(rest, abs=1e-3)
        remove()


@pytest.mark.sweep
def test_a_loop_refuses_a_pose_at_its_last_frame(addon, smpl_rig):
    show(41)
    bpy.ops.motiongpt.add_pose(role="KEY")
    place("RANGE", 1, 41)
    bpy.context.scene.motiongpt.frame_range.loop = True
    with pytest.raises(RuntimeError, match="remove the pose at its last frame, 41"):
        bpy.ops.motiongpt.generate()


def test_a_take_keeps_its_speed_when_another_scene_is_looked_at_meanwhile(addon, smpl_rig):
    scene, other = bpy.context.scene, bpy.data.scenes.new("other")
    other.render.fps = 60
    show(1)
    generate(addon)
    expected = looks(smpl_rig)
    remove()
    show(1)
    assert bpy.ops.motiongpt.generate() == {"FINISHED"}
    bpy.context.window.scene = other
    wait(addon)
    assert not addon.failed, addon.message
    bpy.context.window.scene = scene
    assert off(smpl_rig, expected) < 1e-4


def test_what_was_moved_and_not_keyed_stays_where_it_is(addon, smpl_rig):
    hand_keyed(smpl_rig)
    prop = bpy.data.objects.new("prop", None)
    bpy.context.collection.objects.link(prop)
    for owner in (smpl_rig, prop):
        for frame, x in ((1, 0.0), (100, 1.0)):
            owner.location.x = x
            owner.keyframe_insert("location", frame=frame)
    place("RANGE", 50, 70)
    show(40)
    smpl_rig.location, prop.location = (0, 0, 5), (0, 0, 7)
    assert bpy.ops.motiongpt.generate() == {"FINISHED"}
    assert tuple(smpl_rig.location) == (0, 0, 5)
    assert tuple(prop.location) == (0, 0, 7)
    wait(addon)
    prop.location = (0, 0, 7)
    remove()
    assert tuple(prop.location) == (0, 0, 7)


def test_an_armature_that_blender_does_not_evaluate_is_refused(addon, smpl_rig):
    smpl_rig.hide_set(True)
    assert bpy.ops.motiongpt.add_pose(role="KEY") == {"FINISHED"}
    smpl_rig.hide_set(False)
    smpl_rig.hide_viewport = True
    with pytest.raises(RuntimeError, match="monitor icon"):
        bpy.ops.motiongpt.add_pose(role="KEY")
    smpl_rig.hide_viewport = False
    collection = bpy.data.collections.new("hidden")
    bpy.context.scene.collection.children.link(collection)
    collection.objects.link(smpl_rig)
    bpy.context.scene.collection.objects.unlink(smpl_rig)
    bpy.context.view_layer.layer_collection.children["hidden"].exclude = True
    with pytest.raises(RuntimeError, match=r"switched off|No armature"):
        bpy.ops.motiongpt.add_pose(role="KEY")


def test_a_take_is_found_under_another_name_and_beside_a_copy(addon, smpl_rig):
    report = generate(addon)
    copy = smpl_rig.copy()
    copy.data = smpl_rig.data.copy()
    bpy.context.collection.objects.link(copy)
    smpl_rig.name, copy.name = "zz hero", "a copy"
    bpy.data.actions[report.action_name].name = "walk, final"
    remove()
    assert smpl_rig.animation_data is None
    assert copy.animation_data.nla_tracks


@pytest.mark.sweep
@pytest.mark.parametrize("bone", ["pelvis", "l_elbow"])
def test_a_pose_of_a_bone_with_another_name_is_told(addon, smpl_rig, bone):
    show(10)
    bpy.ops.motiongpt.add_pose(role="START")
    smpl_rig.data.bones[bone].name = "renamed"
    for operator in (bpy.ops.motiongpt.generate, bpy.ops.motiongpt.show_pose):
        with pytest.raises(RuntimeError, match=f"the bone '{bone}', which is gone"):
            operator()
    smpl_rig.data.bones["renamed"].name = bone
    generate(addon)


def test_a_star_is_not_lost_when_a_take_cannot_be_put_on(smpl_rig, monkeypatch):
    hand_keyed(smpl_rig)
    track, _ = pushed(smpl_rig)
    track.is_solo = True
    before = looks(smpl_rig)
    action = bpy.data.actions.new("take")
    written = type("Written", (), {"action": action, "slot": None})()

    def broken(data, track, silent):
        track.is_solo = True
        raise RuntimeError("broken")

    monkeypatch.setattr(nla, "_make_audible", broken)
    with pytest.raises(RuntimeError, match="broken"):
        nla.push_take(smpl_rig, written, 1, "take")
    track.is_solo = True
    assert off(smpl_rig, before) < 1e-5

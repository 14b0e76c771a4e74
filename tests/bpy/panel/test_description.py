"""Describe: the model says what the character does; its sentence as a name and as the prompt."""

import pytest

from motiongpt_blender import paths, preferences
from motiongpt_blender.operators import session
from tests.support.session import asked
from tests.support.takes import generate, hand_keyed

bpy = pytest.importorskip("bpy", reason="Blender as a module is not installed here")


def describe(panel):
    assert bpy.ops.motiongpt.describe() == {"FINISHED"}
    assert not bpy.ops.motiongpt.describe.poll()  # one at a time
    while session.current().describer.job is not None:
        panel.tick()
    return panel.state.description


def test_a_take_that_walks_is_called_so(addon, smpl_rig):
    generate(addon)
    assert describe(addon) == "a person walks"
    (take,) = smpl_rig.motiongpt.takes.entries
    assert bpy.ops.motiongpt.name_by_description() == {"FINISHED"}
    assert take.name == take.action.name == "a person walks"
    asked().prompt = ""
    bpy.ops.motiongpt.use_prompt(prompt=addon.state.description)
    assert asked().prompt == "a person walks"


def test_an_action_keyed_by_hand(addon, smpl_rig):
    hand_keyed(smpl_rig)
    for frame in (1, 20, 40, 70, 100):
        smpl_rig.pose.bones["pelvis"].location = 0, 0, 0
        smpl_rig.pose.bones["pelvis"].keyframe_insert("location", frame=frame)
    bpy.context.scene.frame_set(33)
    assert describe(addon) == "a person stands"
    assert bpy.context.scene.frame_current == 33
    bpy.ops.motiongpt.name_by_description()
    assert smpl_rig.animation_data.action.name == "a person stands"
    bpy.data.actions.new("another")
    bpy.data.actions.remove(smpl_rig.animation_data.action)
    assert not bpy.ops.motiongpt.name_by_description.poll()


def test_a_pack_without_the_skill_says_so(addon, smpl_rig, monkeypatch):
    from motiongpt_blender.operators.description import why_not_described

    assert why_not_described(bpy.context) == "The character has no action to describe"
    hand_keyed(smpl_rig)
    assert why_not_described(bpy.context) == ""
    starter, styles = paths.PACKS / "starter", paths.PACKS / "styles"
    for pack, says in ((starter, "choose one with the skill caption"), (styles, "")):
        chosen = preferences.Settings(None, "cpu", pack, fake=False)
        monkeypatch.setattr(preferences, "settings", lambda _, chosen=chosen: chosen)
        assert why_not_described(bpy.context).endswith(says)
        assert bpy.ops.motiongpt.describe.poll() == (says == "")


def test_cancelled_and_another_file(addon, smpl_rig, monkeypatch):
    monkeypatch.setenv("MOTIONGPT_FAKE_MODE", "die-at-start")
    hand_keyed(smpl_rig)
    assert describe(addon) == "" and addon.failed and "dies at start" in addon.message
    monkeypatch.delenv("MOTIONGPT_FAKE_MODE")
    bpy.ops.motiongpt.describe()
    bpy.ops.motiongpt.cancel_description()
    while session.current().describer.job is not None:
        addon.tick()
    assert addon.state.description == "" and "Cancelled" in addon.message
    bpy.ops.motiongpt.describe()
    bpy.ops.wm.read_homefile(use_empty=True)
    assert session.current().describer.job is None


def test_what_is_described_is_the_only_strip_of_the_topmost_track_that_plays(addon, smpl_rig):
    from motiongpt_blender.scene.pose.recording import played_action

    hand_keyed(smpl_rig)
    data = smpl_rig.animation_data
    below, above = data.action, bpy.data.actions.new("above")
    data.action = None
    for action in (below, above):
        data.nla_tracks.new().strips.new(action.name, 1, action)
    assert played_action(smpl_rig) == above
    data.nla_tracks[1].mute = True
    assert played_action(smpl_rig) == below
    data.nla_tracks[0].strips.new("second", 500, above)
    assert played_action(smpl_rig) is None

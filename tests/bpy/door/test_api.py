"""The API for scripts: takes are made, looked at and kept without a window."""

import bpy
import numpy as np
import pytest

from motiongpt_blender import api
from motiongpt_blender.core.pose_constraints.marked_pose import PoseRole
from motiongpt_blender.core.shots import Mark
from tests.support.takes import seen


def said(*progress):
    """Lines of progress, without the share."""
    return [f"{name}: {doing}" for name, doing, _ in progress]


def raise_arm(rig, frame):
    bone = rig.pose.bones["l_shoulder"]
    bone.rotation_quaternion = (0.8, 0.0, 0.6, 0.0)
    bone.keyframe_insert("rotation_quaternion", frame=frame)


def test_takes_are_made_and_the_chosen_one_is_kept(script):
    progress = []
    made = api.generate(
        "smpl", "a person walks", seconds=2, takes=3, progress=lambda *line: progress.append(line)
    )
    assert [take.index for take in made] == [0, 1, 2]
    assert [take.placement for take in made] == ["shown", "list", "list"]
    assert {(take.frame_start, take.frame_end) for take in made} == {(1.0, 41.0)}
    assert all(take.prompt == "a person walks" and not take.kept for take in made)
    assert said(*progress)[0].startswith("smpl: Starting")
    assert [share for *_, share in progress] == sorted(share for *_, share in progress)
    kept = api.keep("smpl", made[1])
    assert (kept.name, kept.placement, kept.kept) == (made[1].name, "nla", True)
    assert [take.name for take in api.takes("smpl")] == [made[1].name]
    rig = bpy.data.objects["smpl"]
    assert [track.name for track in rig.animation_data.nla_tracks] == [kept.name]


def test_a_bake_is_the_active_action_and_plays_what_the_take_showed(script):
    made = api.generate("smpl", "a person walks", seconds=2, takes=2)
    rig = bpy.data.objects["smpl"]
    before = seen(rig, 20)
    api.keep("smpl", made[0], "action")
    data = rig.animation_data
    assert data.action is not None and not data.nla_tracks
    assert np.allclose(seen(rig, 20), before, atol=1e-5)
    assert np.abs(seen(rig, 20) - seen(rig, 5)).max() > 0.1  # it is a motion


def test_the_takes_meet_the_poses_that_are_marked_by_frame(script):
    rig = bpy.data.objects["smpl"]
    raise_arm(rig, 1)
    rig.pose.bones["l_shoulder"].rotation_quaternion = (1.0, 0.0, 0.0, 0.0)
    rig.pose.bones["l_shoulder"].keyframe_insert("rotation_quaternion", frame=41)
    wanted = {frame: seen(rig, frame) for frame in (1, 41)}
    bpy.context.scene.frame_set(7)
    marks = [Mark(1, PoseRole.START), Mark(41, PoseRole.END)]
    [take] = api.generate(rig, "a person walks", marks=marks, takes=1)
    assert (take.frame_start, take.frame_end) == (1.0, 41.0)
    assert [(pose.frame, pose.role) for pose in rig.motiongpt.poses] == [(1, "START"), (41, "END")]
    assert bpy.context.scene.frame_current == 7
    for frame, pose in wanted.items():
        assert np.allclose(seen(rig, frame), pose, atol=1e-3), frame
    assert not np.allclose(seen(rig, 20), wanted[41], atol=0.05)


def test_without_marks_those_of_the_file_count_and_an_empty_list_is_none(script):
    rig = bpy.data.objects["smpl"]
    api.mark("smpl", 11, "start")
    [take] = api.generate("smpl", "a person walks", seconds=1, takes=1)
    assert take.frame_start == 11.0
    [free] = api.generate("smpl", "a person walks", seconds=1, marks=(), takes=1)
    assert free.frame_start == 1.0 and not rig.motiongpt.poses


def test_frames_and_loop_decide_where_a_take_lies(script):
    [take] = api.generate("smpl", "a person walks", frames=(30, 60), takes=1)
    assert (take.frame_start, take.frame_end) == (30.0, 60.0)


def test_a_loop_ends_as_it_begins(script):
    [loop] = api.generate("smpl", "a person walks", seconds=2, loop=True, takes=1)
    rig = bpy.data.objects["smpl"]
    first, middle, last = (seen(rig, frame)[:, :3, :3] for frame in (1, 20, loop.frame_end))
    assert np.allclose(first, last, atol=1e-2)
    assert not np.allclose(first, middle, atol=0.1)


def test_discarded_takes_leave_the_character_as_it_was(script):
    rig = bpy.data.objects["smpl"]
    before = seen(rig, 20)
    api.generate("smpl", "a person walks", seconds=2, takes=2)
    assert np.abs(seen(rig, 20) - before).max() > 0.1
    api.discard("smpl")
    assert api.takes("smpl") == ()
    assert np.allclose(seen(rig, 20), before)


def test_what_a_script_uses_ends_with_it(script, tmp_path):
    from motiongpt_blender import preferences

    with pytest.raises(api.APIError, match="There is no model pack in"), api.using(tmp_path):
        pass
    with api.using(device="mps"):
        assert preferences.settings(bpy.context).device == "mps"
        assert preferences.settings(bpy.context).fake  # of the one around it
    assert preferences.settings(bpy.context).device == "auto"


WRONG = {
    "no armature 'Rig' in shot.blend: it has 'smpl'": {"armature": "Rig"},
    "'lamp' in shot.blend is no armature: it has 'smpl'": {"armature": "lamp"},
    "5 takes cannot be made": {"takes": 5},
    "A motion of -1 s cannot be made": {"seconds": -1},
    "seed is -2: choose": {"seed": -2},
    "The prompt is empty": {"prompt": " "},
    "Frame 500 of 'smpl' cannot be marked: shot.blend has the frames 1 to 120": {
        "marks": [Mark(1, PoseRole.START), Mark(500)]
    },
    "candidates is 0": {"candidates": 0},
}


@pytest.mark.parametrize("sentence", WRONG)
def test_what_cannot_be_done_is_one_sentence_and_changes_nothing(script, sentence):
    lamp = bpy.data.objects.new("lamp", None)
    bpy.context.collection.objects.link(lamp)
    asked = {"armature": "smpl", "prompt": "a person walks", "seconds": 2, **WRONG[sentence]}
    with pytest.raises(api.APIError) as caught:
        api.generate(**asked)
    assert sentence in str(caught.value)
    assert "\n" not in str(caught.value) and str(caught.value).count(". ") == 0
    rig = bpy.data.objects["smpl"]
    assert not rig.motiongpt.poses and not rig.motiongpt.takes.entries
    assert rig.animation_data is None or not rig.animation_data.nla_tracks


def test_keys_of_the_animator_are_not_replaced_unasked(script):
    rig = bpy.data.objects["smpl"]
    raise_arm(rig, 10)
    api.generate("smpl", "a person walks", seconds=2, takes=2)
    with pytest.raises(api.APIError, match="keys of yours at 1 frame"):
        api.keep("smpl", destination="action")
    assert [take.kept for take in api.takes("smpl")] == [False, False]
    assert api.keep("smpl", destination="action", replace_keys=True).placement == "action"


def test_wrong_names_are_told_with_those_that_there_are(script):
    with pytest.raises(api.APIError, match="has no take: generate one first"):
        api.keep("smpl")
    api.generate("smpl", "a person walks", seconds=1, takes=1)
    with pytest.raises(api.APIError, match="has no take 'a run': it has 'a person walks'"):
        api.keep("smpl", "a run")
    with pytest.raises(api.APIError, match="cannot be kept in 'film': choose nla, action, layer"):
        api.keep("smpl", destination="film")
    with pytest.raises(api.APIError, match="no role 'middle'"):
        api.mark("smpl", 3, "middle")


def test_no_environment_and_no_pack_are_sentences_for_a_terminal(script, monkeypatch, tmp_path):
    from motiongpt_blender import preferences

    wanted = pytest.raises(api.APIError, match=r"no model pack in .*gone: name the folder of one")
    with preferences.instead(fake=False, pack=tmp_path / "gone"), wanted:
        api.generate("smpl", "a person walks", seconds=1)
    monkeypatch.setattr(preferences, "find_python", lambda _: None)
    with pytest.raises(api.APIError, match=r"not set up: .*set_up.* MOTIONGPT_PYTHON"):
        api.generate("smpl", "a person walks", seconds=1)


def test_a_model_that_fails_is_one_sentence(script, monkeypatch):
    monkeypatch.setenv("MOTIONGPT_FAKE_MODE", "crash")
    with pytest.raises(api.APIError, match="run the same command again"):
        api.generate("smpl", "a person walks", seconds=1)
    assert api.takes("smpl") == ()


def test_the_buttons_finish_in_the_background(script, capsys):
    rig = bpy.data.objects["smpl"]
    bpy.context.view_layer.objects.active = rig
    bpy.context.scene.motiongpt.takes = 2
    rig.motiongpt.request.prompt, rig.motiongpt.request.seconds = "a person walks", 1.0
    assert bpy.ops.motiongpt.generate() == {"FINISHED"}
    assert len(rig.motiongpt.takes.entries) == 2
    lines = [line for line in capsys.readouterr().out.splitlines() if line.startswith("MotionGPT")]
    assert lines[0].startswith("MotionGPT: smpl,   0%, Starting the model's process")
    assert bpy.ops.motiongpt.keep_take() == {"FINISHED"}
    assert bpy.ops.motiongpt.vary_take() == {"FINISHED"}
    assert len(rig.motiongpt.takes.entries) == 3
    block = rig.motiongpt.sequence.blocks.add()
    block.prompt, block.start, block.end = "a person jumps", 60, 90
    assert bpy.ops.motiongpt.generate_sequence() == {"FINISHED"}
    assert "MotionGPT Sequence" in rig.animation_data.nla_tracks


def test_a_button_that_fails_in_the_background_is_an_error(script, monkeypatch):
    bpy.context.view_layer.objects.active = bpy.data.objects["smpl"]
    monkeypatch.setenv("MOTIONGPT_FAKE_MODE", "crash")
    with pytest.raises(RuntimeError, match="ended in the middle of the work"):
        bpy.ops.motiongpt.generate()


def test_the_documented_example_runs_as_it_stands(script, root, tmp_path, monkeypatch):
    """The page's Python, with the add-on where a checkout has it."""
    text = (root / "docs" / "technical-directors.md").read_text("utf-8")
    [code] = [part for part in text.split("```") if "bl_ext.user_default" in part]
    code = code.removeprefix("python\n").replace("bl_ext.user_default.motiongpt.", "")
    bpy.data.objects["smpl"].name = "Hero"
    monkeypatch.chdir(tmp_path)
    exec(code, {})
    assert (tmp_path / "walk.fbx").stat().st_size > 1000
    assert (tmp_path / "walk.blend").is_file()
    [take] = api.takes("Hero")
    assert (take.placement, take.frame_start, take.frame_end) == ("action", 1.0, 73.0)

"""The add-on inside Blender: on and off, marked poses, and what a click on Generate does."""

import pathlib
from dataclasses import replace

import numpy as np
import pytest

import motiongpt_blender
from motiongpt_blender.core.body.rotations import angle_between, normalise
from tests.support.matrix import sweep
from tests.support.pack_files import make
from tests.support.session import asked

bpy = pytest.importorskip("bpy", reason="Blender as a module is not installed here")


def traces():
    """Whatever carries our name in Blender's lists."""
    found = {n for n in dir(bpy.types) if "motiongpt" in n.lower()}
    found |= {f"Scene.{n}" for n in dir(bpy.types.Scene) if "motiongpt" in n.lower()}
    found |= {f"Object.{n}" for n in dir(bpy.types.Object) if "motiongpt" in n.lower()}
    lists = [value for value in bpy.app.handlers if isinstance(value, list)]
    handlers = [h for each in lists for h in each if "motiongpt" in getattr(h, "__module__", "")]
    found |= {f"handler {h}" for h in handlers}
    return found | {f"ops.{n}" for n in dir(bpy.ops.motiongpt)}


@pytest.fixture
def addon(monkeypatch, rigify_rig):
    """The add-on with the fake model, on a scene with a Rigify rig."""
    from motiongpt_blender import registration
    from tests.support import session

    panel = session.enable(monkeypatch, rigify_rig)
    asked().seconds = 1.5
    yield panel
    registration.unregister()


def snapshot():
    """What a failure must leave alone."""
    return (
        {a.name for a in bpy.data.actions},
        {
            (o.name, t.name)
            for o in bpy.data.objects
            if o.animation_data
            for t in o.animation_data.nla_tracks
        },
        bpy.context.scene.frame_current,
    )


def test_registers_twice_without_a_trace():
    before = traces()
    for _ in range(2):
        motiongpt_blender.register()
        assert traces() > before
        motiongpt_blender.unregister()
        assert traces() == before


def test_generate_writes_a_take_that_meets_the_marked_poses(addon, rigify_rig):
    from motiongpt_blender.scene.pose.capture import capture_pose
    from motiongpt_blender.scene.rig.description import describe

    scene = bpy.context.scene
    scene.frame_set(5)
    assert bpy.ops.motiongpt.add_pose(role="START") == {"FINISHED"}
    bone = rigify_rig.pose.bones["upper_arm_fk.L"]
    bone.rotation_mode = "QUATERNION"
    for limb in ("upper_arm_parent.L", "upper_arm_parent.R"):
        rigify_rig.pose.bones[limb]["IK_FK"] = 1.0
    bone.rotation_quaternion = (0.9, 0.3, 0.2, 0.1)
    scene.frame_set(35)
    assert bpy.ops.motiongpt.add_pose(role="END") == {"FINISHED"}
    marked = rigify_rig.motiongpt.poses[1].load()
    assert bpy.ops.motiongpt.generate() == {"FINISHED"}
    addon.wait()
    assert not addon.failed, addon.message
    report = addon.report
    assert (report.frame_start, report.frame_end) == (5, 35)
    assert [k.frame for k in report.keys] == [5, 35]
    track = rigify_rig.animation_data.nla_tracks[report.track_name]
    assert track.strips[0].action.name == report.action_name
    scene.frame_set(35)
    again = capture_pose(rigify_rig, describe(rigify_rig))
    for name, q in marked.pose.rotations.items():
        pair = normalise(np.array([q, again.rotations[name]]))
        assert np.degrees(angle_between(pair[0], pair[1])) < 0.02, name
    assert any("no model" in note for note in addon.notes)


def test_poses_are_listed_in_time_order_and_removed(addon, rigify_rig):
    scene, group = bpy.context.scene, rigify_rig.motiongpt
    for frame, role in ((30, "KEY"), (10, "KEY"), (20, "START"), (1, "START"), (10, "END")):
        scene.frame_set(frame)
        bpy.ops.motiongpt.add_pose(role=role)
    # one start only; the same frame is marked anew
    assert [(p.frame, p.role) for p in group.poses] == [(1, "START"), (10, "END"), (30, "KEY")]
    group.active = 2
    bpy.ops.motiongpt.jump_to_pose()
    assert scene.frame_current == 30
    bpy.ops.motiongpt.remove_pose()
    assert [p.frame for p in group.poses] == [1, 10]


@pytest.mark.parametrize(
    ("prompt", "word"),
    sweep(
        [
            ("", "empty"),
            ("walk " * 1000, "shorten"),
            ("walk\x07", "control"),
            ("!!!", "no words"),
        ]
    ),
)
def test_a_prompt_that_cannot_be_used(addon, prompt, word):
    before = snapshot()
    asked().prompt = prompt
    with pytest.raises(RuntimeError, match=word):
        bpy.ops.motiongpt.generate()
    assert addon.failed
    assert word in addon.message
    assert "\n" not in addon.message
    assert snapshot() == before


@pytest.mark.sweep
def test_russian_needs_a_pack_with_a_sentence_reader(addon, monkeypatch, tmp_path):
    from motiongpt_blender import preferences

    def generate_with(pack):
        chosen = replace(preferences.settings(bpy.context), pack=pack)
        monkeypatch.setattr(preferences, "settings", lambda _: chosen)
        return bpy.ops.motiongpt.generate()

    asked().prompt = "идти вперёд"
    before = snapshot()
    with pytest.raises(RuntimeError, match=r"the letter 'и'.*write it in English"):
        generate_with(make(tmp_path / "words"))
    assert addon.failed
    assert snapshot() == before
    reading = make(tmp_path / "sentences", reader="use-multilingual-3")
    assert generate_with(reading) == {"FINISHED"}
    addon.wait()
    assert not addon.failed, addon.message
    assert addon.takes.chosen_take.prompt == "идти вперёд"


def test_without_an_armature_the_button_says_so(addon):
    bpy.context.scene.motiongpt.armature = None
    bpy.context.view_layer.objects.active = None
    for obj in bpy.context.selected_objects:
        obj.select_set(False)
    assert not bpy.ops.motiongpt.generate.poll()
    with pytest.raises(RuntimeError, match="armature"):
        bpy.ops.motiongpt.generate()


def test_an_armature_without_a_mapping(addon):
    before = snapshot()
    armature = bpy.data.armatures.new("box")
    obj = bpy.data.objects.new("box", armature)
    bpy.context.collection.objects.link(obj)
    bpy.context.scene.motiongpt.armature = obj
    with pytest.raises(RuntimeError):
        bpy.ops.motiongpt.generate()
    assert addon.failed
    assert addon.message
    assert snapshot() == before


@pytest.mark.parametrize(
    ("mode", "word"),
    sweep(
        [
            ("crash", "in the middle"),
            ("die-at-start", "ended at its start"),
            ("garbage", "no message"),
            ("fail", "failed"),
        ]
    ),
)
def test_a_process_that_misbehaves(addon, monkeypatch, mode, word):
    before = snapshot()
    monkeypatch.setenv("MOTIONGPT_FAKE_MODE", mode)
    bpy.ops.motiongpt.generate()
    addon.wait()
    assert addon.failed
    assert word in addon.message
    assert "\n" not in addon.message
    assert snapshot() == before
    monkeypatch.delenv("MOTIONGPT_FAKE_MODE")
    bpy.ops.motiongpt.generate()  # the next click starts a new process
    addon.wait()
    if mode != "fail":  # a process that lives on keeps its ways
        assert not addon.failed, addon.message


def test_cancel_leaves_everything_as_it_was(addon, monkeypatch):
    before = snapshot()
    monkeypatch.setenv("MOTIONGPT_FAKE_MODE", "slow")
    bpy.ops.motiongpt.generate()
    assert not bpy.ops.motiongpt.generate.poll()
    assert bpy.ops.motiongpt.cancel() == {"FINISHED"}
    addon.wait()
    assert not addon.failed
    assert "Cancelled" in addon.message
    assert snapshot() == before


def test_an_armature_that_goes_meanwhile(addon, rigify_rig):
    bpy.ops.motiongpt.generate()
    bpy.data.objects.remove(rigify_rig)
    addon.wait()
    assert addon.failed
    assert "gone" in addon.message


def test_no_backend_and_no_pack(addon, monkeypatch, tmp_path):
    from dataclasses import replace

    from motiongpt_blender import preferences

    chosen = preferences.settings(None)
    for broken, word in (
        (replace(chosen, python=None), "not set up"),
        (replace(chosen, python=tmp_path / "python"), "cannot be started"),
        (replace(chosen, fake=False, pack=tmp_path), "model pack"),
    ):
        monkeypatch.setattr(preferences, "settings", lambda _, b=broken: b)
        with pytest.raises(RuntimeError, match=word):
            bpy.ops.motiongpt.generate()


def test_a_file_saved_meanwhile_opens_idle(addon, monkeypatch, tmp_path):
    monkeypatch.setenv("MOTIONGPT_FAKE_MODE", "slow")
    bpy.ops.motiongpt.generate()
    path = str(tmp_path / "meanwhile.blend")
    bpy.ops.wm.save_as_mainfile(filepath=path)
    bpy.ops.wm.open_mainfile(filepath=path)
    assert addon.job is None
    bpy.context.scene.motiongpt.armature = bpy.data.objects["rig"]
    assert bpy.ops.motiongpt.generate.poll()


def test_a_start_pose_takes_the_place_of_a_key_at_its_frame(addon, rigify_rig):
    scene, group = bpy.context.scene, rigify_rig.motiongpt
    for frame, role in ((1, "START"), (10, "KEY"), (10, "START")):
        scene.frame_set(frame)
        bpy.ops.motiongpt.add_pose(role=role)
    assert [(p.frame, p.role) for p in group.poses] == [(10, "START")]
    assert group.active == 0


def test_a_stored_pose_that_was_broken(addon, rigify_rig):
    bpy.ops.motiongpt.add_pose(role="START")
    for text in ("", "[1, 2]", "{}"):
        rigify_rig.motiongpt.poses[0].joints = text
        with pytest.raises(RuntimeError, match="cannot be read"):
            bpy.ops.motiongpt.generate()


def test_a_full_temporary_disk(addon, monkeypatch):
    from motiongpt_blender import paths

    def full():
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(paths, "new_job_folder", full)
    with pytest.raises(RuntimeError, match="No space left on device"):
        bpy.ops.motiongpt.generate()
    assert addon.job is None


def test_an_error_that_nobody_foresaw_is_told(addon, monkeypatch):
    from motiongpt_blender.operators import character

    def broken(*_):
        raise ZeroDivisionError("by\nzero")

    monkeypatch.setattr(character, "write_take_slices", broken)
    bpy.ops.motiongpt.generate()
    addon.wait()
    assert addon.failed
    assert "ZeroDivisionError: by zero" in addon.message


def test_opening_a_file_drops_the_job_and_its_folder(addon, monkeypatch):
    monkeypatch.setenv("MOTIONGPT_FAKE_MODE", "slow")
    bpy.ops.motiongpt.generate()
    folder = pathlib.Path(addon.job.request.folder)
    assert folder.is_dir()
    bpy.ops.wm.read_homefile(use_empty=True)
    assert addon.job is None
    assert "dropped" in addon.message
    assert not folder.exists()


@pytest.mark.parametrize(
    ("code", "word", "kind"),
    sweep(
        [
            ("print('torch 1')", "answers: torch 1", "FINISHED"),
            ("import nowhere_to_be_found", "is no backend: ModuleNotFoundError", "ERROR"),
            ("import time; time.sleep(60)", "did not answer", "ERROR"),
        ]
    ),
)
def test_check_backend(addon, monkeypatch, capfd, code, word, kind):
    from motiongpt_blender.operators import setup

    monkeypatch.setattr(setup, "CODE", code)
    monkeypatch.setattr(setup, "CHECK_SECONDS", 1.0 if word == "did not answer" else 240.0)
    if kind == "ERROR":
        with pytest.raises(RuntimeError, match=word):
            bpy.ops.motiongpt.check_backend()
    else:
        assert bpy.ops.motiongpt.check_backend() == {"FINISHED"}
        assert word in capfd.readouterr().out


@pytest.mark.sweep
@pytest.mark.parametrize(
    ("prompt", "name"),
    [
        ("a person walks", "a person walks"),
        ("word " * 40, " ".join(["word"] * 9)),
        ("é" * 60, "é" * 24),
    ],
)
def test_a_take_is_named_after_its_prompt(prompt, name):
    from motiongpt_blender.generate.take_request import take_name

    assert take_name(prompt) == name

"""From a take request to what is sent: frame ranges, joins, loops, conditions, the job folder."""

from pathlib import Path

import numpy as np
import pytest

from motiongpt_blender import wire
from motiongpt_blender.core.body.motion import MODEL_FPS, MotionClip
from motiongpt_blender.core.pose_constraints.body_parts import BodyPart, constrained_joints
from motiongpt_blender.core.pose_constraints.marked_pose import PoseRole
from motiongpt_blender.core.rig.rig_options import RigOptions, RootTarget
from motiongpt_blender.core.timeline.frame_range import (
    Fit,
    FrameRange,
    FrameRangeError,
    FrameRangeMode,
)
from motiongpt_blender.core.timeline.plan import PlanError
from motiongpt_blender.generate import job
from motiongpt_blender.generate.adapters import SceneTime
from motiongpt_blender.generate.request import (
    TakeRequest,
    Timing,
    pose_conditions,
    poses_between,
    prepare,
    take_request,
)
from motiongpt_blender.scene.errors import RigError
from motiongpt_blender.wire import Sampling
from tests.support.fake_character import STANDING, FakeCharacter, marked_pose

NOW = SceneTime(10.0, 20.0)
SAMPLING = Sampling(seed=3, candidates=5, guidance=0.5)
BOTH = frozenset((PoseRole.START, PoseRole.END))


def request(**changes):
    """A request of two seconds."""
    values = {"prompt": "walk", "seconds": 2.0, "sampling": SAMPLING, "marked": ()}
    return TakeRequest(**{**values, **changes})


def prepared(character=None, **changes):
    return prepare(character or FakeCharacter(), request(**changes), NOW, 196)


def test_a_free_take_starts_at_the_current_frame():
    character = FakeCharacter()
    take = prepared(character)
    assert (take.plan.start_frame, take.plan.end_frame, take.frames) == (10.0, 50.0, 41)
    assert (take.frame_count, take.request.sampling, take.conditions) == (41, SAMPLING, ())
    assert take.history is None and take.fit.joins == () and take.fit.standing is None
    assert character.in_take == [(None, False)]


def test_marked_poses_are_sorted_and_become_conditions():
    end, start = marked_pose(40, PoseRole.END, 1.0), marked_pose(20, PoseRole.START)
    take = prepared(marked=(end, start))
    assert [pose.frame for pose in take.marked] == [20, 40]
    assert [condition.frame for condition in take.conditions] == [0, 20]
    assert np.array_equal(take.conditions[1].joints, end.joints)
    assert take.conditions[0].bound.all()


def test_a_condition_says_which_joints_count():
    arm = marked_pose(20, body_parts=frozenset({BodyPart.ARM_L}))
    none = marked_pose(30, body_parts=frozenset())
    conditions = pose_conditions([marked_pose(10), arm, none], [0, 10, 20])
    assert [condition.frame for condition in conditions] == [0, 10]
    assert np.array_equal(conditions[1].bound, constrained_joints(arm.body_parts))
    assert 0 < conditions[1].bound.sum() < 22


def test_both_ends_of_a_range_join_the_animation_there():
    character = FakeCharacter(keys=[1, 100])
    take = prepared(character, frame_range=FrameRange(20, 60), joined=BOTH)
    ends, matrix = character.asked_ends[0]
    assert ends == ((20, PoseRole.START), (60, PoseRole.END)) and matrix is None
    assert [pose.frame for pose in take.marked] == [20, 60]
    assert [join.frame for join in take.fit.joins] == [20, 60]
    assert take.history.shape == (20, 22, 3)
    assert np.allclose(take.history[-1], STANDING + 19)


def test_an_end_with_a_marked_pose_joins_nothing():
    character = FakeCharacter(keys=[1, 100])
    start = marked_pose(20, PoseRole.START)
    take = prepared(character, frame_range=FrameRange(20, 60), joined=BOTH, marked=(start,))
    assert character.asked_ends[0][0] == ((60, PoseRole.END),)
    assert take.history is None


def test_only_the_ends_that_are_asked_for_join():
    character = FakeCharacter(keys=[1, 100])
    prepared(character, frame_range=FrameRange(20, 60), joined=frozenset({PoseRole.END}))
    assert character.asked_ends[0][0] == ((60, PoseRole.END),)


def test_a_range_without_animation_begins_as_the_character_stands():
    character = FakeCharacter()
    take = prepared(character, frame_range=FrameRange(20, 60), joined=BOTH)
    assert character.asked_ends == []
    assert take.fit.standing is not None
    assert np.allclose(take.fit.standing.joints, STANDING + [0, 0, 20])


@pytest.mark.parametrize("in_place", [False, True])
def test_a_travelling_object_is_seen_from_the_start_of_the_range(in_place):
    character = FakeCharacter(keys=[1, 100])
    character.rig_options = RigOptions(root=RootTarget.OBJECT, in_place=in_place)
    take = prepared(character, frame_range=FrameRange(20, 60), joined=BOTH)
    if in_place:
        assert take.fit.object_matrix is None and character.in_take == [(None, False)]
    else:
        assert np.array_equal(take.fit.object_matrix, np.eye(4) * 20)
        assert character.in_take[0][0] is take.fit.object_matrix and character.in_take[0][1]
        assert character.asked_ends[0][1] is take.fit.object_matrix


def test_a_soloed_track_matters_only_where_a_take_has_no_track_of_its_own():
    character = FakeCharacter()
    character.solo = RigError("soloed")
    prepared(character)
    prepared(character, frame_range=FrameRange(20, 60), fit=Fit(track="Sequence"))
    with pytest.raises(RigError, match="soloed"):
        prepared(character, frame_range=FrameRange(20, 60))


def test_a_character_that_cannot_be_used_is_refused():
    character = FakeCharacter()
    character.refusal = RigError("no armature")
    with pytest.raises(RigError, match="no armature"):
        prepared(character)


def test_a_loop_asks_for_more_than_it_needs_and_takes_the_best_part():
    take = prepared(fit=Fit(loop=True))
    assert take.frames > take.plan.frames == 41
    swing = 0.2 * np.sin(np.arange(take.frames) * 2 * np.pi / 40)  # repeats after 40 frames
    joints = np.repeat(STANDING[None], take.frames, axis=0)
    joints[:, :, 0] += swing[:, None].astype(np.float32)
    cut = take.cut(MotionClip(joints, MODEL_FPS))
    assert len(cut) == 41
    assert np.abs(cut.joints[0] - cut.joints[-1]).max() < 1e-3


def test_a_clip_of_the_planned_length_is_left_alone():
    take = prepared()
    clip = MotionClip(np.repeat(STANDING[None], 41, axis=0), MODEL_FPS)
    assert take.cut(clip) is clip


def test_a_loop_ends_in_the_pose_at_its_start():
    take = prepared(fit=Fit(loop=True), marked=(marked_pose(10, PoseRole.START),))
    assert take.frames == take.plan.frames
    assert [condition.frame for condition in take.conditions] == [0, take.frames - 1]
    assert np.array_equal(take.conditions[0].joints, take.conditions[1].joints)
    later = prepared(fit=Fit(loop=True), marked=(marked_pose(20),))
    assert [condition.frame for condition in later.conditions] == [10]


@pytest.mark.parametrize(
    ("changes", "says"),
    [
        ({"marked": (marked_pose(30, PoseRole.END),)}, "remove the end pose"),
        ({"marked": (marked_pose(50),)}, "remove the pose at its last frame, 50,"),
        ({"frame_range": FrameRange(20, 60), "joined": BOTH}, "cannot also join"),
    ],
)
def test_loops_that_cannot_be(changes, says):
    with pytest.raises(PlanError, match=says):
        prepared(FakeCharacter(keys=[1, 100]), fit=Fit(loop=True), **changes)


def test_poses_faster_than_anyone_runs_are_told_of():
    far = (marked_pose(10, PoseRole.START), marked_pose(20, PoseRole.END, 30.0))
    assert "30.0 m in 0.50 s" in prepared(marked=far).notes[0]
    assert prepared(marked=(far[0], marked_pose(20, PoseRole.END, 1.0))).notes == ()


# --- the panel's request ------------------------------------------------------------


def panel(character, **timing):
    return take_request(character, "walk", 2.0, SAMPLING, Timing(**timing), 30.0)


def test_a_free_request_replaces_the_animation():
    pose = marked_pose(10)
    asked = panel(FakeCharacter(poses=[pose], keys=[1, 100]), loop=True, cyclic=True)
    assert asked.frame_range is None and asked.joined == BOTH
    assert asked.marked == (pose,) and asked.sampling == SAMPLING
    fit = asked.fit
    assert (fit.alone, fit.holds, fit.loop, fit.cyclic) == (True, True, True, True)


def test_a_range_stays_beside_the_animation():
    asked = panel(FakeCharacter(), mode=FrameRangeMode.RANGE, start=5, end=25)
    assert asked.frame_range == FrameRange(5, 25)
    assert (asked.fit.alone, asked.fit.holds) == (False, False)


def test_between_keyframes_means_the_animators_own():
    character = FakeCharacter(keys=[1, 100], generated_keys=[20, 40])
    between = panel(character, mode=FrameRangeMode.BETWEEN)
    assert between.frame_range == FrameRange(1, 100)
    after = panel(character, mode=FrameRangeMode.CONTINUE)
    assert after.frame_range == FrameRange(100) and after.fit.holds and not after.fit.alone
    generated = FakeCharacter(generated_keys=[20, 140])
    assert panel(generated, mode=FrameRangeMode.CONTINUE).frame_range == FrameRange(140)


def test_a_range_that_cannot_be_is_refused():
    with pytest.raises(FrameRangeError, match="swap the two"):
        panel(FakeCharacter(), mode=FrameRangeMode.RANGE, start=25, end=5)
    with pytest.raises(FrameRangeError, match="no keyframes"):
        panel(FakeCharacter(), mode=FrameRangeMode.BETWEEN)


def test_poses_between_are_key_poses_at_both_ends_too():
    poses = [marked_pose(frame, PoseRole.START) for frame in (9, 10, 20, 21)]
    inside = poses_between(poses, 10, 20)
    assert [(pose.frame, pose.role) for pose in inside] == [(10, "KEY"), (20, "KEY")]


# --- what is sent -------------------------------------------------------------------


def test_the_message_says_all_that_was_asked(tmp_path):
    character = FakeCharacter(keys=[1, 100])
    take = prepared(character, frame_range=FrameRange(20, 60), joined=BOTH, prompt=" walk  on ")
    message = job.request_message(take, tmp_path)
    assert (message.prompt, message.frames, message.folder) == ("walk on", 41, str(tmp_path))
    assert message.pose_frames == (0, 40) and message.continues
    assert message.sampling == SAMPLING
    assert not job.request_message(prepared(), tmp_path).continues
    assert message.job != job.request_message(take, tmp_path).job


def test_the_folder_holds_the_arrays(job_folders):
    character = FakeCharacter(keys=[1, 100])
    take = prepared(character, frame_range=FrameRange(20, 60), joined=BOTH)
    with np.load(job.write_job_folder(take) / wire.POSES_FILE) as arrays:
        assert arrays["joints"].shape == (2, 22, 3) and arrays["bound"].all()
        assert np.array_equal(arrays["history"], take.history)
    assert list(job.write_job_folder(prepared()).iterdir()) == []


def test_a_full_disk_leaves_no_folder(job_folders, monkeypatch):
    def full(*_, **__):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(np, "savez", full)
    take = prepared(marked=(marked_pose(10),))
    with pytest.raises(job.GenerateError, match="No space left on device"):
        job.write_job_folder(take)
    assert list(job_folders.iterdir()) == []


def test_a_launch_needs_a_python_and_a_pack(tmp_path):
    with pytest.raises(job.GenerateError, match="not set up"):
        job.make_launch(None, tmp_path, "cpu")
    with pytest.raises(job.GenerateError, match="no model pack"):
        job.make_launch(Path("python"), tmp_path, "cpu")
    assert job.make_launch(Path("python"), tmp_path, "cpu", fake=True).fake
    (tmp_path / "pack.json").write_text('{"max_frames": 100}')
    launch = job.make_launch(Path("python"), tmp_path, "cuda")
    assert (launch.pack, launch.device, launch.fake) == (tmp_path, "cuda", False)
    assert job.max_frames(tmp_path) == 100


@pytest.mark.parametrize(("reader", "read"), [('"universal"', True), ('""', False), ("7", False)])
def test_a_pack_with_a_sentence_reader_reads_every_script(tmp_path, reader, read):
    head = '"format_version": 2, "name": "p", "title": "P", "licence": "none"'
    (tmp_path / "pack.json").write_text(f'{{{head}, "reader": {reader}}}')
    assert job.any_script(tmp_path) is read
    assert not job.any_script(tmp_path / "nowhere")


@pytest.mark.parametrize("text", ["", "[]", '{"max_frames": null}', "{}"])
def test_a_pack_that_cannot_be_read_has_the_usual_length(tmp_path, text):
    (tmp_path / "pack.json").write_text(text)
    assert job.max_frames(tmp_path) == job.MAX_FRAMES == job.max_frames(tmp_path / "nowhere")

"""The controller: one take under way at a time, its state with the character it is made for."""

import logging
from pathlib import Path

import pytest

from motiongpt_blender.backend.jobs import JobQueue, JobState
from motiongpt_blender.backend.process import LaunchError
from motiongpt_blender.backend.pump import Pump
from motiongpt_blender.core.timeline.frame_range import Fit
from motiongpt_blender.core.timeline.plan import PlanError
from motiongpt_blender.generate.controller import PAUSE
from motiongpt_blender.generate.job import GenerateError
from motiongpt_blender.generate.state import CharacterState, Phase, progress_text, stage_text
from motiongpt_blender.generate.take_request import seeds_apart
from motiongpt_blender.scene.errors import RigError
from motiongpt_blender.wire import LIMITS
from tests.support.child_processes import wait_for
from tests.support.fake_character import FakeCharacter, marked_pose
from tests.support.fake_timers import FakeTimers
from tests.support.stage import Stage


def test_from_the_click_to_the_take(stage, tmp_path):
    stage.start(prompt="walk  on", fit=Fit(cyclic=True))
    take = stage.controller.pending
    assert take.phase is Phase.GENERATING and take.job.request.prompt == "walk on"
    assert stage.controller.why_busy(7) == "A motion is being generated: wait or cancel it"
    stage.backend.answer()
    assert take.phase is Phase.WRITING
    assert stage.controller.why_busy(7) == "The last motion is being written: wait a moment"
    assert list(tmp_path.iterdir()) == []  # the clip was read
    assert stage.blender.turn() and stage.done == [] and stage.rig.written == []
    stage.blender.finish_writing()
    assert stage.controller.pending is None and stage.controller.why_busy(7) == ""
    assert stage.done == [True]
    assert stage.blender.undo_steps == ["MotionGPT: Generate"]
    assert stage.blender.scenes == [1, 1, 1]
    (((clip,), take),) = stage.rig.written
    assert (len(clip), take.marked, take.plan.start_frame, take.name) == (21, (), 1.0, "walk on")
    assert (take.fit.cyclic, take.frame_count, take.notes) == (True, 21, ("A note.",))
    assert stage.state.seconds == {"generate": 1.0, "write": 0.5, "total": 1.0}
    assert stage.state.message == "The take is on a new NLA track (1.0 s)."
    assert not stage.state.failed


def test_notes_of_the_request_come_first(stage):
    stage.start(marked=(marked_pose(1), marked_pose(11, forward=30.0)))
    stage.answer()
    notes = stage.rig.written[0][1].notes
    assert len(notes) == 2 and "faster than anyone runs" in notes[0] and notes[1] == "A note."


@pytest.mark.parametrize(("takes", "seeds"), [(1, [0]), (2, [0, 1]), (4, [0, 1, 2])])
def test_as_many_different_takes_as_wanted_and_there_are(stage, takes, seeds):
    stage.start(takes=takes)
    stage.answer()
    clips, _ = stage.rig.written[0]
    assert [clip.seed for clip in clips] == seeds
    assert ("choose one" in stage.state.message) == (takes > 1)


def test_state_belongs_to_the_character(stage):
    stage.start()
    stage.answer()
    before = stage.state.message
    stage.start(stage.other, "a person jumps")
    assert stage.state.message == before
    assert stage.controller.state(8) == CharacterState()
    stage.answer()
    assert "on a new NLA track" in stage.controller.state(8).message
    assert stage.state.message == before


def test_a_character_has_one_request_at_a_time(stage):
    stage.start()
    with pytest.raises(GenerateError, match="wait or cancel it"):
        stage.start()
    assert len(stage.backend.jobs) == 1


def test_requests_of_several_characters_wait_and_are_written_one_after_the_other(stage):
    stage.start()
    second = stage.start(stage.other, "a person jumps")
    assert len(stage.backend.jobs) == 2  # the process goes on while a take is written
    assert stage.controller.why_busy(8) == "A motion is being generated: wait or cancel it"
    stage.backend.answer(0)
    stage.backend.answer(1)
    first, other = stage.controller.under_way
    assert (first.slices is not None, other.slices) == (True, None) and other.job is second
    assert other.phase is Phase.WRITING  # what has come can be cancelled no more
    stage.blender.finish_writing()
    assert stage.controller.under_way == [] and stage.done == [True, True]
    assert stage.rig.written[0][1].plan.prompt == "a person walks"
    assert stage.other.written[0][1].plan.prompt == "a person jumps"


@pytest.mark.parametrize("state", [JobState.FAILED, JobState.CANCELLED])
def test_the_end_of_one_ends_no_other(stage, state):
    stage.start()
    stage.start(stage.other)
    stage.backend.fail("It broke.", state=state, number=0)
    assert [take.character.armature for take in stage.controller.under_way] == [8]
    stage.answer()
    assert len(stage.other.written) == 1 and stage.rig.written == []


def test_cancel_all_begins_with_what_waits(stage):
    jobs = [stage.start(), stage.start(stage.other)]
    stage.controller.cancel_all()
    assert stage.backend.cancelled == [job.request.job for job in reversed(jobs)]


def test_seeds_of_equal_prompts_are_apart():
    asked = [("walks", 0), ("walks", 0), ("jumps", 0), ("walks", 1), ("walks", 0)]
    assert seeds_apart(asked) == [0, 1, 0, 2, 3]
    last = int(LIMITS["seed"].high)
    assert seeds_apart([("walks", last), ("walks", last)]) == [last, 0]


def test_a_new_request_clears_the_message(stage):
    stage.start()
    stage.answer()
    stage.start()
    assert stage.state.message == ""


def test_a_refused_request_leaves_nothing_behind(stage, tmp_path):
    for prompt in (" ", "x" * 5000, "?!", "a\x07b", "\u05dc\u05db"):
        with pytest.raises(PlanError, match=r"^The prompt (is|has) "):
            stage.start(prompt=prompt)
    stage.backend.refusal = LaunchError("cannot be started")
    with pytest.raises(LaunchError):
        stage.start()
    assert stage.controller.pending is None and list(tmp_path.iterdir()) == []
    assert stage.done == []


def test_cancel_asks_the_process_and_changes_nothing(stage):
    job = stage.start()
    stage.controller.cancel(stage.controller.pending)
    assert stage.backend.cancelled == [job.request.job] and stage.controller.pending is not None
    stage.backend.fail(state=JobState.CANCELLED)
    assert (stage.state.message, stage.state.failed) == ("Cancelled: nothing was changed.", False)
    assert stage.done == [False] and stage.rig.written == []


def test_what_is_being_written_is_not_cancelled(stage):
    stage.start()
    stage.backend.answer()
    stage.controller.cancel(stage.controller.pending)
    assert stage.backend.cancelled == []


def test_a_failed_job_says_why_and_logs_the_details(stage, caplog, tmp_path):
    stage.start()
    stage.backend.fail("No memory: close something.", "Traceback ...")
    assert (stage.state.message, stage.state.failed) == ("No memory: close something.", True)
    assert "Traceback ..." in caplog.text and list(tmp_path.iterdir()) == []
    assert stage.done == [False]


def test_a_broken_clip_is_told(stage):
    stage.start()
    stage.backend.answer(clips=("nowhere.npz",))
    assert stage.state.failed and "nowhere.npz" in stage.state.message
    assert stage.done == [False]


@pytest.mark.parametrize(
    ("failure", "says"),
    [
        (RigError("The root bone is gone: choose another root."), "The root bone is gone"),
        (ZeroDivisionError("by\nzero"), "put on 'rig' (ZeroDivisionError: by zero): the console"),
    ],
)
def test_a_take_that_cannot_be_written_is_told(stage, caplog, failure, says):
    stage.rig.failure = failure
    stage.start()
    stage.answer()
    assert stage.state.failed and says in stage.state.message and stage.rig.written == []
    assert stage.done == [False] and stage.controller.pending is None
    assert ("ZeroDivisionError" in caplog.text) == isinstance(failure, ZeroDivisionError)
    assert stage.blender.undo_steps == []


def test_the_motion_of_a_character_that_goes_meanwhile_is_held(stage):
    """Nothing is lost: an undo of the removal brings it, and the others are made meanwhile."""
    stage.start()
    stage.start(stage.other, "a person jumps")
    del stage.blender.characters[7]
    stage.backend.answer(0)
    (held, _) = stage.controller.under_way
    assert held.phase is Phase.HELD and progress_text(held) == "Gone: undo its removal"
    assert stage.controller.notice.failed
    assert "'rig' is gone" in stage.controller.shown(8).message
    assert stage.done == [] and stage.controller.pending.character.armature == 8
    stage.answer()
    assert len(stage.other.written) == 1 and stage.controller.under_way == [held]
    stage.controller.look_again()
    assert held.held and stage.rig.written == []
    stage.blender.characters[7] = stage.rig
    stage.controller.look_again()
    stage.blender.finish_writing()
    assert len(stage.rig.written) == 1 and stage.done == [True, True]
    assert stage.controller.under_way == []


def test_a_character_that_goes_while_its_take_is_written_gets_it_after_an_undo(stage):
    stage.start()
    stage.backend.answer()
    stage.blender.turn()
    del stage.blender.characters[7]
    stage.rig.failure = RigError("The armature 'rig' is gone: choose another one.")
    stage.blender.finish_writing()
    (held,) = stage.controller.under_way
    assert held.held and stage.done == []
    stage.blender.characters[7], stage.rig.failure = stage.rig, None
    stage.controller.look_again()
    stage.blender.finish_writing()
    assert len(stage.rig.written) == 1 and stage.done == [True]


def test_a_held_motion_can_be_dropped(stage):
    stage.start()
    del stage.blender.characters[7]
    stage.backend.answer()
    stage.controller.cancel_all()
    assert stage.controller.under_way == [] and stage.done == [False]
    stage.start(stage.other)
    assert stage.controller.shown(8).message == ""


def test_a_character_found_again_under_another_name_gets_its_take(stage):
    """After an undo the armature is another object with the same session id."""
    stage.start()
    again = FakeCharacter(7, "renamed")
    stage.blender.characters[7] = again
    stage.answer()
    assert len(again.written) == 1 and stage.rig.written == []


def test_another_file_drops_what_is_under_way(stage, tmp_path):
    job = stage.start()
    _, on_end = stage.backend.jobs[0]
    assert stage.controller.drop_all()
    assert stage.backend.forgotten == [job.request.job] and list(tmp_path.iterdir()) == []
    on_end(job)  # a late answer is ignored
    assert stage.done == [] and stage.controller.pending is None
    assert not stage.controller.drop_all()


def test_another_file_takes_back_what_is_half_written(stage):
    stage.start()
    stage.backend.answer()
    stage.blender.turn()
    assert stage.controller.drop_all()
    assert stage.rig.closed == 1
    assert not stage.blender.turn()  # Blender's timer still calls once
    assert stage.rig.written == [] and stage.done == []


def test_between_two_slices_blender_gets_its_turn(stage):
    stage.start()
    stage.backend.answer()
    assert stage.blender.step() == PAUSE


def test_stages_in_words(stage):
    job = stage.start()
    for state, name, says in (
        (JobState.STARTING, "", "Starting the model's process"),
        (JobState.RUNNING, "", "Waiting for the model"),
        (JobState.RUNNING, "generate", "Generating"),
        (JobState.CANCELLING, "generate", "Cancelling"),
    ):
        job.state, job.stage = state, name
        assert stage_text(job) == says


def test_with_the_fake_models_process(stage, caplog):
    """The real queue and pump: from the click to the take with a process of its own."""
    caplog.set_level(logging.ERROR)
    timers = FakeTimers()
    pump = Pump(timers, JobQueue())
    real = Stage(pump)
    try:
        job = real.start()
        folder = Path(job.request.folder)
        wait_for(lambda: timers.turn() or job.state.ended, "the fake model")
        assert job.state is JobState.DONE, job.error
        real.blender.finish_writing()
        assert timers.functions == {} and not folder.exists()
        ((clip,), take) = real.rig.written[0]
        assert "no model" in " ".join(take.notes) and len(clip) == 21
        assert real.blender.redraws > 2
    finally:
        pump.close()
    assert caplog.text == ""

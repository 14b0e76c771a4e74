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
from motiongpt_blender.generate.state import CharacterState, Phase, stage_text
from motiongpt_blender.scene.errors import RigError
from tests.support.child_processes import wait_for
from tests.support.fake_character import FakeCharacter, marked_pose
from tests.support.fake_timers import FakeTimers
from tests.support.stage import Stage


def test_from_the_click_to_the_take(stage, tmp_path):
    stage.start(prompt="walk  on", fit=Fit(cyclic=True))
    take = stage.controller.pending
    assert take.phase is Phase.GENERATING and take.job.request.prompt == "walk on"
    assert stage.controller.why_busy() == "A motion is being generated: wait or cancel it"
    stage.backend.answer()
    assert take.phase is Phase.WRITING
    assert stage.controller.why_busy() == "The last motion is being written: wait a moment"
    assert list(tmp_path.iterdir()) == []  # the clip was read
    assert stage.blender.turn() and stage.done == [] and stage.rig.written == []
    stage.blender.finish_writing()
    assert stage.controller.pending is None and stage.controller.why_busy() == ""
    assert stage.done == [True]
    assert stage.blender.undo_steps == ["MotionGPT: Generate"]
    assert stage.blender.scenes == [1, 1, 1]
    (((clip,), take),) = stage.rig.written
    assert (len(clip), take.marked, take.plan.start_frame, take.name) == (21, (), 1.0, "walk on")
    assert (take.fit.cyclic, take.frame_count, take.notes) == (True, 21, ("A note.",))
    assert stage.state.seconds == {"generate": 1.0, "write": 0.5, "total": 1.0}
    assert stage.state.message == "'walk on' is on a new NLA track (1.0 s)."
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
    assert "a person jumps" in stage.controller.state(8).message
    assert stage.state.message == before


def test_one_request_at_a_time(stage):
    stage.start()
    with pytest.raises(GenerateError, match="wait or cancel it"):
        stage.start(stage.other)
    assert len(stage.backend.jobs) == 1


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
    stage.controller.cancel()
    assert stage.backend.cancelled == [job.request.job] and stage.controller.pending is not None
    stage.backend.fail(state=JobState.CANCELLED)
    assert (stage.state.message, stage.state.failed) == ("Cancelled: nothing was changed.", False)
    assert stage.done == [False] and stage.rig.written == []


def test_what_is_being_written_is_not_cancelled(stage):
    stage.start()
    stage.backend.answer()
    stage.controller.cancel()
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


def test_a_character_that_goes_meanwhile_is_told_in_any_panel(stage):
    stage.start()
    del stage.blender.characters[7]
    stage.backend.answer()
    assert stage.controller.notice.failed
    assert "'rig' is gone" in stage.controller.shown(8).message
    assert stage.done == [False]
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

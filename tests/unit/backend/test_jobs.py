"""Jobs: each ends exactly once, whatever the model's process does."""

import os
import signal
import sys
from dataclasses import replace

import pytest

from motiongpt_blender import wire
from motiongpt_blender.backend import jobs
from motiongpt_blender.backend.jobs import CANCEL_SECONDS, HELLO_SECONDS, JobQueue, JobState
from motiongpt_blender.backend.process import Exited, Garbage, LaunchError
from tests.support.child_processes import PATIENCE, fake_launch, request, running, wait_for

HELLO = wire.Hello(wire.PROTOCOL, "fake", "0", 1, "none", 20.0, 196)
posix = pytest.mark.skipif(sys.platform == "win32", reason="signals of Unix")


class Puppet:
    """A process that does what the test says."""

    def __init__(self, launch):
        self.launch, self.sent, self.coming = launch, [], []
        self.living, self.ended = True, []

    def alive(self):
        return self.living

    def send(self, message):
        self.sent.append(message)

    def events(self):
        while self.coming:
            yield self.coming.pop(0)

    def kill(self, grace=0.0):
        self.living = False
        self.ended.append("kill")

    def shutdown(self, grace=2.0):
        self.living = False
        self.ended.append("shutdown")


class Stage:
    """A queue with puppets for processes and a clock that stands."""

    def __init__(self):
        self.puppets, self.time = [], 100.0
        self.queue = JobQueue(self._spawn, lambda: self.time)

    def _spawn(self, launch):
        self.puppets.append(Puppet(launch))
        return self.puppets[-1]

    def submit(self, job="one", launch=None):
        return self.queue.submit(launch or fake_launch(), request("nowhere", job))

    def says(self, *events):
        self.puppets[-1].coming.extend(events)
        return self.queue.tick()


@pytest.fixture
def stage():
    return Stage()


def assert_sentence(text):
    assert text.endswith(".") and "\n" not in text and len(text) < 700, text


def test_from_start_to_done(stage):
    job = stage.submit()
    assert job.state is JobState.STARTING and stage.queue.busy
    assert stage.says(HELLO) == [] and job.state is JobState.RUNNING
    stage.says(wire.Progress("one", "generate", 0.5), wire.Progress("one", "decode", 0.3))
    assert (job.stage, job.fraction) == ("decode", 0.5)  # never falls
    result = wire.Result("one", ("clip.npz",))
    assert stage.says(result) == [job]
    assert (job.state, job.result, job.fraction) == (JobState.DONE, result, 1.0)
    assert not stage.queue.busy and stage.queue.tick() == []


def test_the_motion_so_far_is_known_and_that_of_another_job_is_absorbed(stage):
    job = stage.submit()
    assert job.sketch == ""
    stage.says(HELLO, wire.Sketch("one", "sketch_001.npz"), wire.Sketch("stranger", "x.npz"))
    assert job.sketch == "sketch_001.npz" and stage.queue.absorbed == 1
    stage.says(wire.Sketch("one", "sketch_002.npz"))
    assert job.sketch == "sketch_002.npz" and job.state is JobState.RUNNING
    assert stage.says(wire.Result("one", ()), wire.Sketch("one", "late.npz")) == [job]
    assert job.sketch == "sketch_002.npz" and stage.queue.absorbed == 2


@pytest.mark.parametrize("first", [wire.Result("one", ()), wire.Failure("one", "No."), wire.Cancelled("one")])  # fmt: skip # noqa: E501
def test_late_reports_are_absorbed(stage, first):
    job = stage.submit()
    assert stage.says(HELLO, first) == [job]
    state = job.state
    late = [wire.Result("one", ("x",)), wire.Failure("one", "No."), wire.Progress("one", "x", 1.0)]
    assert stage.says(*late, wire.Cancelled("stranger")) == []
    assert job.state is state and stage.queue.absorbed == 4
    assert stage.puppets[0].living


def test_the_process_is_kept_for_the_next_job(stage):
    stage.submit()
    stage.says(HELLO, wire.Result("one", ()))
    assert stage.submit("two").state is JobState.RUNNING
    assert len(stage.puppets) == 1 and len(stage.puppets[0].sent) == 2


def test_another_launch_is_another_process(stage):
    first = stage.submit()
    second = stage.submit("two", fake_launch(device="cpu"))
    assert stage.puppets[0].ended == ["shutdown"] and len(stage.puppets) == 2
    assert stage.queue.tick() == [first] and first.state is JobState.CANCELLED
    assert second.state is JobState.STARTING


def test_a_dead_process_is_replaced_and_its_job_has_failed(stage):
    first = stage.submit()
    stage.says(HELLO)
    stage.puppets[0].living = False
    second = stage.submit("two")
    assert stage.queue.tick() == [first] and first.state is JobState.FAILED
    assert_sentence(first.error)
    assert second.state is JobState.STARTING


def test_one_name_one_job(stage):
    stage.submit()
    with pytest.raises(ValueError, match="runs already"):
        stage.submit()


def test_failure_of_a_job_leaves_the_process(stage):
    job = stage.submit()
    assert stage.says(HELLO, wire.Failure("one", "The pack is gone.", "trace")) == [job]
    assert (job.state, job.error, job.detail) == (JobState.FAILED, "The pack is gone.", "trace")
    assert stage.puppets[0].living


def test_failure_of_the_process_ends_every_job(stage):
    jobs = [stage.submit("one"), stage.submit("two")]
    assert stage.says(HELLO, wire.Failure("", "A request could not be read.")) == jobs
    assert {job.state for job in jobs} == {JobState.FAILED}
    assert not stage.puppets[0].living


def test_cancel_and_a_result_that_crossed_it(stage):
    job = stage.submit()
    stage.says(HELLO, wire.Progress("one", "generate", 0.1))
    stage.queue.cancel("one")
    stage.queue.cancel("one")
    assert stage.puppets[0].sent[1:] == [wire.Cancel("one")]
    assert job.state is JobState.CANCELLING
    assert stage.says(wire.Result("one", ("clip.npz",))) == [job]
    assert job.state is JobState.CANCELLED and job.result is None
    stage.queue.cancel("one")
    stage.queue.cancel("stranger")


@pytest.mark.parametrize(
    "heard", [[], [HELLO], [HELLO, wire.Progress("one", wire.LOADING, 0.0)]], ids=len
)
def test_a_job_that_has_not_begun_is_cancelled_at_once_and_the_load_goes_on(stage, heard):
    job = stage.submit()
    stage.says(*heard)
    stage.queue.cancel("one")
    assert stage.queue.tick() == [job] and job.state is JobState.CANCELLED
    assert stage.puppets[0].sent[-1] == wire.Cancel("one")
    stage.time += CANCEL_SECONDS + 1
    assert stage.says(*([] if heard else [HELLO]), wire.Cancelled("one")) == []
    assert stage.puppets[0].living
    stage.submit("two")
    assert len(stage.puppets) == 1  # the process that has loaded the model


def stuck_and_waiting(stage):
    """A cancelled job that the process works on, and another that waits behind it."""
    stuck = stage.submit("one")
    stage.says(HELLO, wire.Progress("one", "generate", 0.1))
    stage.queue.cancel("one")
    return stuck, stage.submit("two")


def test_a_stuck_job_is_cancelled_with_its_process(stage):
    stuck, waiting = stuck_and_waiting(stage)
    stage.time += CANCEL_SECONDS - 0.1
    assert stage.queue.tick() == []
    stage.time += 0.2
    assert stage.queue.tick() == [stuck] and stuck.state is JobState.CANCELLED
    assert stage.puppets[0].ended == ["kill"]
    assert stage.puppets[1].sent == [waiting.request] and waiting.state is JobState.STARTING
    result = wire.Result("two", ("clip.npz",))
    assert stage.says(HELLO, result) == [waiting] and waiting.result is result


def test_a_crash_ends_the_job_under_way_and_none_behind_it(stage):
    first, waiting = stage.submit("one"), stage.submit("two")
    assert stage.says(HELLO, wire.Progress("one", "generate", 0.1), Exited(3, "")) == [first]
    assert first.state is JobState.FAILED and stage.puppets[1].sent == [waiting.request]
    # a process that nobody works with is not started again and again
    assert stage.says(Exited(3, "")) == [waiting] and len(stage.puppets) == 2
    assert waiting.state is JobState.FAILED and not stage.queue.busy


def test_jobs_behind_fail_with_a_sentence_where_no_process_starts_again(stage):
    _, waiting = stuck_and_waiting(stage)

    def refuse(launch):
        raise LaunchError("The backend Python is gone: choose another one.")

    stage.queue._spawn = refuse
    assert stage.says(Exited(3, ""))[-1] is waiting
    assert waiting.error == "The backend Python is gone: choose another one."


def test_a_process_that_never_greets(stage):
    job = stage.submit()
    stage.time += HELLO_SECONDS + 1
    assert stage.queue.tick() == [job]
    assert "did not answer" in job.error
    assert_sentence(job.error)


@pytest.mark.parametrize(
    ("events", "says"),
    [
        ([HELLO, Exited(-9, "")], "in the middle of the work (signal 9): press"),
        ([HELLO, Exited(3, "a\nOops.\n")], "(exit code 3: Oops): press"),
        ([Exited(1, "No module named ext_models\n")], "ended at its start (exit code 1: No module"),
        ([Exited(1, "motiongpt: p/pack.json is missing: choose.\n")], "p/pack.json is missing"),
        ([HELLO, Exited(1, "x" * 100_000)], "exit code 1: xxx"),
        ([Garbage("a line is not JSON: 'hi'.")], "is no message"),
        ([HELLO, wire.Shutdown()], "is no message"),
        ([wire.Hello(99, "other", "9", 1, "p", 20.0, 196)], "speaks protocol 99"),
    ],
)
def test_how_a_process_fails_is_one_sentence(stage, events, says):
    job = stage.submit()
    assert stage.says(*events, wire.Result("one", ())) == [job]
    assert job.state is JobState.FAILED and says in job.error
    assert_sentence(job.error)
    assert not stage.puppets[0].living
    stage.submit("two")  # and the next job starts anew
    assert len(stage.puppets) == 2


def test_no_process_no_job():
    queue = JobQueue()
    with pytest.raises(LaunchError):
        queue.submit(fake_launch(python=fake_launch().root / "missing"), request("x"))
    assert not queue.busy and queue.tick() == []


def test_shutdown_cancels_what_is_open(stage):
    job = stage.submit()
    stage.queue.shutdown()
    assert stage.queue.tick() == [job] and job.state is JobState.CANCELLED
    assert stage.puppets[0].ended == ["shutdown"]
    stage.queue.shutdown()


# --- with real processes ----------------------------------------------------------


@pytest.fixture
def queue():
    queue = JobQueue()
    yield queue
    queue.shutdown(grace=0.5)


def ended(queue):
    return wait_for(queue.tick, "the end of a job")


def test_two_real_jobs_with_one_process(queue, tmp_path):
    first = queue.submit(fake_launch(), request(tmp_path))
    assert ended(queue) == [first] and first.state is JobState.DONE
    pid = queue.hello.pid
    second = queue.submit(fake_launch(), request(tmp_path, "two"))
    assert ended(queue) == [second] and second.state is JobState.DONE
    assert queue.hello.pid == pid
    queue.shutdown()
    assert not running(pid)


@pytest.mark.parametrize(
    ("mode", "says"),
    [
        ("crash", "in the middle of the work (exit code 3: fake: crashes, as asked)"),
        ("garbage", "is no message"),
        ("die-at-start", "at its start (exit code 1: fake: dies at start, as asked)"),
        ("fail", "the fake fails, as asked"),
    ],
)
def test_a_real_process_that_misbehaves(queue, tmp_path, monkeypatch, mode, says):
    monkeypatch.setenv("MOTIONGPT_FAKE_MODE", mode)
    job = queue.submit(fake_launch(), request(tmp_path))
    assert ended(queue) == [job]
    assert job.state is JobState.FAILED and says in job.error
    assert_sentence(job.error)
    assert list(tmp_path.iterdir()) == []
    monkeypatch.delenv("MOTIONGPT_FAKE_MODE")
    job = queue.submit(fake_launch(), request(tmp_path, "two"))
    assert ended(queue) == [job]
    # "fail" leaves its process alive, which goes on failing.
    assert job.state is (JobState.FAILED if mode == "fail" else JobState.DONE)


@posix
@pytest.mark.parametrize("mode", ["slow", "hang"])
def test_a_real_process_killed_in_the_middle(queue, tmp_path, monkeypatch, mode):
    monkeypatch.setenv("MOTIONGPT_FAKE_MODE", mode)
    job = queue.submit(fake_launch(), request(tmp_path))
    wait_for(lambda: queue.tick() or job.fraction > 0, "progress")
    os.kill(queue.hello.pid, signal.SIGKILL)
    assert ended(queue) == [job]
    assert job.state is JobState.FAILED and "signal 9" in job.error
    assert_sentence(job.error)


@pytest.mark.parametrize("mode", ["slow", "hang"])
def test_real_cancel(queue, tmp_path, monkeypatch, mode):
    monkeypatch.setenv("MOTIONGPT_FAKE_MODE", mode)
    job = queue.submit(fake_launch(), request(tmp_path))
    wait_for(lambda: queue.tick() or job.fraction > 0, "progress")
    if mode == "slow":  # it listens, however busy the machine is
        monkeypatch.setattr(jobs, "CANCEL_SECONDS", PATIENCE)
    pid = queue.hello.pid
    queue.cancel("one")
    assert ended(queue) == [job] and job.state is JobState.CANCELLED
    assert running(pid) is (mode == "slow")  # stuck: ended with its process
    assert list(tmp_path.iterdir()) == []


def test_a_python_without_the_packages(queue, tmp_path):
    job = queue.submit(fake_launch(root=tmp_path), request(tmp_path))
    assert ended(queue) == [job]
    assert "at its start" in job.error and "ext_models" in job.error
    assert_sentence(job.error)


@pytest.mark.parametrize("truncated", [False, True])
def test_a_real_pack_that_is_missing_or_cut(queue, tmp_path, truncated):
    if truncated:
        (tmp_path / "pack.json").write_text('{"name": "st')
    launch = fake_launch(fake=False, pack=tmp_path)
    job = queue.submit(launch, request(tmp_path))
    assert ended(queue) == [job] and job.state is JobState.FAILED
    assert "pack.json" in job.error and str(tmp_path) in job.error
    assert not job.error.startswith("motiongpt:")
    assert_sentence(job.error)


def test_a_process_that_dies_of_a_question_is_not_asked_again_but_works(stage):
    stage.queue.ask(fake_launch(), "he waves")
    assert stage.says(Exited(1, "no torch")) == [] and stage.queue.asked is None
    stage.queue.ask(fake_launch(), "he waves again")
    assert len(stage.puppets) == 1 and stage.queue.asked is None
    job = stage.submit()
    assert len(stage.puppets) == 2
    stage.says(HELLO, wire.Result("one", ("clip.npz",)))
    assert job.state is JobState.DONE
    stage.queue.ask(fake_launch(), "he bows")
    assert stage.queue.asked == "he bows", "it is known to work"


def test_a_question_does_not_end_the_work_of_another_process(stage):
    job = stage.submit()
    other = replace(fake_launch(), device="cuda")
    stage.queue.ask(other, "he waves")
    assert len(stage.puppets) == 1 and not stage.puppets[0].ended
    assert job.state is JobState.STARTING and stage.queue.asked is None


def test_a_question_that_no_process_can_be_started_for_raises_nothing(stage):
    def refuse(_launch):
        raise LaunchError("there is no Python.")

    stage.queue._spawn = refuse
    stage.queue.ask(fake_launch(), "he waves")
    assert stage.queue.asked is None and not stage.queue.busy


def test_what_the_process_says_is_translated_when_it_arrives(monkeypatch):
    """Failures and what it says of a prompt; details stay English, for the log."""
    from motiongpt_blender.core import translation

    known = {"The model failed ({reason})": "Das Modell versagte ({reason})"}
    translation.translate_with(lambda text: known.get(text, text), known)
    queue = JobQueue()
    queue.asked = "walks"
    queue._understand(wire.Understood("walks", ("The model failed (x)", "Nothing known")))
    translation.translate_with(str)
    assert queue.understood.notes == ("Das Modell versagte (x)", "Nothing known")

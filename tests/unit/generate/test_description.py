"""Asking for a description: one at a time, its folder goes, and what ends it is told once."""

import pytest

from motiongpt_blender import paths, wire
from motiongpt_blender.backend.jobs import Job, JobState
from motiongpt_blender.backend.process import LaunchError
from motiongpt_blender.core.body.motion import MotionClip
from motiongpt_blender.generate.description import Describer
from motiongpt_blender.generate.job import GenerateError
from tests.support.clips import clip


class Backend:
    """Takes one job; the test says how it ends."""

    def __init__(self):
        self.error, self.forgotten, self.cancelled, self.job = None, [], [], None

    def submit(self, launch, request, on_end, on_tick):
        if self.error is not None:
            raise self.error
        self.job, self.on_end = Job(request), on_end
        return self.job

    def cancel(self, name):
        self.cancelled.append(name)

    def forget(self, name):
        self.forgotten.append(name)

    def end(self, state, **fields):
        self.job.state = state
        for name, value in fields.items():
            setattr(self.job, name, value)
        self.on_end(self.job)


@pytest.fixture
def folder(tmp_path, monkeypatch):
    """The folder of the next job."""
    made = tmp_path / "job"

    def new_job_folder():
        made.mkdir()
        return made

    monkeypatch.setattr(paths, "new_job_folder", new_job_folder)
    return made


@pytest.fixture
def stage(folder):
    backend, heard, drawn = Backend(), [], []
    describer = Describer(backend, lambda: drawn.append(1))
    walk = MotionClip(clip("walk")[:20].astype("float32"))

    def start():
        describer.start(walk, None, lambda *said: heard.append(said))

    return describer, backend, heard, drawn, start


def test_the_motion_is_sent_and_its_folder_goes(stage, folder):
    describer, backend, heard, drawn, start = stage
    start()
    assert len(MotionClip.load(folder / wire.RESULT_FILE)) == 20
    assert backend.job.request.folder == str(folder) and describer.job is backend.job
    with pytest.raises(GenerateError, match="Another motion is being described"):
        start()
    backend.end(JobState.DONE, result=wire.Description("1", "a person walks"))
    assert heard == [("a person walks", "")] and describer.job is None
    assert not folder.exists() and len(drawn) == 2


@pytest.mark.parametrize(
    ("state", "fields", "says"),
    [(JobState.FAILED, {"error": "No."}, "No."), (JobState.CANCELLED, {}, "Cancelled: nothing")],
)
def test_why_there_is_no_sentence(stage, folder, state, fields, says):
    describer, backend, heard, _, start = stage
    start()
    describer.cancel()
    assert backend.cancelled == [backend.job.request.job]
    backend.end(state, **fields)
    ((sentence, why),) = heard
    assert sentence == "" and why.startswith(says)
    assert not folder.exists()


def test_what_is_dropped_says_nothing_when_it_ends(stage, folder):
    describer, backend, heard, _, start = stage
    describer.cancel()
    describer.drop()
    assert not backend.cancelled and not backend.forgotten
    start()
    name = backend.job.request.job
    describer.drop()
    assert backend.forgotten == [name] and describer.job is None
    backend.end(JobState.DONE, result=wire.Description("1", "a person walks"))
    assert heard == [] and not folder.exists()


def test_a_process_that_does_not_start_leaves_nothing(stage, folder):
    describer, backend, heard, _, start = stage
    backend.error = LaunchError("No Python.")
    with pytest.raises(LaunchError):
        start()
    assert describer.job is None and heard == [] and not folder.exists()


def test_a_full_disk_is_a_sentence(stage, folder, monkeypatch):
    describer, _, _, _, start = stage

    def full(*_):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(MotionClip, "save", full)
    with pytest.raises(GenerateError, match="No space left on device"):
        start()
    assert describer.job is None and not folder.exists()

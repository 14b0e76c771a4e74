"""Jobs and their states: the requests to the model process and what became of each.

A job ends exactly once. Reports that arrive for it later are ignored. The process is
started with the first job, kept for the next ones, and restarted after a crash. A job that
ends with its process takes no other job with it: those that waited go to the next process.
Nothing here blocks: the caller calls ``tick`` at intervals. Never imports bpy.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from enum import Enum
from typing import Final

from .. import wire
from ..core.translation import tr, translate_received
from .process import BackendProcess, Event, Exited, Garbage, Launch, LaunchError

#: Seconds in which a new process must say hello, and a cancelled job that had begun must end.
HELLO_SECONDS: Final = 60.0
CANCEL_SECONDS: Final = 5.0

#: How the process begins the line with which it refuses to start.
OWN_WORDS: Final = "motiongpt: "


class JobState(Enum):
    """The state of a job. The last three are terminal."""

    STARTING = "starting"
    RUNNING = "running"
    CANCELLING = "cancelling"
    DONE = "done"
    FAILED = "failed"
    CANCELLED = "cancelled"

    @property
    def ended(self) -> bool:
        """Whether nothing more can happen to the job."""
        return self in (JobState.DONE, JobState.FAILED, JobState.CANCELLED)


@dataclass
class Job:
    """One request under way.

    Attributes:
        request: what was sent.
        state: its state.
        stage: the stage that the process reports.
        fraction: share of the whole job that is done, 0..1.
        sketch: file name in the job's folder of the motion so far, or "".
        result: the result, when DONE.
        error: one sentence, when FAILED.
        detail: the details, for the log.
    """

    request: wire.Task
    state: JobState = JobState.STARTING
    stage: str = ""
    fraction: float = 0.0
    sketch: str = ""
    result: wire.Result | wire.Description | None = None
    error: str = ""
    detail: str = ""
    cancelled_at: float = 0.0

    @property
    def begun(self) -> bool:
        """Whether the model works on it; loading the model is for every job."""
        return self.stage not in ("", wire.LOADING)


class JobQueue:
    """All jobs of one add-on, and the process that answers them."""

    def __init__(
        self,
        spawn: Callable[[Launch], BackendProcess] = BackendProcess,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._spawn = spawn
        self._clock = clock
        self._process: BackendProcess | None = None
        self._launch: Launch | None = None
        self._started_at = 0.0
        self._jobs: dict[str, Job] = {}
        self._ended: list[Job] = []
        self._last_use = 0.0
        #: The first report of the running process.
        self.hello: wire.Hello | None = None
        #: Bytes that the process held after its last job; 0 if unknown.
        self.memory = 0
        #: The last prompt that was asked about and is not answered yet, and the last answer.
        self.asked: str | None = None
        self.understood = wire.Understood("")
        #: How a process was started that died of a question: it is not started for one again.
        self._refused: Launch | None = None
        #: Late or stray reports that were ignored.
        self.absorbed = 0

    @property
    def busy(self) -> bool:
        """Whether a job has not ended, or its end has not been collected by ``tick``."""
        return bool(self._jobs or self._ended)

    @property
    def runs(self) -> bool:
        """Whether there is a process."""
        return self._process is not None

    @property
    def idle_seconds(self) -> float | None:
        """Seconds that a process has waited for a job; None while it works, or without one."""
        if self._process is None or self.busy or self.asked is not None:
            return None
        return self._clock() - self._last_use

    def submit(self, launch: Launch, request: wire.Task) -> Job:
        """Send a request; raises LaunchError when no process can be started."""
        if request.job in self._jobs:
            raise ValueError(f"job {request.job!r} runs already")
        process = self._ensure(launch)
        job = Job(request, JobState.RUNNING if self.hello else JobState.STARTING)
        self._jobs[request.job] = job
        process.send(request)
        return job

    def ask(self, launch: Launch, prompt: str) -> None:
        """Ask how a prompt is understood; ``understood`` has the answer some ticks later.

        Starts a process where none runs. Nothing is asked, and no error raised, where that
        fails, or while another process works: the next job tells what is wrong.
        """
        if launch == self._refused or (launch != self._launch and self.busy):
            return
        try:
            process = self._ensure(launch)
        except LaunchError:
            self._refused = launch
            return
        self.asked, self._last_use = prompt, self._clock()
        process.send(wire.Understand(prompt))

    def cancel(self, name: str) -> None:
        """Ask a job to stop.

        A job that has not begun ends at once, and the model's loading goes on for the next one.
        Another ends within CANCEL_SECONDS, if need be with its process.
        """
        job = self._jobs.get(name)
        if job is None or job.state is JobState.CANCELLING or self._process is None:
            return
        self._process.send(wire.Cancel(name))
        if not job.begun:
            self._end(job, JobState.CANCELLED)
            return
        job.state = JobState.CANCELLING
        job.cancelled_at = self._clock()

    def tick(self) -> list[Job]:
        """Handle what has arrived; returns the jobs that ended since the last call."""
        if self._process is not None:
            for event in self._process.events():
                self._take(event)
                if self._process is None:
                    break
        self._watch_the_clock()
        ended, self._ended = self._ended, []
        return ended

    def shutdown(self, grace: float = 2.0) -> None:
        """End the process; every open job is cancelled."""
        process, self._process, self.hello, self.memory = self._process, None, None, 0
        self.asked = None
        for job in list(self._jobs.values()):
            self._end(job, JobState.CANCELLED)
        if process is not None:
            process.shutdown(grace)

    # --- the process ----------------------------------------------------------------

    def _ensure(self, launch: Launch) -> BackendProcess:
        """The process for that launch: the running one, or a new one."""
        if self._process is not None and not self._process.alive():
            self._drop(
                tr("The model's process ended in the middle of the work: press Generate again.")
            )
        if self._process is not None and launch == self._launch:
            return self._process
        self.shutdown(grace=0.5)
        return self._start(launch)

    def _start(self, launch: Launch) -> BackendProcess:
        self._process = self._spawn(launch)
        self._launch, self._started_at = launch, self._clock()
        return self._process

    def _drop(self, error: str, detail: str = "") -> None:
        """End the process and the job that it worked on; the jobs behind go to a new process.

        Where it worked on none, it serves nobody, and every job fails.
        """
        process, self._process, self.hello, self.memory = self._process, None, None, 0
        if self.asked is not None and not self._jobs:
            self._refused = self._launch
        self.asked = None
        if process is not None:
            process.kill()
        worked_on = [job for job in self._jobs.values() if job.begun]
        for job in worked_on or list(self._jobs.values()):
            self._end_with_process(job, error, detail)
        if self._jobs:
            self._send_again()

    def _end_with_process(self, job: Job, error: str, detail: str) -> None:
        if job.state is JobState.CANCELLING:
            self._end(job, JobState.CANCELLED)
            return
        job.error, job.detail = error, detail
        self._end(job, JobState.FAILED)

    def _send_again(self) -> None:
        """Hand the open jobs to a new process."""
        assert self._launch is not None  # one was running
        try:
            process = self._start(self._launch)
        except LaunchError as error:
            for job in list(self._jobs.values()):
                self._end_with_process(job, str(error), "")
            return
        for job in self._jobs.values():
            job.state, job.stage, job.sketch = JobState.STARTING, "", ""
            process.send(job.request)

    def _end(self, job: Job, state: JobState) -> None:
        job.state = state
        self._last_use = self._clock()
        del self._jobs[job.request.job]
        self._ended.append(job)

    def _watch_the_clock(self) -> None:
        now = self._clock()
        if self._process is None:
            return
        if self.hello is None and now - self._started_at > HELLO_SECONDS:
            self._drop(
                tr(
                    "The model's process did not answer within {seconds:.0f} s of its start: "
                    "check the backend in the add-on's preferences.",
                    seconds=HELLO_SECONDS,
                )
            )
        waiting = [j for j in self._jobs.values() if j.state is JobState.CANCELLING]
        if any(now - job.cancelled_at > CANCEL_SECONDS for job in waiting):
            # It does not return from a step: the only way to stop it is to end the process.
            self._drop(
                tr("The model's process was stuck and had to be ended: press Generate again.")
            )

    # --- reports ------------------------------------------------------------------

    def _take(self, event: Event) -> None:
        if isinstance(event, wire.Hello):
            self._greet(event)
        elif isinstance(event, wire.Progress):
            self._progress(event)
        elif isinstance(event, wire.Sketch):
            self._sketch(event)
        elif isinstance(event, wire.TERMINAL):
            self._terminal(event)
        elif isinstance(event, wire.Understood):
            self._understand(event)
        elif isinstance(event, Exited):
            self._drop(*exit_sentence(event, started=self.hello is not None))
        else:
            reason = event.reason if isinstance(event, Garbage) else f"it sent a {event}"
            self._drop(
                tr(
                    "The model's process answered with something that is no message: check that "
                    "the Python in the add-on's preferences is the backend's own."
                ),
                reason,
            )

    def _greet(self, hello: wire.Hello) -> None:
        if hello.protocol != wire.PROTOCOL:
            self._drop(
                tr(
                    "The model's process speaks protocol {theirs}, this add-on {ours}: "
                    "install both from the same version.",
                    theirs=hello.protocol,
                    ours=wire.PROTOCOL,
                )
            )
            return
        self.hello, self._refused = hello, None
        for job in self._jobs.values():
            if job.state is JobState.STARTING:
                job.state = JobState.RUNNING

    def _progress(self, report: wire.Progress) -> None:
        job = self._jobs.get(report.job)
        if job is None:
            self.absorbed += 1
            return
        job.stage = report.stage
        job.fraction = min(max(job.fraction, report.fraction), 1.0)

    def _sketch(self, report: wire.Sketch) -> None:
        job = self._jobs.get(report.job)
        if job is None:
            self.absorbed += 1
        else:
            job.sketch = report.clip

    def _understand(self, report: wire.Understood) -> None:
        """Keep an answer; that to a prompt which was typed over is late."""
        if report.prompt != self.asked:
            self.absorbed += 1
            return
        notes = tuple(map(translate_received, report.notes))
        self.understood, self.asked = replace(report, notes=notes), None
        self._last_use = self._clock()

    def _terminal(
        self, report: wire.Result | wire.Description | wire.Failure | wire.Cancelled
    ) -> None:
        if isinstance(report, wire.Failure) and not report.job:
            self._drop(translate_received(report.message), report.detail)
            return
        job = self._jobs.get(report.job)
        if job is None:
            self.absorbed += 1
        elif isinstance(report, wire.Cancelled) or job.state is JobState.CANCELLING:
            # The result crossed the cancel request: the user said stop.
            self._end(job, JobState.CANCELLED)
        elif isinstance(report, wire.Result | wire.Description):
            job.result, job.fraction = report, 1.0
            if isinstance(report, wire.Result):
                self.memory = report.memory
            self._end(job, JobState.DONE)
        else:
            job.error, job.detail = translate_received(report.message), report.detail
            self._end(job, JobState.FAILED)


def exit_sentence(event: Exited, *, started: bool) -> tuple[str, str]:
    """The message for a process that ended by itself, and its details."""
    lines = [line.strip() for line in event.stderr.splitlines() if line.strip()]
    last = lines[-1][:400] if lines else ""
    if not started and last.startswith(OWN_WORDS):
        own = last.removeprefix(OWN_WORDS)  # its sentence says what is wrong
        return translate_received(own), event.stderr
    how = (
        tr("signal {number}", number=-event.code)
        if event.code < 0
        else tr("exit code {code}", code=event.code)
    )
    why = f"{how}: {last.rstrip('.')}" if last else how
    if started:
        return (
            tr(
                "The model's process ended in the middle of the work ({why}): press "
                "Generate to start it again.",
                why=why,
            ),
            event.stderr,
        )
    return (
        tr(
            "The model's process ended at its start ({why}): check the backend in "
            "the add-on's preferences.",
            why=why,
        ),
        event.stderr,
    )

"""Asks the model's process what a motion shows. Imports no bpy."""

from __future__ import annotations

import shutil
import uuid
from collections.abc import Callable
from pathlib import Path
from typing import TypeAlias

from .. import paths, wire
from ..backend.jobs import Job, JobState
from ..backend.process import Launch, LaunchError
from ..core.body.motion import MotionClip
from ..core.translation import tr
from .adapters import Backend
from .job import GenerateError

#: Called once with the sentence, or with "" and why there is none.
OnSentence: TypeAlias = Callable[[str, str], None]


class Describer:
    """The description under way, of one motion at a time."""

    def __init__(self, backend: Backend, redraw: Callable[[], None]) -> None:
        self._backend, self._redraw = backend, redraw
        #: The job under way, or None.
        self.job: Job | None = None

    def start(self, clip: MotionClip, launch: Launch, on_sentence: OnSentence) -> None:
        """Send a motion.

        Raises:
            GenerateError, LaunchError: when it cannot be sent.
        """
        if self.job is not None:
            raise GenerateError(tr("Another motion is being described: wait or cancel it."))
        folder = _write(clip)
        request = wire.Describe(uuid.uuid4().hex[:12], str(folder))

        def end(job: Job) -> None:
            shutil.rmtree(folder, ignore_errors=True)
            if self.job is job:
                self.job = None
                on_sentence(*_answer(job))
            self._redraw()

        try:
            self.job = self._backend.submit(launch, request, end, self._redraw)
        except LaunchError:
            shutil.rmtree(folder, ignore_errors=True)
            raise
        self._redraw()

    def cancel(self) -> None:
        """Ask for no sentence any more."""
        if self.job is not None:
            self._backend.cancel(self.job.request.job)

    def drop(self) -> None:
        """Forget what is under way."""
        if self.job is not None:
            self._backend.forget(self.job.request.job)
            self.job = None


def _answer(job: Job) -> tuple[str, str]:
    """The sentence of a job that ended, and why there is none."""
    if isinstance(job.result, wire.Description):
        return job.result.sentence, ""
    if job.state is JobState.CANCELLED:
        return "", tr("Cancelled: nothing was changed.")
    return "", job.error


def _write(clip: MotionClip) -> Path:
    folder = paths.new_job_folder()
    try:
        clip.save(folder / wire.RESULT_FILE)
    except OSError as error:
        shutil.rmtree(folder, ignore_errors=True)
        raise GenerateError(
            tr(
                "The request cannot be written to the temporary folder ({reason}): make room on "
                "its disk, then try again.",
                reason=error.strerror,
            )
        ) from None
    return folder

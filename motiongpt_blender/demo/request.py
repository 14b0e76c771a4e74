"""The demo's side of the model's process: one request, waited for, with its progress."""

from __future__ import annotations

import os
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from .. import paths, wire
from ..backend.jobs import Job, JobQueue, JobState
from ..backend.locations import VARIABLE
from ..backend.process import Launch, LaunchError
from ..core.body.motion import MotionClip, MotionError
from ..core.panel_words import for_the_terminal
from ..core.pose_constraints.marked_pose import MarkedPose
from ..core.timeline.plan import Plan
from .command import CommandError

#: Called with a stage and the share (0..1) of the job that is done.
Progress = Callable[[str, float], None]


@dataclass(frozen=True)
class Answer:
    """What the model gave: the motion, the seconds of its stages, its notes."""

    clip: MotionClip
    seconds: dict[str, float]
    notes: tuple[str, ...]


def make_launch(pack: Path | None, device: str, fake: bool) -> Launch:
    """How to start the model's process; raises CommandError where no pack is."""
    folder = (pack or paths.PACKS / "starter").absolute()
    if not fake and not (folder / "pack.json").is_file():
        raise CommandError(
            f"There is no model pack in {folder}: name the folder of one with --pack, or fetch "
            "the project again with its packs."
        )
    python = os.environ.get(VARIABLE) or sys.executable
    return Launch(Path(python), paths.ROOT, folder, device, fake)


class Model:
    """The model's process, kept for several requests; a context manager that ends it."""

    def __init__(self, launch: Launch) -> None:
        self._launch = launch
        self._queue = JobQueue()
        self._count = 0

    def __enter__(self) -> Model:
        return self

    def __exit__(self, *_: object) -> None:
        self._queue.shutdown(grace=0.5)

    def ask(
        self, planned: Plan, marked: Sequence[MarkedPose], seed: int, progress: Progress
    ) -> Answer:
        """Send a request and wait; raises CommandError with the sentence of what went wrong."""
        self._count += 1
        with tempfile.TemporaryDirectory(prefix="motiongpt-") as name:
            folder = Path(name)
            if marked:
                np.savez(folder / wire.POSES_FILE, joints=np.stack([m.joints for m in marked]))
            request = wire.Generate(
                job=f"demo-{self._count}",
                prompt=planned.prompt,
                frames=planned.frames,
                folder=str(folder),
                pose_frames=planned.pose_frames,
                sampling=wire.Sampling(seed=seed),
            )
            try:
                job = self._wait(self._queue.submit(self._launch, request), progress)
                if not isinstance(job.result, wire.Result):
                    raise CommandError(for_the_terminal(job.error))
                clip = MotionClip.load(folder / job.result.clips[0])
            except (LaunchError, MotionError) as error:
                raise CommandError(str(error)) from None
        return Answer(clip, dict(job.result.seconds), job.result.notes)

    def _wait(self, job: Job, progress: Progress) -> Job:
        while not job.state.ended:
            self._queue.tick()
            stage = "starting" if job.state is JobState.STARTING else job.stage or "waiting"
            progress(stage, job.fraction)
            time.sleep(0.03)
        return job

"""What the model process tells of a job while it works: how far it is, and the motion so far."""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path
from typing import Final

import numpy as np
from numpy.typing import NDArray

from motiongpt_blender import wire
from motiongpt_blender.core.body.motion import MODEL_FPS, MotionClip

#: Seconds between two progress reports.
PROGRESS_SECONDS: Final = 0.05


class ProgressReporter:
    """A progress callback whose fraction never falls and that does not flood the pipe."""

    def __init__(self, job: str, report: Callable[[wire.Report], None]) -> None:
        self.begin = 0.0
        self._job = job
        self._report = report
        self._last = wire.Progress(job, "", -1.0)
        self._time = 0.0

    def __call__(self, stage: str, fraction: float) -> None:
        """Tell the stage and the share (0..1) of the job that is done."""
        share = self.begin + (1 - self.begin) * min(max(float(fraction), 0.0), 1.0)
        progress = wire.Progress(self._job, stage, max(share, self._last.fraction, 0.0))
        now = time.perf_counter()
        if stage == self._last.stage and now - self._time < PROGRESS_SECONDS:
            return
        self._last, self._time = progress, now
        self._report(progress)


class SketchReporter:
    """Writes the motion so far to the job's folder, and tells of it."""

    def __init__(self, job: wire.Generate, report: Callable[[wire.Report], None]) -> None:
        self._job, self._report = job, report
        self._count = 0

    def __call__(self, joints: NDArray[np.float32]) -> None:
        """Tell of joints (T, 22, 3); of nothing where the folder cannot take them."""
        self._count += 1
        name = wire.SKETCH_FILE.format(self._count)
        try:
            MotionClip(joints, MODEL_FPS).save(Path(self._job.folder) / name)
        except OSError:  # the result will tell
            return
        self._report(wire.Sketch(self._job.job, name))

"""The model process: answers requests on stdin with reports on stdout.

The Hello goes out before anything heavy is imported; the model is loaded with the first job and
kept. A worker thread generates, the main thread reads, so that a Cancel takes effect at once. The
process ends when its stdin closes. Every error of a job, a panic of a library included, becomes
its Failure, and the next job goes on. Nothing but the protocol ever reaches stdout, and logs go to
stderr.
"""

from __future__ import annotations

import logging
import os
import queue
import signal
import sys
import threading
import time
import traceback
from collections.abc import Callable, Iterable
from dataclasses import replace
from pathlib import Path
from typing import Final, TextIO

import numpy as np

from ext_models.devices import held_memory, is_out_of_memory, release_memory
from ext_models.errors import PipelineError
from ext_models.generation.request import (
    CancelCheck,
    GenerationCancelledError,
    GenerationRequest,
    GenerationResult,
    Pipeline,
    PoseCondition,
    SketchCallback,
)
from ext_models.generation.sentences import unstuck
from ext_models.packs import PackError
from motiongpt_blender import wire
from motiongpt_blender.core.body.motion import MotionClip, MotionError, check_joints
from motiongpt_blender.core.body.skeleton import Joint
from motiongpt_blender.core.bounded_arrays import read_arrays
from motiongpt_blender.core.bounded_files import MB
from motiongpt_blender.core.timeline.prompts import PromptError, clean_prompt

from .reporters import ProgressReporter, SketchReporter

logger = logging.getLogger(__name__)

#: Share of the first job's progress for loading the model.
LOAD_SHARE: Final = 0.25
#: Seconds that a running job has to stop after Blender is gone.
FAREWELL_SECONDS: Final = 2.0
#: The largest file of poses that is read, unpacked: some 250,000 poses.
POSES_LIMIT: Final = 64 * MB
#: Said of a take for which the GPU's memory did not suffice.
ON_CPU: Final = (
    "The GPU has not enough free memory for the model, so it runs on the processor from now on: "
    "close other programs and press Unload Model to try the GPU again."
)
#: Characters of a traceback that travel with a Failure.
DETAIL_LENGTH: Final = 20_000


def serve(
    hello: wire.Hello,
    load: Callable[[], Pipeline],
    load_on_cpu: Callable[[], Pipeline] | None = None,
) -> int:
    """Answer requests until stdin closes; returns the exit status.

    Args:
        hello: sent at once.
        load: makes the pipeline; called with the first job, again after it failed.
        load_on_cpu: makes it where the GPU's memory is too short; None if it runs there already.
    """
    out = _claim_stdout()
    # Ctrl-C in Blender's terminal is meant for Blender, whose end closes our stdin.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    server = Server(load, out, load_on_cpu)
    server.report(hello)
    with open(0, encoding="utf-8", errors="replace", closefd=False) as requests:
        server.run(requests)
    return server.farewell()


def _claim_stdout() -> TextIO:
    """The real stdout as a stream; what libraries print goes to stderr instead."""
    out = os.fdopen(os.dup(1), "w", buffering=1, encoding="utf-8")
    sys.stdout.flush()
    os.dup2(2, 1)
    return out


class Server:
    """The waiting jobs, the cancelled ones, and the model of one process."""

    def __init__(
        self,
        load: Callable[[], Pipeline],
        out: TextIO,
        load_on_cpu: Callable[[], Pipeline] | None = None,
    ) -> None:
        self._load = load
        self._load_on_cpu = load_on_cpu
        self._out = out
        self._pipeline: Pipeline | None = None
        self._waiting: queue.SimpleQueue[wire.Task | wire.Understand | None] = queue.SimpleQueue()
        self._last_asked: wire.Understand | None = None
        self._lock = threading.Lock()
        self._open: set[str] = set()
        self._cancelled: set[str] = set()
        self._closing = False
        self._worker = threading.Thread(target=self._work, daemon=True, name="worker")

    def run(self, lines: Iterable[str]) -> None:
        """Read requests until they end."""
        self._worker.start()
        for line in lines:
            try:
                message = wire.decode(line)
            except wire.WireError as error:
                text = f"A request could not be read: {one_line(str(error))}"
                self.report(wire.Failure("", text))
                continue
            if isinstance(message, wire.Shutdown):
                return
            self._take(message)

    def farewell(self) -> int:
        """Stop the worker; the process ends even if a step does not return."""
        self._closing = True
        self._waiting.put(None)
        self._worker.join(FAREWELL_SECONDS)
        if self._worker.is_alive():
            os._exit(0)
        return 0

    def report(self, report: wire.Report) -> None:
        """Write one report; ends the process if nobody reads any more."""
        with self._lock:
            try:
                self._out.write(wire.encode(report))
                self._out.flush()
            except OSError:
                os._exit(0)

    def _take(self, message: wire.Message) -> None:
        if isinstance(message, wire.Generate | wire.Describe):
            if message.job in self._open:
                text = f"The job {message.job!r} was sent twice."
                self.report(wire.Failure("", text))
                return
            self._open.add(message.job)
            self._waiting.put(message)
        elif isinstance(message, wire.Understand):
            self._last_asked = message
            self._waiting.put(message)
        elif isinstance(message, wire.Cancel) and message.job in self._open:
            self._cancelled.add(message.job)

    # --- the worker ---------------------------------------------------------------

    def _work(self) -> None:
        while (job := self._waiting.get()) is not None:
            if isinstance(job, wire.Understand):
                if job is self._last_asked:
                    self.report(self._understood(job.prompt))
                    self._warm_up()
                continue
            terminal = self._answer(job)
            # Before the report: who reads it may use the name again.
            self._open.discard(job.job)
            self._cancelled.discard(job.job)
            self.report(terminal)

    def _understood(self, prompt: str) -> wire.Understood:
        """How a prompt is understood; nothing, if that fails: the next job tells what is wrong.

        The model is loaded for it, so that the first job finds it ready.
        """
        try:
            found = self._loaded().understand(clean_prompt(prompt, any_script=True))
            return replace(found, prompt=prompt)
        except (PipelineError, PromptError) as error:
            return wire.Understood(prompt, (one_line(str(error)),))
        except BaseException as error:  # a panic of a Rust library too
            logger.warning("The prompt was not looked at (%s).", error)
            self._pipeline = None
            return wire.Understood(prompt)

    def _warm_up(self) -> None:
        """Make the model ready while the animator types on; a job that waits comes first."""
        if self._pipeline is None or not self._waiting.empty():
            return
        try:
            self._pipeline.warm_up()
        except Exception:  # the job that needs it tells what is wrong
            logger.warning("The model was not made ready.", exc_info=True)

    def _loaded(self) -> Pipeline:
        """The pipeline, loaded where that is needed."""
        if self._pipeline is None:
            self._pipeline = self._load()
        return self._pipeline

    def _answer(
        self, job: wire.Task
    ) -> wire.Result | wire.Description | wire.Failure | wire.Cancelled:
        """Do the job; returns exactly one terminal report, whatever happens."""
        try:
            describes = isinstance(job, wire.Describe)
            result = self._describe(job) if describes else self._generate(job)
            wire.encode(result)  # a result that cannot be written has to fail here
            return result
        except GenerationCancelledError:
            return wire.Cancelled(job.job)
        except (PipelineError, PackError, MotionError) as error:
            return wire.Failure(job.job, one_line(str(error)), _detail())
        except BaseException as error:
            logger.exception("The job %s failed.", job.job)
            failure = wire.Failure(job.job, self._unexpected(error), _detail())
            if not isinstance(error, Exception):
                # A panic of a Rust library. What it left of the model is not used again.
                self._pipeline = None
            return failure

    def _unexpected(self, error: BaseException) -> str:
        """One sentence for an unexpected error."""
        reason = one_line(f"{type(error).__name__}: {error}").rstrip(".")
        if is_out_of_memory(error):
            return (
                f"The device has not enough memory for the model ({reason}): close other programs "
                "or choose the device 'CPU' in the add-on's preferences."
            )
        if isinstance(error, ImportError):
            return (
                f"The backend's Python lacks a package ({reason}): set the backend up again, or "
                "choose its Python in the add-on's preferences."
            )
        if self._pipeline is None:
            return (
                f"The model pack cannot be loaded ({reason}): install it again, or choose another "
                "one in the add-on's preferences."
            )
        return (
            f"The model failed ({reason}): the console has the details; try another prompt or seed."
        )

    def _generate(self, job: wire.Generate) -> wire.Result:
        def cancelled() -> bool:
            return self._closing or job.job in self._cancelled

        if cancelled():
            raise GenerationCancelledError
        report = ProgressReporter(job.job, self.report)
        request = read_request(job)
        sketch = SketchReporter(job, self.report)
        answer = self._answer_within_memory(request, report, cancelled, sketch)
        clips, alternatives = write_clips(answer, Path(job.folder))
        return wire.Result(
            job.job, clips, answer.seconds, answer.notes, alternatives, held_memory()
        )

    def _describe(self, job: wire.Describe) -> wire.Description:
        """The likeliest sentence about the motion in the job's folder."""
        if job.job in self._cancelled:
            raise GenerationCancelledError
        report = ProgressReporter(job.job, self.report)
        clip = MotionClip.load(Path(job.folder) / wire.RESULT_FILE)
        pipeline = self._loaded_for(report)
        report(wire.DESCRIBING, 0.5)
        sentences = pipeline.caption(clip, wire.Sampling(temperature=0.0, candidates=1))
        if job.job in self._cancelled:
            raise GenerationCancelledError
        return wire.Description(job.job, one_line(unstuck(sentences[0])))

    def _answer_within_memory(
        self,
        request: GenerationRequest,
        report: ProgressReporter,
        cancelled: CancelCheck,
        sketch: SketchCallback,
    ) -> GenerationResult:
        """The model's answer; from the CPU, now and later, if the GPU's memory is too short."""
        try:
            return self._answer_of_pipeline(request, report, cancelled, sketch)
        except Exception as error:
            if self._load_on_cpu is None or not is_out_of_memory(error):
                raise
            logger.warning("The memory of the GPU is too short (%s).", error)
        # Out of the handler: the error holds on to what was computed.
        self._pipeline = None
        release_memory()
        self._load, self._load_on_cpu = self._load_on_cpu, None
        answer = self._answer_of_pipeline(request, report, cancelled, sketch)
        return replace(answer, notes=(ON_CPU, *answer.notes))

    def _answer_of_pipeline(
        self,
        request: GenerationRequest,
        report: ProgressReporter,
        cancelled: CancelCheck,
        sketch: SketchCallback,
    ) -> GenerationResult:
        """The model's answer, and how long its loading took; loads it where that is needed."""
        loading = time.perf_counter()
        pipeline = self._loaded_for(report)
        seconds = {wire.LOADING: time.perf_counter() - loading}
        if cancelled():
            raise GenerationCancelledError
        answer = pipeline.generate(request, report, cancelled, sketch)
        if cancelled():
            raise GenerationCancelledError
        return replace(answer, seconds=seconds | answer.seconds)

    def _loaded_for(self, report: ProgressReporter) -> Pipeline:
        """The pipeline; its loading is part of the progress of the first job."""
        if self._pipeline is None:
            report(wire.LOADING, 0.0)
            self._loaded()
            report.begin = LOAD_SHARE
        return self._loaded()


def read_request(job: wire.Generate) -> GenerationRequest:
    """The request of a job, poses read from its folder; raises PipelineError."""
    try:
        # Which scripts a pack reads is known when it is loaded; the pipeline checks that.
        prompt = clean_prompt(job.prompt, any_script=True)
    except PromptError as error:
        raise PipelineError(str(error)) from None
    poses: tuple[PoseCondition, ...] = ()
    if job.pose_frames:
        joints = _read_poses(Path(job.folder), "joints")
        if len(joints) != len(job.pose_frames):
            raise PipelineError(
                f"The request names {len(job.pose_frames)} pose frames, its file holds "
                f"{len(joints)} poses."
            )
        bound = _read_bound(Path(job.folder), len(joints))
        poses = tuple(
            PoseCondition(frame, pose, bool(parts[0]), None if parts.all() else parts)
            for frame, pose, parts in zip(job.pose_frames, joints, bound, strict=True)
        )
    if (sentence := job.sampling.out_of_range()) is not None:
        raise PipelineError(f"The request cannot be answered: {sentence}")
    inside = all(0 <= frame < job.frames for frame in job.pose_frames)
    if not inside or list(job.pose_frames) != sorted(set(job.pose_frames)):
        raise PipelineError("The pose frames of the request are not ascending or lie outside.")
    return GenerationRequest(
        prompt,
        job.frames,
        poses,
        job.sampling,
        history=_read_poses(Path(job.folder), "history") if job.continues else None,
        way=job.way,
    )


def _read_poses(folder: Path, name: str) -> np.ndarray:
    """Poses (K, 22, 3) float32 in metres of a job's file."""
    path = folder / wire.POSES_FILE
    try:
        joints = read_arrays(path, POSES_LIMIT)[name].astype(np.float32)
        check_joints(joints)
    except Exception as error:
        raise PipelineError(f"{path}: the poses cannot be read ({one_line(str(error))}).") from None
    return joints


def _read_bound(folder: Path, count: int) -> np.ndarray:
    """Which joints (K, 22) of a job's poses count; all of them where its file does not say."""
    path = folder / wire.POSES_FILE
    try:
        bound = read_arrays(path, POSES_LIMIT, ("bound",)).get("bound")
        if bound is None:
            return np.ones((count, len(Joint)), dtype=bool)
        if bound.shape != (count, len(Joint)) or bound.dtype != bool:
            raise ValueError(f"bound is {bound.dtype} {bound.shape}")
        if not bound.any(axis=1).all():
            raise ValueError("a pose binds no joint")
    except Exception as error:
        raise PipelineError(f"{path}: the poses cannot be read ({one_line(str(error))}).") from None
    return bound


def write_clips(answer: GenerationResult, folder: Path) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Save the motions in the job's folder; returns the file names of clips and alternatives.

    An alternative that is one of the clips has that clip's file.
    """
    stem, dot, suffix = wire.RESULT_FILE.partition(".")
    names = [wire.RESULT_FILE]
    if len(answer.clips) > 1:
        names = [f"{stem}_{i + 1:02}{dot}{suffix}" for i in range(len(answer.clips))]
    file_of = {id(clip): name for name, clip in zip(names, answer.clips, strict=True)}
    for number, clip in enumerate(answer.alternatives, 1):
        file_of.setdefault(id(clip), f"{stem}_alternative_{number}{dot}{suffix}")
    for clip in (*answer.clips, *answer.alternatives):
        _write(clip, folder / file_of[id(clip)])
    return tuple(names), tuple(file_of[id(clip)] for clip in answer.alternatives)


def _write(clip: MotionClip, path: Path) -> None:
    try:
        clip.save(path)
    except OSError as error:
        raise PipelineError(
            f"The motion could not be written to {path} ({error.strerror}): "
            "make room on that disk or choose another temporary folder."
        ) from None


def one_line(text: str) -> str:
    """The text without line breaks, at most 600 characters, all of which can be shown."""
    return " ".join(text.split())[:600].encode("utf-8", "replace").decode()


def _detail() -> str:
    return traceback.format_exc()[-DETAIL_LENGTH:]

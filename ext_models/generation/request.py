"""Requests, results and the protocol of a pipeline.

Server and command line know only this protocol. ``MotionPipeline`` implements it with a model
pack, ``serving.fake`` for tests of the interface.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from motiongpt_blender.core.body.motion import MotionClip
from motiongpt_blender.core.ways.way import Way
from motiongpt_blender.wire import Sampling, Understood

#: Called with the name of a stage and the share (0..1) of the whole job that is done.
ProgressCallback = Callable[[str, float], None]
#: Called now and then with joints (T, 22, 3): the motion so far of one candidate.
SketchCallback = Callable[[NDArray[np.float32]], None]
#: Asked at every step; True stops the job.
CancelCheck = Callable[[], bool]


class GenerationCancelledError(Exception):
    """Raised by ``generate`` if the cancel check returns True."""


@dataclass(frozen=True)
class PoseCondition:
    """A pose that the motion is asked to pass through.

    Attributes:
        frame: frame of the motion, 0 .. frames - 1.
        joints: (22, 3) metres, y up.
        placed: whether its place, relative to the first pose, counts too.
        bound: (22,) which joints count; None is the whole body. A pose of some joints guides the
            model, but has no tokens in the instruction.
    """

    frame: int
    joints: NDArray[np.float32]
    placed: bool = False
    bound: NDArray[np.bool_] | None = None


@dataclass(frozen=True)
class GenerationRequest:
    """Everything that one generation needs.

    Attributes:
        prompt: a checked prompt (see ``core.timeline.prompts``).
        frames: length at the pipeline's frame rate.
        poses: ascending by frame, at most one a frame.
        sampling: how the motions are sampled. Of the candidates those with the best score are
            given. Packs of the prompt style ``paper`` ignore ``guidance``.
        history: (T, 22, 3) metres, y up, the motion before, which this one continues; its last
            second counts. The first frame of the motion is the one after it.
        way: that the motion follows, in the world of the poses.
    """

    prompt: str
    frames: int
    poses: tuple[PoseCondition, ...] = ()
    sampling: Sampling = field(default_factory=Sampling)
    history: NDArray[np.float32] | None = None
    way: Way | None = None


@dataclass(frozen=True)
class GenerationResult:
    """What a request is answered with.

    Attributes:
        clips: one motion for each variation.
        seconds: wall time of each stage.
        notes: sentences for the user.
        alternatives: the best of all candidates that differ from each other, best first; those
            among ``clips`` are the same objects.
    """

    clips: tuple[MotionClip, ...]
    seconds: dict[str, float]
    notes: tuple[str, ...] = ()
    alternatives: tuple[MotionClip, ...] = ()


class Pipeline(Protocol):
    """Answers requests; made once, used for many."""

    def generate(
        self,
        request: GenerationRequest,
        progress: ProgressCallback,
        cancelled: CancelCheck,
        sketch: SketchCallback | None = None,
    ) -> GenerationResult:
        """Answer one request; ``sketch`` is shown what is written meanwhile.

        Raises:
            PipelineError: with a sentence for the user.
            GenerationCancelledError: if ``cancelled()`` turned true.
        """
        ...

    def caption(self, clip: MotionClip, sampling: Sampling) -> list[str]:
        """Sentences about a motion, one a variation; raises PipelineError."""
        ...

    def understand(self, prompt: str) -> Understood:
        """How a prompt is understood, before anything is generated.

        Raises:
            PipelineError: for a prompt that cannot be read.
        """
        ...

    def warm_up(self) -> None:
        """Make ready what the first answer would wait for."""
        ...

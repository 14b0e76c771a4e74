"""From a request to motion: what every pipeline takes, gives and raises.

The server and the command line know only this protocol. ``load_pipeline`` makes
the real one from a model pack; tests of the interface use the one in ``fake``.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from motiongpt_blender.core.body.motion import MotionClip
from motiongpt_blender.wire import Sampling

#: Called with a stage name and the share (0..1) of the whole job that is done.
ProgressCallback = Callable[[str, float], None]
#: Asked at every step; True means: stop now.
CancelCheck = Callable[[], bool]


class GenerationCancelledError(Exception):
    """Raised out of ``generate`` when the cancel check says so."""


@dataclass(frozen=True)
class PoseCondition:
    """A pose that the motion is asked to pass through.

    Attributes:
        frame: frame of the motion, 0 .. frames - 1.
        joints: (22, 3) metres, y up.
        placed: whether where it stands counts too, as seen from the first pose.
        bound: (22,) which joints count; None is the whole body. A pose of some joints steers the
            model, and is not told to it.
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
        sampling: how the motions are sampled. Of the candidates those nearest to the poses are
            kept, or without poses those that fit the prompt best. Packs of the prompt style
            ``paper`` ignore ``guidance``.
        history: (T, 22, 3) metres, y up, the motion before, which this one continues; its last
            second counts. The first frame of the motion is the one after it.
    """

    prompt: str
    frames: int
    poses: tuple[PoseCondition, ...] = ()
    sampling: Sampling = field(default_factory=Sampling)
    history: NDArray[np.float32] | None = None


@dataclass(frozen=True)
class GenerationResult:
    """The motions, the seconds of each stage, and sentences for the user."""

    clips: tuple[MotionClip, ...]
    seconds: dict[str, float]
    notes: tuple[str, ...] = ()


class Pipeline(Protocol):
    """A thing that answers requests; built once, used for many."""

    def generate(
        self, request: GenerationRequest, progress: ProgressCallback, cancelled: CancelCheck
    ) -> GenerationResult:
        """Answer one request.

        Raises:
            PipelineError: with a sentence for the user.
            GenerationCancelledError: when ``cancelled()`` turned true.
        """
        ...

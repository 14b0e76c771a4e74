"""From a request to motion: what every pipeline takes, gives and raises.

The server and the command line know only this protocol. ``load_pipeline`` makes
the real one from a model pack; tests of the interface use the one in ``fake``.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final, Protocol

import numpy as np
from numpy.typing import NDArray

from motiongpt_blender.core.body.motion import MotionClip

#: Called with a stage name and the share (0..1) of the whole job that is done.
ProgressCallback = Callable[[str, float], None]
#: Asked at every step; True means: stop now.
CancelCheck = Callable[[], bool]
#: Motions that are drawn for each that is given.
CANDIDATES: Final = 16
#: How much poses count beside the model, and the most that they may.
GUIDANCE_STRENGTH: Final = 1.0
MAX_GUIDANCE_STRENGTH: Final = 10.0


class PipelineError(RuntimeError):
    """The request cannot be answered; the message is one sentence for the user."""


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
        prompt: a checked prompt (see ``core.prompts``).
        frames: length at the pipeline's frame rate.
        poses: ascending by frame, at most one a frame.
        seed: the same seed gives the same motion on the same device.
        temperature: spread of the sampling; 0 takes the likeliest token.
        variations: number of motions, made in one batch.
        candidates: motions drawn for each of them, of which the best are given: those nearest to
            the poses, or without poses those that fit the prompt best.
        steer: how much the poses, or without poses the summary, steer what the model writes, to
            ``MOST_STEER``; 0 leaves it alone. The style ``paper`` cannot be steered.
        beginning: (T, 22, 3) metres, y up, what comes before the motion, to go on from; its last
            second is what counts. The motion's first frame is the one after.
    """

    prompt: str
    frames: int
    poses: tuple[PoseCondition, ...] = ()
    seed: int = 0
    temperature: float = 0.8
    variations: int = 1
    candidates: int = CANDIDATES
    guidance_strength: float = GUIDANCE_STRENGTH
    history: NDArray[np.float32] | None = None

    @property
    def drawn(self) -> int:
        """Motions to make."""
        return self.variations * self.candidates


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

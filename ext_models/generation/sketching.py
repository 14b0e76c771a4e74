"""The motion so far, shown while the language model writes.

It is the first candidate's: a guess. All candidates are written side by side, and the best are
selected when all are whole. Sketches take a few percent of the time, change no candidate, and
end no job: after an error there are none any more.
"""

from __future__ import annotations

import logging
import math
import time
from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Final

import numpy as np
from numpy.typing import NDArray

from .request import GenerationRequest, SketchCallback

logger = logging.getLogger(__name__)

Codes = list[list[int]]

#: Seconds between two sketches at least.
SECONDS: Final = 0.7
#: The most of the time that sketches take.
SHARE: Final = 0.04


class Sketcher:
    """Decodes and shows codes that are being written, now and then."""

    def __init__(
        self,
        decode: Callable[[Codes], NDArray[np.float32]],
        show: SketchCallback,
        clock: Callable[[], float] = time.perf_counter,
    ) -> None:
        """The first sketch is due after SECONDS.

        Args:
            decode: the motion (T, 22, 3) of the codes (S, L) written so far.
            show: takes the motion.
            clock: seconds.
        """
        self._decode, self._show, self._clock = decode, show, clock
        self._next = clock() + SECONDS

    @property
    def due(self) -> bool:
        """Whether it is time for the next sketch."""
        return self._clock() >= self._next

    def sketch(self, codes: Codes) -> None:
        """Show the motion of the first candidate's codes (S, L)."""
        if not codes:
            return
        began = self._clock()
        try:
            self._show(self._decode(codes))
        except Exception as error:
            logger.warning("The motion cannot be shown while it is written (%s).", error)
            self._next = math.inf
            return
        now = self._clock()
        self._next = now + max(SECONDS, (now - began) / SHARE)


def sketcher_of(
    show: SketchCallback | None,
    decoded: Callable[[Codes, GenerationRequest], NDArray[np.float32]],
    stride: int,
    request: GenerationRequest,
    before: Sequence[list[int]],
    given: int,
) -> Sketcher | None:
    """Shows the answer to a request; None where nobody looks.

    Args:
        show: takes the motion.
        decoded: the motion of codes that answer a request.
        stride: frames of a code step.
        request: what is answered.
        before: codes before those that are being written.
        given: how many of these are of the motion before the request's.
    """
    if show is None:
        return None

    def decode(codes: Codes) -> NDArray[np.float32]:
        whole = [*before, *codes]
        frames = min((len(whole) - given) * stride, request.frames)
        poses = tuple(pose for pose in request.poses if pose.frame < frames)
        return decoded(whole, replace(request, frames=frames, poses=poses))

    return Sketcher(decode, show)

"""The pack's reranker: which of several motions fits a sentence best.

A text-motion matching network, of the evaluator's kind but small and the pack's own: it is
trained with the pack, on the clips that the pack learns from and the joined clips made of
them, and lies in the pack's folder ``reranker``. It never meets the evaluator that measures
the pack, nor a clip that is held out, nor a pair of parts that is kept apart.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from ext_models.packs import RERANKER
from ext_models.text_motion import model as spaces
from ext_models.text_motion.network import MIN_FRAMES
from motiongpt_blender.core.body.motion import resample


@dataclass(frozen=True)
class Reranker:
    """Text and motion in one space, to choose by."""

    space: spaces.TextMotionModel

    @classmethod
    def of_pack(cls, folder: Path, device: str) -> Reranker | None:
        """That of a pack, None where it has none; raises PackError when it is damaged."""
        place = folder / RERANKER
        return cls(spaces.load(place, device)) if place.is_dir() else None

    def fits(self, prompt: str, motions: Sequence[NDArray[np.floating]]) -> NDArray[np.floating]:
        """How well motions (T, 22, 3) fit a sentence, -1 to 1 each, (N,).

        All have one length. What is too short to be judged fits as well as any other.
        """
        if not motions or len(motions[0]) < MIN_FRAMES:
            return np.zeros(len(motions))
        longest = self.space.config.max_frames
        read = [_shortened(np.asarray(m, dtype=np.float32), longest) for m in motions]
        return self.space.embed_motion(read) @ self.space.embed_text([prompt])[0]


def _shortened(joints: NDArray[np.float32], longest: int) -> NDArray[np.float32]:
    """A motion (T, 22, 3) played faster where it has more frames than can be read."""
    if len(joints) <= longest:
        return joints
    return resample(joints, len(joints) - 1, longest - 1)[:longest]

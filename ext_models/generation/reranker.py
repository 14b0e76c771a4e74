"""The pack's reranker: how well motions fit a prompt.

A text-motion network like the evaluator's, but small and the pack's own, in the pack's folder
``reranker``. It is trained with the pack, on the pack's training clips and the joined clips made
of them. It never sees the evaluator that measures the pack, nor a held-out clip.
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
    """Text and motion in one embedding space."""

    space: spaces.TextMotionModel

    @classmethod
    def of_pack(cls, folder: Path, device: str) -> Reranker | None:
        """The reranker of a pack, None if it has none; raises PackError if it is damaged."""
        place = folder / RERANKER
        return cls(spaces.load(place, device)) if place.is_dir() else None

    def scores(self, prompt: str, motions: Sequence[NDArray[np.floating]]) -> NDArray[np.floating]:
        """Cosine similarity (N,) of motions (T, 22, 3) of one length with a prompt.

        Motions too short for the network all get 0.
        """
        if not motions or len(motions[0]) < MIN_FRAMES:
            return np.zeros(len(motions))
        longest = self.space.config.max_frames
        read = [_shortened(np.asarray(m, dtype=np.float32), longest) for m in motions]
        return self.space.embed_motion(read) @ self.space.embed_text([prompt])[0]


def _shortened(joints: NDArray[np.float32], longest: int) -> NDArray[np.float32]:
    """A motion (T, 22, 3), played faster if it has more frames than the network reads."""
    if len(joints) <= longest:
        return joints
    return resample(joints, len(joints) - 1, longest - 1)[:longest]

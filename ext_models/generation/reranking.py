"""Which of the motions drawn for a request are given.

With marked poses those nearest to them. Without, the one that fits the sentence best, as the
pack's reranker finds, and whose body does not lurch; a pack without a reranker gives the one
that keeps best to what its clip summary announced.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from ext_models.language.place_tokens import seen_from, stands
from ext_models.motion.motion_metrics import local_pose
from ext_models.tokenizer.clip_summary import ClipSummary
from motiongpt_blender.core.body.motion import MotionClip

from .request import GenerationRequest
from .reranker import Reranker

#: Metres a second that a body may gain in a frame: nine in ten real walks and runs stay below.
SMOOTH: Final = 0.6
#: What a metre a second beyond that counts beside the reranker's -1 to 1. Measured on clips held
#: out: the jolts of chosen walks fall from 0.8 to 0.5 m/s (real ones: 0.4), and sentences are
#: heard as well; from 0.3 on they are heard less.
ACCELERATION_WEIGHT: Final = 0.2


@dataclass(frozen=True)
class CandidateSelector:
    """Chooses among the candidates of a request.

    Attributes:
        clip summary: of the pack, if its answers begin with one.
        reranker: of the pack, if it has one.
    """

    summary: ClipSummary | None = None
    reranker: Reranker | None = None

    def knows(self, request: GenerationRequest) -> bool:
        """Whether one try can be called better than another."""
        if request.poses or self.reranker is not None:
            return True
        return self.summary is not None and request.history is None

    def best(
        self,
        clips: Sequence[MotionClip],
        summary_targets: Sequence[Sequence[int]],
        request: GenerationRequest,
    ) -> tuple[MotionClip, ...]:
        """As many clips as a request asks for.

        Args:
            clips: all that were drawn for it; without poses the candidates of a variation in a row.
            summary_targets: the clip summary of each.
            request: what was asked.
        """
        if request.poses:
            nearest = sorted(clips, key=lambda c: miss(c, request))
            return tuple(nearest[: request.sampling.variations])
        if not self.knows(request):
            return tuple(clips[: request.sampling.variations])
        worth = self._worth(clips, summary_targets, request)
        candidates = len(clips) // request.sampling.variations
        starts = range(0, request.sampling.variations * candidates, candidates)
        return tuple(clips[max(range(s, s + candidates), key=worth.__getitem__)] for s in starts)

    def _worth(
        self,
        clips: Sequence[MotionClip],
        summary_targets: Sequence[Sequence[int]],
        request: GenerationRequest,
    ) -> list[float]:
        """How good each clip is: the more, the better."""
        motions = [clip.joints for clip in clips]
        if self.reranker is not None:
            fits = self.reranker.fits(request.prompt, motions)
            jolts = np.array([peak_acceleration(clip.joints, clip.fps) for clip in clips])
            return (fits - ACCELERATION_WEIGHT * np.maximum(jolts - SMOOTH, 0)).tolist()
        if self.summary is None:
            return [0.0] * len(clips)
        return [
            -self.summary.distance(motion, told) if told else 0.0
            for motion, told in zip(motions, summary_targets, strict=True)
        ]


def peak_acceleration(joints: NDArray[np.floating], fps: float) -> float:
    """The hardest jolt of a body (T, 22, 3) on its way, in metres a second.

    By so much its pelvis gains speed over the ground from one frame to the next: a model that
    changes its mind in the middle of a step lurches.
    """
    if len(joints) < 3:
        return 0.0
    speed = fps * np.diff(joints[:, 0, [0, 2]], axis=0)
    return float(np.linalg.norm(np.diff(speed, axis=0), axis=-1).max())


def miss(clip: MotionClip, request: GenerationRequest) -> float:
    """Metres between a clip and the poses of its request, the mean over the poses.

    Poses are compared as bodies, facing the same way and with the pelvis over the origin;
    where they stand counts as well where it was asked for.
    """
    misses: list[float] = []
    for pose in request.poses:
        made = clip.joints[pose.frame]
        apart = np.linalg.norm(local_pose(made) - local_pose(pose.joints), axis=-1)
        distance = apart.mean() if pose.bound is None else apart[pose.bound].mean()
        if pose.placed and pose is not request.poses[0]:
            asked = stands(np.stack([request.poses[0].joints, pose.joints]))
            came = stands(np.stack([clip.joints[request.poses[0].frame], made]))
            distance += np.linalg.norm(seen_from(*asked) - seen_from(*came))
        misses.append(float(distance))
    return float(np.mean(misses))

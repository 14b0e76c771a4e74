"""Reranking: which of a request's candidates are kept.

With marked poses the candidates nearest to them. Without, the candidate that the pack's
reranker finds to fit the prompt best, less a penalty for a jerky path; a pack without a reranker
keeps the candidate that follows its clip summary best.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np

from ext_models.motion.motion_metrics import local_pose
from ext_models.motion.pacing_metrics import peak_acceleration
from ext_models.motion.planar import planar_offset, planar_poses
from ext_models.tokenizer.clip_summary import ClipSummary
from motiongpt_blender.core.body.motion import MotionClip

from .request import GenerationRequest, PoseCondition
from .reranker import Reranker

#: Peak acceleration in m/s^2 that costs nothing: nine in ten real walks and runs stay below.
FREE_ACCELERATION: Final = 12.0
#: Cost of a further m/s^2 beside the reranker's -1 to 1. Measured on held-out clips: the peaks of
#: chosen walks fall from 16 to 10 m/s^2 (real ones: 8) at the same R@3; from 0.015 on R@3 falls.
ACCELERATION_WEIGHT: Final = 0.01


@dataclass(frozen=True)
class CandidateSelector:
    """Selects among the candidates of a request.

    Attributes:
        summary: of the pack, if its answers begin with one.
        reranker: of the pack, if it has one.
    """

    summary: ClipSummary | None = None
    reranker: Reranker | None = None

    def can_rank(self, request: GenerationRequest) -> bool:
        """Whether candidates of this request can be compared at all."""
        if request.poses or self.reranker is not None:
            return True
        return self.summary is not None and request.history is None

    def select(
        self,
        clips: Sequence[MotionClip],
        summaries: Sequence[Sequence[int]],
        request: GenerationRequest,
    ) -> tuple[MotionClip, ...]:
        """As many clips as the request has variations, the best of their candidates.

        Args:
            clips: all candidates; without poses those of a variation in a row.
            summaries: summary tokens (G,) of each.
            request: what was asked for.
        """
        wanted = request.sampling.variations
        if request.poses:
            return tuple(sorted(clips, key=lambda clip: pose_error(clip, request))[:wanted])
        if not self.can_rank(request):
            return tuple(clips[:wanted])
        scores = self._scores(clips, summaries, request)
        count = len(clips) // wanted
        starts = range(0, wanted * count, count)
        return tuple(clips[max(range(s, s + count), key=scores.__getitem__)] for s in starts)

    def _scores(
        self,
        clips: Sequence[MotionClip],
        summaries: Sequence[Sequence[int]],
        request: GenerationRequest,
    ) -> list[float]:
        """How good each clip is; higher is better."""
        motions = [clip.joints for clip in clips]
        if self.reranker is not None:
            fit = self.reranker.scores(request.prompt, motions)
            peaks = np.array([peak_acceleration(clip.joints, clip.fps) for clip in clips])
            return (fit - ACCELERATION_WEIGHT * np.maximum(peaks - FREE_ACCELERATION, 0)).tolist()
        if self.summary is None:
            return [0.0] * len(clips)
        return [
            -self.summary.distance(motion, tokens) if tokens else 0.0
            for motion, tokens in zip(motions, summaries, strict=True)
        ]


def pose_error(clip: MotionClip, request: GenerationRequest) -> float:
    """Metres between a clip and the poses of its request, the mean over the poses.

    Bodies are compared with the pelvis over the origin and facing one way; the place of a placed
    pose, relative to the first pose, counts as well.
    """
    return float(np.mean([_pose_error(clip, pose, request.poses[0]) for pose in request.poses]))


def _pose_error(clip: MotionClip, pose: PoseCondition, first: PoseCondition) -> float:
    body = clip.joints[pose.frame]
    apart = np.linalg.norm(local_pose(body) - local_pose(pose.joints), axis=-1)
    error = apart.mean() if pose.bound is None else apart[pose.bound].mean()
    if pose.placed and pose is not first:
        wanted = planar_poses(np.stack([first.joints, pose.joints]))
        generated = planar_poses(np.stack([clip.joints[first.frame], body]))
        error += np.linalg.norm(planar_offset(*wanted) - planar_offset(*generated))
    return float(error)

"""Reranking: which of a request's candidates are given, and which are kept beside them.

Each candidate has one score (``candidate_score``), with poses and without. The given clips are
the best; the alternatives are the best that differ from each other.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import Final

import numpy as np
from numpy.typing import NDArray

from ext_models.motion.motion_metrics import local_pose
from ext_models.prompt_checks.checks import CheckResult, Demand
from ext_models.prompt_checks.grammar import implied_checks, read_checks
from ext_models.prompt_checks.measuring import measure
from motiongpt_blender.core.body.motion import MotionClip

from .candidate_score import CandidateFeatures, ScoreWeights, candidate_features
from .request import GenerationRequest
from .reranker import Reranker
from .way_guidance import SETTLED

#: Different motions that are kept of a request.
ALTERNATIVES: Final = 4
#: Metres between the poses of two motions, mean over joints and time, from which they differ.
DIFFERENT: Final = 0.05


@dataclass(frozen=True)
class Selection:
    """What is kept of a request's candidates; each clip says which checks it meets.

    Attributes:
        clips: one for each variation.
        alternatives: the best of all candidates that differ from each other, best first, at most
            four; those among ``clips`` are the same objects.
    """

    clips: tuple[MotionClip, ...]
    alternatives: tuple[MotionClip, ...]


@dataclass(frozen=True)
class CandidateSelector:
    """Selects among the candidates of a request.

    Attributes:
        reranker: of the pack, if it has one.
        weights: of the score.
    """

    reranker: Reranker | None = None
    weights: ScoreWeights = field(default_factory=ScoreWeights)

    def can_rank(self, request: GenerationRequest) -> bool:
        """Whether anything says which candidate fits the request: poses, or a reranker."""
        return bool(request.poses) or self.reranker is not None

    def select(
        self,
        clips: Sequence[MotionClip],
        request: GenerationRequest,
        losses: Sequence[float] | None = None,
    ) -> Selection:
        """As many clips as the request has variations, and the alternatives.

        Args:
            clips: all candidates; without poses those of a variation in a row.
            request: what was asked for.
            losses: what each clip loses of its score beside; None for nothing.
        """
        checks = _measured(clips, request)
        told = [
            replace(clip, checks=_told(results))
            for clip, results in zip(clips, checks, strict=True)
        ]
        scores = np.array(self._scores(clips, request, checks))
        if losses is not None:
            scores = scores - np.array(losses)
        ranked = np.argsort(-scores, kind="stable").tolist()
        wanted = request.sampling.variations
        if request.poses:  # every candidate may answer for every variation
            given = ranked[:wanted]
        else:
            groups = np.arange(len(clips))[: len(clips) // wanted * wanted].reshape(wanted, -1)
            given = [int(group[scores[group].argmax()]) for group in groups]
        kept = different([clip.joints for clip in clips], ranked)
        return Selection(tuple(told[k] for k in given), tuple(told[k] for k in kept))

    def scores(self, clips: Sequence[MotionClip], request: GenerationRequest) -> list[float]:
        """The score of each clip; of two clips the one with the higher score is better."""
        return self._scores(clips, request, _measured(clips, request))

    def _scores(
        self,
        clips: Sequence[MotionClip],
        request: GenerationRequest,
        checks: Sequence[Sequence[CheckResult]],
    ) -> list[float]:
        features = self._features(clips, request, checks)
        return [
            self.weights.for_checks(results).score(one)
            for one, results in zip(features, checks, strict=True)
        ]

    def features(
        self, clips: Sequence[MotionClip], request: GenerationRequest
    ) -> list[CandidateFeatures]:
        """What the score weighs of each clip."""
        return self._features(clips, request, _measured(clips, request))

    def _features(
        self,
        clips: Sequence[MotionClip],
        request: GenerationRequest,
        checks: Sequence[Sequence[CheckResult]],
    ) -> list[CandidateFeatures]:
        fits: NDArray[np.floating] = np.zeros(len(clips))
        if self.reranker is not None:
            fits = self.reranker.scores(request.prompt, [clip.joints for clip in clips])
        return [
            candidate_features(clip, request, float(fit), results)
            for clip, fit, results in zip(clips, fits, checks, strict=True)
        ]


def different(motions: Sequence[NDArray[np.floating]], ranked: Sequence[int]) -> list[int]:
    """The first of some ranked motions (T, 22, 3) that differ from all before, at most four."""
    poses = {k: local_pose(motions[k]) for k in ranked}
    kept: list[int] = []
    for k in ranked:
        apart = (np.linalg.norm(poses[k] - poses[other], axis=-1).mean() for other in kept)
        if all(distance > DIFFERENT for distance in apart):
            kept.append(k)
        if len(kept) == ALTERNATIVES:
            break
    return kept


def _measured(
    clips: Sequence[MotionClip], request: GenerationRequest
) -> list[tuple[CheckResult, ...]]:
    """What each clip does about the checks of the prompt, and about those that it implies."""
    asked, implied = read_checks(request.prompt), implied_checks(request.prompt)
    if request.way is not None:
        asked = tuple(check for check in asked if check.demand not in SETTLED)
    return [
        measure(asked, clip.joints, clip.fps) + measure(implied, clip.joints, clip.fps)
        for clip in clips
    ]


def _told(results: Sequence[CheckResult]) -> tuple[str, ...]:
    """The sentences for the animator; an implied demand is told only where it is missed."""
    return tuple(
        result.sentence
        for result in results
        if not (result.met and result.check.demand is Demand.UPRIGHT)
    )

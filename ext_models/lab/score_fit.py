"""Fits the weights of the candidate score, and shows what candidates they choose.

A score should put a real motion above a generated one that answers the same request, and a motion
that a caption describes above one that it does not. Both are pairs of feature vectors; their
differences are classified by a logistic regression without intercept, whose coefficients are the
weights. No weight may turn against its sense: worse feet never speak for a motion.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from typing import Final

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import minimize
from scipy.special import expit

from ext_models.datasets.examples import Example
from ext_models.errors import PipelineError
from ext_models.evaluation.baselines import text_request
from ext_models.evaluation.clip_maker import ClipMaker
from ext_models.evaluation.eval_set import EvalSet
from ext_models.evaluation.metrics import mean_and_half
from ext_models.evaluation.tables import Row, Table, Value
from ext_models.generation.candidate_score import FEATURES, CandidateFeatures, ScoreWeights
from ext_models.generation.request import GenerationRequest, PoseCondition
from motiongpt_blender.core.body.motion import MotionClip

Array = NDArray[np.floating]

#: The features of which more is better; of the others less is.
GOOD: Final = ("fit", "checks")
#: Penalties of the weights' squares that are tried, features in their standard deviations. A large
#: one shares the weight between features that tell the same.
RIDGES: Final = (0.01, 0.03, 0.1, 0.3, 1.0, 3.0)
#: Score of a motion by one feature alone, to compare with.
ALONE: Final = {
    "fit alone": ScoreWeights(1.0, 0.0, 0.0, 0.0, 0.0, 0.0),
    "poses alone": ScoreWeights(0.0, 0.0, -1.0, 0.0, 0.0, 0.0),
}


@dataclass(frozen=True)
class Requested:
    """A request, the real motion that answers it, and the candidates for it.

    Attributes:
        real: features (F,) of the real motion.
        candidates: features (K, F) of the generated ones.
    """

    real: Array
    candidates: Array

    @property
    def differences(self) -> Array:
        """What the real motion has more than each candidate (K, F)."""
        return self.real - self.candidates


@dataclass(frozen=True)
class ScoreData:
    """What the weights are fitted to.

    Attributes:
        text: requests by captions alone.
        posed: the same with the first and the last pose of the clip.
        captions: for captions of real clips, what the clip has more than another one (N, F).
    """

    text: tuple[Requested, ...]
    posed: tuple[Requested, ...]
    captions: Array

    def groups(self, keep: slice) -> list[Array]:
        """The differences (N, F) of each kind, of some requests."""
        kinds = [
            np.concatenate([r.differences for r in rs[keep]]) for rs in (self.text, self.posed)
        ]
        return [*kinds, self.captions[keep]]


def score_data(eval_set: EvalSet, maker: ClipMaker) -> ScoreData:
    """Generate the candidates and measure all features."""
    texts = [text_request(eval_set, index, 0) for index in range(len(eval_set.clips))]
    posed = [
        replace(request, poses=_ends(example))
        for request, example in zip(texts, eval_set.clips, strict=True)
    ]
    return ScoreData(
        _requested(eval_set, maker, texts, "text"),
        _requested(eval_set, maker, posed, "poses"),
        _caption_differences(eval_set, texts),
    )


def fit_score(data: ScoreData) -> tuple[ScoreWeights, Row]:
    """The weights, and how often they put the better motion of a pair first, held out.

    Held out: weights fitted to one half of the requests are tried on the other. The penalty is the
    one that does best so.
    """
    halves = (slice(0, None, 2), slice(1, None, 2))
    best: tuple[float, float, Array] | None = None
    for ridge in RIDGES:
        shares: list[list[float]] = []
        for fitted, tried in (halves, halves[::-1]):
            vector = _vector(fit_weights(data.groups(fitted), ridge))
            shares.append([_first(rows @ vector) for rows in data.groups(tried)])
        means = np.mean(shares, axis=0)
        if best is None or means.mean() > best[0]:
            best = (float(means.mean()), ridge, means)
    assert best is not None
    _, ridge, means = best
    names = ("real before generated, text", "the same with poses", "right before wrong motion")
    values: dict[str, Value] = dict(zip(names, means.tolist(), strict=True))
    row = Row(f"penalty {ridge:g}", values)
    return fit_weights(data.groups(slice(None)), ridge), row


def fit_weights(groups: Sequence[Array], ridge: float = RIDGES[0]) -> ScoreWeights:
    """Weights that put the better motion of each pair first.

    Args:
        groups: differences (N, F) of better and worse motions; each group counts alike.
        ridge: penalty of the weights' squares.

    Raises:
        PipelineError: when no feature differs anywhere.
    """
    scale = np.sqrt(np.mean([np.square(rows).mean(axis=0) for rows in groups], axis=0))
    if not scale.any():
        raise PipelineError("No feature differs between real motions and candidates: nothing fits.")
    scale = np.where(scale > 0, scale, np.inf)  # a feature that never differs weighs nothing
    rows = [group / scale for group in groups]

    def loss(weights: Array) -> tuple[float, Array]:
        value, slope = ridge * float(weights @ weights), 2 * ridge * weights
        for group in rows:
            margin = group @ weights
            value += float(np.logaddexp(0, -margin).mean())
            slope = slope - (expit(-margin)[:, None] * group).mean(axis=0)
        return value, slope

    bounds = [(0, None) if name in GOOD else (None, 0) for name in FEATURES]
    found = minimize(loss, np.zeros(len(FEATURES)), jac=True, bounds=bounds, method="L-BFGS-B")
    return ScoreWeights(*(float(w) for w in found.x / scale))


def chosen_table(data: ScoreData, weights: ScoreWeights) -> Table:
    """Features of the candidates that the score chooses, beside real motion and other choices."""
    rows: list[Row] = []
    for name, requested in (("text", data.text), ("with poses", data.posed)):
        rows.append(_row(f"{name}: real", [one.real for one in requested]))
        rows.append(_row(f"{name}: a random one", [one.candidates.mean(0) for one in requested]))
        for rule, by in {**ALONE, "score": weights}.items():
            vector = _vector(by)
            best = [one.candidates[(one.candidates @ vector).argmax()] for one in requested]
            rows.append(_row(f"{name}: {rule}", best))
    return Table("chosen", tuple(rows))


def _requested(
    eval_set: EvalSet, maker: ClipMaker, requests: Sequence[GenerationRequest], name: str
) -> tuple[Requested, ...]:
    found: list[Requested] = []
    for request, example, clips in zip(
        requests, eval_set.clips, maker.candidates(requests, name), strict=True
    ):
        rows = _features(eval_set, request, [MotionClip(example.joints), *clips])
        found.append(Requested(rows[0], rows[1:]))
    return tuple(found)


def _caption_differences(eval_set: EvalSet, requests: Sequence[GenerationRequest]) -> Array:
    """What each clip has more of fit and checks than another one, by its own caption (N, F)."""
    counts = np.array([name in GOOD for name in FEATURES])
    rows: list[Array] = []
    for request, example in zip(requests, eval_set.clips, strict=True):
        length = min(len(example.joints), len(eval_set.other(example).joints))
        clips = [MotionClip(e.joints[:length]) for e in (example, eval_set.other(example))]
        own, other = _features(eval_set, request, clips)
        rows.append(np.where(counts, own - other, 0.0))
    return np.array(rows)


def _features(eval_set: EvalSet, request: GenerationRequest, clips: Sequence[MotionClip]) -> Array:
    selector = eval_set.pipeline.selector
    return np.array([one.array() for one in selector.features(clips, request)])


def _ends(example: Example) -> tuple[PoseCondition, ...]:
    last = len(example.joints) - 1
    return tuple(PoseCondition(k, example.joints[k], placed=True) for k in (0, last))


def _row(name: str, rows: Sequence[Array]) -> Row:
    columns = np.array(rows).T
    return Row(name, {f: mean_and_half(c) for f, c in zip(FEATURES, columns, strict=True)})


def _vector(weights: ScoreWeights) -> Array:
    return CandidateFeatures(**asdict(weights)).array()


def _first(margins: Array) -> float:
    """Share of pairs whose better motion has the higher score; equal ones count half."""
    return float((np.sign(margins) / 2 + 0.5).mean())

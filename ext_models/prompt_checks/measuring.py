"""Whether a motion meets the checks of a prompt, and by how much."""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from typing import Final

import numpy as np
from numpy.typing import NDArray

from motiongpt_blender.core.body.motion import MODEL_FPS

from .body_measures import BODY
from .checks import CheckResult, PromptCheck
from .limb_measures import LIMBS
from .posture_measures import POSTURES
from .scores import MET, Measured
from .tracks import BodyTracks
from .travel_measures import TRAVELS

_MEASURES: Final = TRAVELS | BODY | POSTURES | LIMBS
#: Seconds between two moments at which a part may end, how many there are at most, and the
#: least seconds that a part lasts.
_GRID: Final = 0.25
_MOST_CUTS: Final = 16
_SHORTEST: Final = 0.5
#: Parts that are told apart; what comes after them belongs to the last.
_MOST_PARTS: Final = 4


def measure(
    checks: Sequence[PromptCheck], joints: NDArray[np.floating], fps: float = MODEL_FPS
) -> tuple[CheckResult, ...]:
    """Whether a motion meets each check.

    Where the checks have several parts, the motion is cut where its pieces meet their parts
    best, in their order.

    Args:
        checks: of ``read_checks``.
        joints: (T, 22, 3) metres, y up, +x the person's left when it faces +z.
        fps: frames a second.

    Raises:
        MotionError: when the joints are no motion.
    """
    if not checks:
        return ()
    tracks = BodyTracks.of(joints, fps)
    parts = [
        [c for c in checks if min(c.part, _MOST_PARTS - 1) == part]
        for part in range(min(max(c.part for c in checks) + 1, _MOST_PARTS))
    ]
    parts = [part for part in parts if part]
    found = [result for part, piece in zip(parts, _pieces(parts, tracks), strict=True)
             for result in _results(part, piece)]  # fmt: skip
    by_check = {result.check: result for result in found}
    return tuple(by_check[check] for check in checks)


def _results(part: Sequence[PromptCheck], tracks: BodyTracks) -> list[CheckResult]:
    return [_result(check, _MEASURES[check.demand](check, tracks)) for check in part]


def _result(check: PromptCheck, found: Measured) -> CheckResult:
    met = found.score >= MET
    answers = [found.text] if found.text else ["yes"] if met else []
    sentence = f"{check}: {', '.join(answers if met else ['no', *answers])}"
    return CheckResult(check, met, found.score, found.value, sentence)


def _pieces(parts: Sequence[Sequence[PromptCheck]], tracks: BodyTracks) -> list[BodyTracks]:
    """The motion cut into one piece for each part, as the scores are best."""
    if len(parts) == 1 or len(tracks) < 2 * len(parts):
        return [tracks] * len(parts)
    cuts = _grid(tracks, len(parts))
    scores = {
        (k, a, b): _score(part, tracks.window(cuts[a], cuts[b]))
        for k, part in enumerate(parts)
        for a, b in _spans(k, len(parts), len(cuts))
    }
    best = {0: (0.0, ())}  # by the last cut: total score and the cuts before it
    for k in range(len(parts)):
        best = {
            b: max(
                (best[a][0] + scores[k, a, b], (*best[a][1], a))
                for a in best
                if (k, a, b) in scores
            )
            for b in range(len(cuts))
            if any((k, a, b) in scores for a in best)
        }
    ends = [*best[len(cuts) - 1][1], len(cuts) - 1]
    return [tracks.window(cuts[a], cuts[b]) for a, b in itertools.pairwise(ends)]


def _spans(part: int, parts: int, cuts: int) -> list[tuple[int, int]]:
    """The cuts between which a part may lie: the first begins, the last ends the motion."""
    starts = [0] if part == 0 else range(1, cuts - 1)
    stops = [cuts - 1] if part == parts - 1 else range(1, cuts - 1)
    return [(a, b) for a in starts for b in stops if a < b]


def _grid(tracks: BodyTracks, parts: int) -> list[int]:
    """Frames at which the motion may be cut, both ends included."""
    frames = len(tracks)
    edge = min(round(_SHORTEST * tracks.fps), max(1, frames // (2 * parts)))
    step = max(1, round(_GRID * tracks.fps), -(-frames // _MOST_CUTS))
    inner = list(range(edge, frames - edge + 1, step))
    missing = parts - 1 - len(inner)
    if missing > 0:
        inner = [round(frames * k / parts) for k in range(1, parts)]
    return [0, *inner, frames]


def _score(part: Sequence[PromptCheck], tracks: BodyTracks) -> float:
    scores = [_MEASURES[check.demand](check, tracks).score for check in part]
    return float(np.mean(scores))

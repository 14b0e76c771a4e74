"""The quality table: what an animator sees of feet, floor and pacing, beside real motion.

It needs neither an evaluator nor captions: joints alone. Values are means over the clips with
their 95 % intervals; a clip's several samples count as their mean.
"""

from __future__ import annotations

import warnings
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from . import metrics
from .baselines import REAL, RECONSTRUCTION, TEXT, Method
from .eval_set import EvalSet
from .metrics import mean_and_half
from .tables import Row, Table, Value

Array = NDArray[np.floating]

SUPPORT_FOOT: Final = "support foot, cm/s"
SUPPORT_FOOT_MEDIAN: Final = "support foot, median"
SKATING: Final = "skating, %"
PENETRATION: Final = "penetration, cm"
LURCH: Final = "lurch, m/s²"
LATE_SPEED_UP: Final = "late speed-up, %"
STANDSTILL: Final = "standstill, s"
RUSH: Final = "standstill, then rush, %"
JERK: Final = "jerk, m/s³"

#: Clips that a label needs to have rows of its own.
LEAST_CLIPS: Final = 3
#: The methods whose motion is measured label by label.
BY_LABEL: Final = (REAL, RECONSTRUCTION, TEXT)


def _support_foot(joints: Array) -> float:
    speed = metrics.support_foot_speed(joints)
    return np.nan if speed is None else 100 * speed


#: Each measure of one motion (T, 22, 3), by column.
MEASURES: Final[Mapping[str, Callable[[Array], float]]] = {
    SUPPORT_FOOT: _support_foot,
    SKATING: lambda joints: 100 * metrics.skating_ratio(joints),
    PENETRATION: lambda joints: 100 * metrics.floor_penetration(joints),
    LURCH: metrics.peak_acceleration,
    LATE_SPEED_UP: lambda joints: 100.0 * metrics.speeds_up_late(joints),
    STANDSTILL: metrics.longest_standstill,
    RUSH: lambda joints: 100.0 * metrics.rushes_after_standstill(joints),
    JERK: lambda joints: float(metrics.jerk(joints).mean()),
}


@dataclass(frozen=True)
class QualityScores:
    """The measures of one method's motions.

    Attributes:
        method: its name.
        values: by column (N,), one number a clip: the mean over its samples; NaN where no foot of
            a clip ever stands.
    """

    method: str
    values: Mapping[str, Array]

    def row(self, name: str, clips: Sequence[int] | None = None) -> Row:
        """Means over some clips, all by default, and the median of the support foot."""
        row: dict[str, Value] = {}
        for column, every in self.values.items():
            values = every if clips is None else every[list(clips)]
            known = values[np.isfinite(values)]
            if not len(known):
                continue
            row[column] = mean_and_half(known)
            if column == SUPPORT_FOOT:
                row[SUPPORT_FOOT_MEDIAN] = float(np.median(known))
        return Row(name, row)


def quality_scores(method: Method, count: int) -> QualityScores:
    """Measure every motion of a method, which has so many clips a sample."""
    values: dict[str, Array] = {}
    for column, measure in MEASURES.items():
        by_sample = np.reshape([measure(joints) for joints in method.clips], (-1, count))
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", RuntimeWarning)  # a clip that never stands is NaN
            values[column] = np.nanmean(by_sample, axis=0)
    return QualityScores(method.name, values)


def quality_table(eval_set: EvalSet, scores: Sequence[QualityScores]) -> Table:
    """Every method over all clips."""
    title = f"{len(eval_set.clips)} clips"
    return Table(title, tuple(score.row(score.method) for score in scores))


def label_table(eval_set: EvalSet, scores: Sequence[QualityScores]) -> Table:
    """Real motion, the tokenizer's and the pack's, label by label, the largest labels first.

    Labels of fewer than three clips stand together.
    """
    groups: dict[str, list[int]] = {}
    for place, label in enumerate(eval_set.labels):
        groups.setdefault(label, []).append(place)
    large = {label: clips for label, clips in groups.items() if len(clips) >= LEAST_CLIPS}
    small = [k for label, clips in groups.items() if label not in large for k in clips]
    shown = sorted(large.items(), key=lambda item: -len(item[1]))
    if small:
        shown.append((f"labels of less than {LEAST_CLIPS} clips", small))
    rows = [
        score.row(f"{label} ({len(clips)}): {score.method}", clips)
        for label, clips in shown
        for score in scores
        if score.method in BY_LABEL
    ]
    return Table("label (clips): motion", tuple(rows))

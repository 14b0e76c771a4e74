"""Fits a pack's length model: how long the motions of captions last.

Ridge regression of the logarithm of the seconds on the words of the captions. On held-out
captions its median error is a factor of 1.2, where one length for all has 1.3 to 1.4
(``python -m ext_models train-lengths`` prints both).
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from ext_models.datasets.examples import DataError, Example
from motiongpt_blender.core.body.motion import MODEL_FPS
from motiongpt_blender.core.packs.length_model import LengthModel, features

#: Penalty of the squared weights. Between 3 and 30 held-out captions tell no difference.
RIDGE: Final = 10.0
#: Captions that have to share a feature before it counts.
LEAST_CAPTIONS: Final = 5
#: Percentiles of the lengths in the data that bound what is suggested.
BOUNDS: Final = (2.0, 98.0)


@dataclass(frozen=True)
class LengthErrors:
    """Median factors by which lengths miss those of held-out captions.

    Attributes:
        model: of the length model; 1 is exact.
        constant: of the median length for every caption.
        captions: number of held-out captions.
    """

    model: float
    constant: float
    captions: int


def fit_lengths(examples: Sequence[Example]) -> LengthModel:
    """The length model of captioned clips (their split ``train``).

    Raises:
        DataError: when no training clip has a caption.
    """
    captions, seconds = _captioned(examples, "train")
    if not captions:
        raise DataError("no training clip has a caption to learn lengths from: add captions.")
    log_seconds = np.log(seconds)
    read = [features(caption) for caption in captions]
    counts = Counter(feature for found in read for feature in found)
    names = sorted(name for name, count in counts.items() if count >= LEAST_CAPTIONS)
    column = {name: k for k, name in enumerate(names)}
    x = np.zeros((len(read), len(names)))
    for row, found in enumerate(read):
        x[row, [column[name] for name in found if name in column]] = 1
    centre, bias = x.mean(0), log_seconds.mean()
    x -= centre
    weights = np.linalg.solve(
        x.T @ x + RIDGE * np.eye(len(names)), x.T @ (log_seconds - bias)
    ).round(4)
    shortest, longest = np.percentile(seconds, BOUNDS).round(1).tolist()
    rounded = dict(zip(names, weights.tolist(), strict=True))
    return LengthModel(round(float(bias - centre @ weights), 4), rounded, shortest, longest)


def length_errors(model: LengthModel, examples: Sequence[Example]) -> LengthErrors | None:
    """How far a model misses the captions of the splits ``val`` and ``test``; None without any."""
    _, learnt = _captioned(examples, "train")
    held_out = [_captioned(examples, split) for split in ("val", "test")]
    captions = [caption for some, _ in held_out for caption in some]
    if not captions:
        return None
    wanted = np.log(np.concatenate([seconds for _, seconds in held_out]))
    suggested = np.log([model.seconds(caption) for caption in captions])
    misses = (suggested - wanted, np.log(np.median(learnt)) - wanted)
    by_model, by_constant = (float(np.exp(np.median(np.abs(miss)))) for miss in misses)
    return LengthErrors(by_model, by_constant, len(captions))


def _captioned(examples: Sequence[Example], split: str) -> tuple[list[str], NDArray[np.float64]]:
    """Captions (N,) of a split, and the seconds of their clips."""
    pairs = [
        (c, len(e.joints) / MODEL_FPS) for e in examples if e.split == split for c in e.captions
    ]
    return [caption for caption, _ in pairs], np.array([seconds for _, seconds in pairs])

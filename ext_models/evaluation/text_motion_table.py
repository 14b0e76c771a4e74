"""The text-motion table: how well motion fits the text, and how near it is to real motion.

Intervals of R-precision, MM-Dist and distances are over the clips; those of FID, KID, Diversity
and MultiModality, which are numbers of a whole set, over its samples.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import numpy as np
from numpy.typing import ArrayLike, NDArray
from tqdm import tqdm

from ext_models.datasets.examples import data_hash
from motiongpt_blender.core.patience import patiently

from . import metrics
from .baselines import Method
from .eval_set import EvalSet, Evaluator
from .metrics import mean_and_half
from .tables import Row, Table, Value

Array = NDArray[np.floating]

#: Clips that are embedded between two moves of the progress bar.
CHUNK: Final = 64
#: FID at the size of half of the clips, and the same of real motion: the least that FID can say.
FID: Final = "FID"
FID_BIAS: Final = "FID of two real halves"


@dataclass(frozen=True)
class TextMotionScores:
    """The table, and what its pictures are drawn from.

    Attributes:
        table: a row a method.
        hits: by method, R@1 to R@3 of each clip (N, 3), 0..1: means over draws and samples.
        nearest: by method, distances (samples * N,) to the nearest training clip; empty without
            training clips.
    """

    table: Table
    hits: dict[str, Array]
    nearest: dict[str, Array]


def text_motion_scores(
    eval_set: EvalSet, evaluator: Evaluator, methods: Sequence[Method], cache: Path
) -> TextMotionScores:
    """Measure some methods, real motion being the first of them.

    Args:
        eval_set: the clips and the pack.
        evaluator: embeds captions and motions.
        methods: the rows.
        cache: folder that keeps the embeddings of the training clips.
    """
    text = evaluator.embed_text(eval_set.captions)
    known = _known(eval_set, evaluator, cache)
    points = [[embed(evaluator, joints, s.name) for joints in s.samples] for s in methods]
    real = points[0][0]
    pools = [
        metrics.draw_pools(eval_set.labels, eval_set.pool, seed=eval_set.number("pools", draw))
        for draw in range(eval_set.settings.draws)
    ]
    rows: list[Row] = []
    hits: dict[str, Array] = {}
    nearest: dict[str, Array] = {}
    for method, samples in zip(methods, points, strict=True):
        found = [metrics.precision_hits(text, motion, pool) for motion in samples for pool in pools]
        hits[method.name] = np.mean(found, axis=0)
        values: dict[str, Value] = {
            f"R@{k}": mean_and_half(hits[method.name][:, k - 1]) for k in range(1, metrics.TOP + 1)
        }
        values["MM-Dist"] = mean_and_half(
            np.mean([np.linalg.norm(text - motion, axis=-1) for motion in samples], axis=0)
        )
        values |= _of_sets(eval_set, samples, real, is_real=method is methods[0])
        if len(known):
            nearest[method.name] = np.concatenate(
                [metrics.nearest_distance(motion, known) for motion in samples]
            )
            values["to training clip"] = mean_and_half(_by_clip(nearest[method.name], len(text)))
        rows.append(Row(method.name, values, evaluator.name))
    title = f"{len(eval_set.clips)} clips, pools of {eval_set.pool}"
    return TextMotionScores(Table(title, tuple(rows)), hits, nearest)


def embed(evaluator: Evaluator, joints: Sequence[Any], name: str) -> Array:
    """Embed clips as (N, E), with a progress bar."""
    parts: list[Array] = []
    with tqdm(total=len(joints), desc=f"embedding {name}", unit="clip", leave=False) as bar:
        for start in range(0, len(joints), CHUNK):
            part = joints[start : start + CHUNK]
            parts.append(evaluator.embed_motion(part))
            bar.update(len(part))
    return np.concatenate(parts)


def _by_clip(values: ArrayLike, count: int) -> Array:
    """Means (N,) over the samples of numbers (samples * N,)."""
    return np.reshape(np.asarray(values, dtype=np.float64), (-1, count)).mean(axis=0)


def _of_sets(
    eval_set: EvalSet, samples: Sequence[Array], real: Array, *, is_real: bool
) -> dict[str, Value]:
    """FID beside its bias, KID, Diversity and MultiModality."""
    seed = eval_set.number("sets")

    def of(measured: Callable[[Array], float]) -> tuple[float, float]:
        return mean_and_half([measured(motion) for motion in samples])

    def frechet(motion: Array) -> metrics.Interval:
        return metrics.frechet_of_halves(real, motion, eval_set.settings.draws, seed=seed)

    values: dict[str, Value] = {}
    if not is_real:  # of real motion it is the bias
        values[FID] = of(lambda motion: frechet(motion).mean)
    bias = frechet(real)
    values[FID_BIAS] = (bias.mean, bias.half)
    if not is_real:
        values["KID, 1/1000"] = of(lambda m: 1000 * metrics.kernel_distance(real, m, seed=seed))
    values["Diversity"] = mean_and_half(
        [
            metrics.diversity(motion, seed=seed + draw)
            for motion in samples
            for draw in range(eval_set.settings.draws)
        ]
    )
    if len(samples) > 1:
        stacked = np.stack(samples, axis=1)
        values["MultiModality"] = mean_and_half(
            [metrics.multimodality(stacked, seed=seed + d) for d in range(eval_set.settings.draws)]
        )
    return values


def _known(eval_set: EvalSet, evaluator: Evaluator, cache: Path) -> Array:
    """Embeddings (N, E) of the training clips, kept on disk: they are the same for every pack."""
    if not eval_set.train:
        return np.zeros((0, 0))
    path = cache / f"train-{evaluator.name}-{data_hash(eval_set.train)}.npy"
    if path.is_file():
        return np.load(path, allow_pickle=False)
    points = embed(evaluator, [e.joints for e in eval_set.train], "training clips")
    cache.mkdir(parents=True, exist_ok=True)
    partial = path.with_suffix(".partial.npy")
    np.save(partial, points)
    patiently(partial.replace, path)
    return points

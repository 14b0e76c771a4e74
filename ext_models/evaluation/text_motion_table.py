"""How well text and motion agree, and how real the motion is: the field's table.

Intervals of R-precision, MM-Dist, distances and feet are over the clips; those of FID,
KID, Diversity and MultiModality, which are numbers of a whole set, over its samples.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import numpy as np
from numpy.typing import ArrayLike, NDArray
from tqdm import tqdm

from ext_models.text_motion.model import data_hash

from . import metrics
from .baselines import System
from .eval_set import Judge, Study
from .tables import Row, Table, Value

Array = NDArray[np.floating]

#: Clips that are embedded between two moves of the progress bar.
CHUNK: Final = 64


@dataclass(frozen=True)
class Agreement:
    """The table, and what its pictures are drawn from.

    Attributes:
        table: a row a system.
        hits: by system, R@1 to R@3 of each clip (N, 3), 0..1: means over draws and samples.
        nearest: by system, distances (samples * N,) to the nearest training clip.
    """

    table: Table
    hits: dict[str, Array]
    nearest: dict[str, Array]


def measure(study: Study, judge: Judge, systems: Sequence[System], cache: Path) -> Agreement:
    """Measure some systems, real motion being the first of them.

    Args:
        study: what is looked at.
        judge: says what lies near what.
        systems: the rows.
        cache: folder that keeps the points of the training clips.
    """
    text = judge.embed_text(study.captions)
    known = _known(study, judge, cache)
    points = [[embed(judge, joints, s.name) for joints in s.samples] for s in systems]
    real = points[0][0]
    pools = [
        metrics.draw_pools(study.labels, study.pool, seed=study.number("pools", draw))
        for draw in range(study.settings.draws)
    ]
    rows: list[Row] = []
    hits: dict[str, Array] = {}
    nearest: dict[str, Array] = {}
    for system, samples in zip(systems, points, strict=True):
        found = [metrics.precision_hits(text, motion, pool) for motion in samples for pool in pools]
        hits[system.name] = np.mean(found, axis=0)
        nearest[system.name] = np.concatenate(
            [metrics.nearest_distance(motion, known) for motion in samples]
        )
        values: dict[str, Value] = {
            f"R@{k}": over(hits[system.name][:, k - 1]) for k in range(1, metrics.TOP + 1)
        }
        values["MM-Dist"] = over(
            np.mean([np.linalg.norm(text - motion, axis=-1) for motion in samples], axis=0)
        )
        values |= _of_sets(study, samples, real, is_real=system is systems[0])
        values["to training clip"] = over(_by_clip(nearest[system.name], len(text)))
        values |= plausibility(system, len(text))
        rows.append(Row(system.name, values, judge.name))
    title = f"{len(study.clips)} clips, pools of {study.pool}"
    return Agreement(Table(title, tuple(rows)), hits, nearest)


def plausibility(system: System, count: int) -> dict[str, Value]:
    """Feet and smoothness, which need no evaluator."""
    sliding = [100 * metrics.skating_ratio(joints) for joints in system.clips]
    shaking = [float(metrics.jerk(joints).mean()) for joints in system.clips]
    return {
        "skating, %": over(_by_clip(sliding, count)),
        "jerk, m/s³": over(_by_clip(shaking, count)),
    }


def plain_table(study: Study, systems: Sequence[System]) -> Table:
    """What can be said without an evaluator."""
    count = len(study.clips)
    rows = tuple(Row(s.name, plausibility(s, count)) for s in systems)
    return Table(f"{count} clips", rows)


def embed(judge: Judge, joints: Sequence[Any], name: str) -> Array:
    """Points (N, E) of clips, with a progress bar."""
    parts: list[Array] = []
    with tqdm(total=len(joints), desc=f"judging {name}", unit="clip", leave=False) as bar:
        for start in range(0, len(joints), CHUNK):
            part = joints[start : start + CHUNK]
            parts.append(judge.embed_motion(part))
            bar.update(len(part))
    return np.concatenate(parts)


def over(values: ArrayLike) -> tuple[float, float]:
    """Mean and half the 95 % interval of numbers (n,)."""
    found = metrics.interval(values)
    return found.mean, found.half


def _by_clip(values: ArrayLike, count: int) -> Array:
    """Means (N,) over the samples of numbers (samples * N,)."""
    return np.reshape(np.asarray(values, dtype=np.float64), (-1, count)).mean(axis=0)


def _of_sets(
    study: Study, samples: Sequence[Array], real: Array, *, is_real: bool
) -> dict[str, Value]:
    """FID with its bias, KID, Diversity and MultiModality."""
    seed = study.number("sets")

    def of(measured: Callable[[Array], float]) -> tuple[float, float]:
        return over([measured(motion) for motion in samples])

    bias = metrics.frechet_bias(real, study.settings.draws, seed=seed)
    values: dict[str, Value] = {}
    if not is_real:  # real motion is no distance at all from itself
        values["FID"] = of(lambda motion: metrics.frechet_distance(real, motion))
    values["FID's bias"] = (bias.mean, bias.half)
    if not is_real:
        values["KID, 1/1000"] = of(lambda m: 1000 * metrics.kernel_distance(real, m, seed=seed))
    values["Diversity"] = over(
        [
            metrics.diversity(motion, seed=seed + draw)
            for motion in samples
            for draw in range(study.settings.draws)
        ]
    )
    if len(samples) > 1:
        stacked = np.stack(samples, axis=1)
        values["MultiModality"] = over(
            [metrics.multimodality(stacked, seed=seed + d) for d in range(study.settings.draws)]
        )
    return values


def _known(study: Study, judge: Judge, cache: Path) -> Array:
    """Points of the training clips, kept on disk: they are the same for every pack."""
    path = cache / f"train-{judge.name}-{data_hash(study.train)}.npy"
    if path.is_file():
        return np.load(path, allow_pickle=False)
    points = embed(judge, [e.joints for e in study.train], "training clips")
    cache.mkdir(parents=True, exist_ok=True)
    partial = path.with_suffix(".partial.npy")
    np.save(partial, points)
    partial.replace(path)
    return points

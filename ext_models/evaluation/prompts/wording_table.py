"""Whether wordings of one meaning give the same motion.

Takes of one prompt differ from seed to seed. A pack that understands its prompts gives takes of two
wordings that differ no more than that: the ratio of the two distances is then 1.
"""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from dataclasses import replace
from typing import Final

import numpy as np
from numpy.typing import NDArray

from ext_models.evaluation.clip_maker import ClipMaker
from ext_models.evaluation.eval_set import EvalSet, Evaluator
from ext_models.evaluation.metrics import mean_and_half, multimodality
from ext_models.evaluation.tables import Row, Table
from ext_models.evaluation.text_motion_table import embed

from .prompt_lists import PromptList
from .prompt_scores import prompt_motions

Array = NDArray[np.floating]

WORDINGS: Final = "between wordings"
SEEDS: Final = "between seeds"
RATIO: Final = "ratio"


def wording_table(
    eval_set: EvalSet, evaluator: Evaluator, maker: ClipMaker, lists: Sequence[PromptList]
) -> Table | None:
    """Distances of takes in the evaluator's space, by meaning; None without several wordings.

    Args:
        eval_set: the pack, and how many samples are made of each prompt: two at least.
        evaluator: embeds motions.
        maker: makes the motions of the lists' prompts.
        lists: those whose prompts have meanings are measured.
    """
    rows: list[Row] = []
    for one in lists:
        meanings = _rows_by_meaning(one)
        if not meanings or eval_set.settings.samples < 2:
            continue
        samples = prompt_motions(eval_set, maker, one)
        clips = [joints for sample in samples for joints in sample]
        points = embed(evaluator, clips, one.name).reshape(len(samples), len(one.prompts), -1)
        measured = {
            meaning: distances(points[:, own].swapaxes(0, 1)) for meaning, own in meanings.items()
        }
        rows += [
            _row(f"{one.name}: {meaning}", wordings, seeds)
            for meaning, (wordings, seeds) in measured.items()
        ]
        rows.append(_mean_row(one.name, list(measured.values())))
    named = tuple(replace(row, evaluator=evaluator.name) for row in rows)
    return Table("prompts: distance of takes", named) if named else None


def distances(points: Array) -> tuple[float, float]:
    """Mean distance of takes of two wordings, and of two takes of one wording.

    Args:
        points: (wordings, samples, E) of one meaning; two of each at least.
    """
    pairs = itertools.combinations(points, 2)
    wordings = [np.linalg.norm(a[:, None] - b[None], axis=-1).mean() for a, b in pairs]
    return float(np.mean(wordings)), multimodality(points)


def _rows_by_meaning(one: PromptList) -> dict[str, list[int]]:
    """Where the wordings of each meaning stand in a list; meanings of one wording left out."""
    found: dict[str, list[int]] = {}
    for row, prompt in enumerate(one.prompts):
        if prompt.meaning:
            found.setdefault(prompt.meaning, []).append(row)
    return {meaning: rows for meaning, rows in found.items() if len(rows) > 1}


def _row(name: str, wordings: float, seeds: float) -> Row:
    return Row(name, {WORDINGS: wordings, SEEDS: seeds, RATIO: _ratio(wordings, seeds)})


def _mean_row(name: str, measured: Sequence[tuple[float, float]]) -> Row:
    wordings, seeds = (mean_and_half(column) for column in zip(*measured, strict=True))
    ratio = mean_and_half([_ratio(*pair) for pair in measured])
    return Row(name, {WORDINGS: wordings, SEEDS: seeds, RATIO: ratio})


def _ratio(wordings: float, seeds: float) -> float:
    """How much farther wordings are apart than seeds; 0 where a prompt gives one take only."""
    return wordings / seeds if seeds else 0.0

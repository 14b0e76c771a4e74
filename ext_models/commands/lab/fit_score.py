"""``fit-score``: fits the weights of the candidate score to validation clips."""

from __future__ import annotations

import argparse
from dataclasses import asdict
from pathlib import Path

from ext_models.commands.options import RUNS, add_sampling

from .validation import add_validation, validation_set


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the options."""
    add_validation(parser)
    add_sampling(parser, ("seed", "temperature", "candidates"))
    parser.add_argument("--out", type=Path, help="folder of the candidates (runs/fit-score/PACK)")


def run(arguments: argparse.Namespace) -> int:
    """Generate candidates, fit the weights and print them."""
    from ext_models.evaluation.clip_maker import ClipMaker, pack_hash
    from ext_models.evaluation.tables import Table
    from ext_models.lab.score_fit import chosen_table, fit_score, score_data

    eval_set = validation_set(arguments)
    pipeline = eval_set.pipeline
    out = arguments.out or RUNS / "fit-score" / pipeline.manifest.name
    data = score_data(eval_set, ClipMaker(pipeline, out / f"{pack_hash(arguments.pack)}.jsonl"))
    weights, held_out = fit_score(data)
    print(chosen_table(data, weights).markdown())
    print(Table("put first, held out", (held_out,)).markdown())
    for name, value in asdict(weights).items():
        print(f"{name}: float = {value:.3g}")
    return 0

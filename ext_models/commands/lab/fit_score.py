"""``fit-score``: fits the weights of the candidate score to validation clips."""

from __future__ import annotations

import argparse
from dataclasses import asdict
from pathlib import Path

from ext_models import packs
from ext_models.commands.options import (
    RUNS,
    add_data,
    add_device,
    add_pack,
    add_sampling,
    data_sets_of,
    sampling_of,
)
from ext_models.datasets.layouts import read_sets


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the options."""
    parser.add_argument("config", type=Path, nargs="?", help="recipe that names the data sets")
    add_data(parser)
    add_pack(parser)
    parser.add_argument(
        "--sets", nargs="+", help="sets of the data folder (those of the recipe, or all)"
    )
    parser.add_argument("--clips", type=int, default=40, help="validation clips (%(default)s)")
    add_sampling(parser, ("seed", "temperature", "candidates"))
    parser.add_argument("--out", type=Path, help="folder of the candidates (runs/fit-score/PACK)")
    add_device(parser)


def run(arguments: argparse.Namespace) -> int:
    """Generate candidates, fit the weights and print them."""
    from ext_models.evaluation.clip_maker import ClipMaker, pack_hash
    from ext_models.evaluation.eval_set import build_eval_set
    from ext_models.evaluation.settings import EvalSettings
    from ext_models.evaluation.tables import Table
    from ext_models.generation.pipeline import MotionPipeline
    from ext_models.lab.score_fit import chosen_table, fit_score, score_data

    manifest = packs.read_manifest(arguments.pack)
    sets, quoted = data_sets_of(arguments, manifest.name)
    settings = EvalSettings(sampling=sampling_of(arguments))
    examples = read_sets(arguments.data, sets, quoted_captions=quoted)
    pipeline = MotionPipeline.from_pack(arguments.pack, arguments.device)
    eval_set = build_eval_set(
        pipeline, examples, settings, None, clips=arguments.clips, split="val"
    )
    out = arguments.out or RUNS / "fit-score" / manifest.name
    data = score_data(eval_set, ClipMaker(pipeline, out / f"{pack_hash(arguments.pack)}.jsonl"))
    weights, held_out = fit_score(data)
    print(chosen_table(data, weights).markdown())
    print(Table("put first, held out", (held_out,)).markdown())
    for name, value in asdict(weights).items():
        print(f"{name}: float = {value:.3g}")
    return 0

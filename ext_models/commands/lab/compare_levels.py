"""``compare-levels``: puts ways to a pack's finer levels side by side."""

from __future__ import annotations

import argparse
from dataclasses import replace
from pathlib import Path

from ext_models import packs
from ext_models.commands.options import RUNS, add_data, add_pack, budget_of, data_sets_of


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the options."""
    parser.add_argument("config", type=Path, nargs="?", help="recipe that names the data sets")
    add_data(parser)
    add_pack(parser)
    parser.add_argument(
        "--sets", nargs="+", help="sets of the data folder (those of the recipe, or all)"
    )
    parser.add_argument("--clips", type=int, help="test clips (all)")
    parser.add_argument(
        "--prompts", type=int, default=24, help="everyday prompts to generate (%(default)s)"
    )
    parser.add_argument("--minutes", type=float, help="stop each training after so many minutes")
    parser.add_argument("--steps", type=int, help="stop each training after so many steps")
    parser.add_argument(
        "--out", type=Path, help="folder of codes and checkpoints (runs/compare-levels/PACK)"
    )


def run(arguments: argparse.Namespace) -> int:
    """Train what fills the finer levels and print the tables."""
    from ext_models.datasets.layouts import read_sets
    from ext_models.evaluation.eval_set import build_eval_set
    from ext_models.evaluation.prompts.prompt_lists import read_prompts, shipped_lists
    from ext_models.evaluation.settings import EvalSettings
    from ext_models.generation.pipeline import MotionPipeline
    from ext_models.lab.compare_levels import compare_levels
    from ext_models.lab.finer_levels import FillerTraining

    pipeline = MotionPipeline.from_pack(arguments.pack, "cpu")
    name = packs.read_manifest(arguments.pack).name
    sets, quoted = data_sets_of(arguments, name)
    examples = read_sets(arguments.data, sets, quoted_captions=quoted)
    eval_set = build_eval_set(
        pipeline, examples, EvalSettings(samples=1), None, clips=arguments.clips
    )
    everyday = read_prompts(shipped_lists()["everyday"])
    every = max(1, len(everyday.prompts) // arguments.prompts)
    prompts = replace(everyday, prompts=everyday.prompts[::every][: arguments.prompts])
    settings = replace(FillerTraining(), **budget_of(arguments))
    folder = arguments.out or RUNS / "compare-levels" / name
    for table in compare_levels(eval_set, examples, prompts, settings, arguments.pack, folder):
        print(table.markdown())
    return 0

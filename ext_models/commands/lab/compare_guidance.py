"""``compare-guidance``: puts settings of generation side by side on validation clips."""

from __future__ import annotations

import argparse
from pathlib import Path

from ext_models.commands.options import RUNS, add_evaluator, add_sampling, read_evaluator
from ext_models.devices import pick_device

from .validation import add_validation, validation_set


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the options."""
    add_validation(parser)
    add_evaluator(parser)
    parser.add_argument("--variants", nargs="+", metavar="NAME", help="some of them (all)")
    add_sampling(parser, ("seed", "candidates"))
    parser.add_argument(
        "--out", type=Path, help="folder of the candidates (runs/compare-guidance/PACK)"
    )


def run(arguments: argparse.Namespace) -> int:
    """Generate candidates with each setting and print what the chosen ones are like."""
    from ext_models.evaluation.clip_maker import pack_hash
    from ext_models.lab.guidance_choice import chosen_variants, compare_guidance

    variants = chosen_variants(arguments.variants)
    evaluator = read_evaluator(arguments, pick_device(arguments.device))
    eval_set = validation_set(arguments, evaluator)
    out = arguments.out or RUNS / "compare-guidance" / eval_set.pipeline.manifest.name
    print(compare_guidance(eval_set, variants, out / pack_hash(arguments.pack)).markdown())
    return 0

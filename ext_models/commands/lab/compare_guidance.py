"""``compare-guidance``: puts settings of generation side by side on validation clips."""

from __future__ import annotations

import argparse
from pathlib import Path

from ext_models import packs
from ext_models.commands.options import (
    RUNS,
    add_data,
    add_device,
    add_evaluator,
    add_pack,
    add_sampling,
    data_sets_of,
    read_evaluator,
    sampling_of,
)
from ext_models.datasets.layouts import read_sets
from ext_models.devices import pick_device


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the options."""
    parser.add_argument("config", type=Path, nargs="?", help="recipe that names the data sets")
    add_data(parser)
    add_pack(parser)
    add_evaluator(parser)
    parser.add_argument(
        "--sets", nargs="+", help="sets of the data folder (those of the recipe, or all)"
    )
    parser.add_argument("--clips", type=int, default=40, help="validation clips (%(default)s)")
    parser.add_argument("--variants", nargs="+", metavar="NAME", help="some of them (all)")
    add_sampling(parser, ("seed", "candidates"))
    parser.add_argument(
        "--out", type=Path, help="folder of the candidates (runs/compare-guidance/PACK)"
    )
    add_device(parser)


def run(arguments: argparse.Namespace) -> int:
    """Generate candidates with each setting and print what the chosen ones are like."""
    from ext_models.evaluation.clip_maker import pack_hash
    from ext_models.evaluation.eval_set import build_eval_set
    from ext_models.evaluation.settings import EvalSettings
    from ext_models.generation.pipeline import MotionPipeline
    from ext_models.lab.guidance_choice import chosen_variants, compare_guidance

    variants = chosen_variants(arguments.variants)
    manifest = packs.read_manifest(arguments.pack)
    sets, quoted = data_sets_of(arguments, manifest.name)
    settings = EvalSettings(sampling=sampling_of(arguments))
    evaluator = read_evaluator(arguments, pick_device(arguments.device))
    examples = read_sets(arguments.data, sets, quoted_captions=quoted)
    pipeline = MotionPipeline.from_pack(arguments.pack, arguments.device)
    eval_set = build_eval_set(
        pipeline, examples, settings, evaluator, clips=arguments.clips, split="val"
    )
    out = arguments.out or RUNS / "compare-guidance" / manifest.name
    table = compare_guidance(eval_set, variants, out / pack_hash(arguments.pack))
    print(table.markdown())
    return 0

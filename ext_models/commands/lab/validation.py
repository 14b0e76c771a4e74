"""What lab commands share that measure a pack on validation clips: their options, the clips."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import TYPE_CHECKING

from ext_models import packs
from ext_models.commands.options import add_data, add_device, add_pack, data_sets_of, sampling_of
from ext_models.datasets.layouts import read_sets

if TYPE_CHECKING:
    from ext_models.evaluation.eval_set import EvalSet, Evaluator


def add_validation(parser: argparse.ArgumentParser) -> None:
    """Declare data, pack, clips and device."""
    parser.add_argument("config", type=Path, nargs="?", help="recipe that names the data sets")
    add_data(parser)
    add_pack(parser)
    parser.add_argument(
        "--sets", nargs="+", help="sets of the data folder (those of the recipe, or all)"
    )
    parser.add_argument("--clips", type=int, default=40, help="validation clips (%(default)s)")
    add_device(parser)


def validation_set(arguments: argparse.Namespace, evaluator: Evaluator | None = None) -> EvalSet:
    """The pack and its validation clips, as the options ask."""
    from ext_models.evaluation.eval_set import build_eval_set
    from ext_models.evaluation.settings import EvalSettings
    from ext_models.generation.pipeline import MotionPipeline

    sets, quoted = data_sets_of(arguments, packs.read_manifest(arguments.pack).name)
    settings = EvalSettings(sampling=sampling_of(arguments))
    examples = read_sets(arguments.data, sets, quoted_captions=quoted)
    pipeline = MotionPipeline.from_pack(arguments.pack, arguments.device)
    return build_eval_set(
        pipeline, examples, settings, evaluator, clips=arguments.clips, split="val"
    )

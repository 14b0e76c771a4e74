"""``evaluate-folds``: cross-validates a recipe; every clip is held out once."""

from __future__ import annotations

import argparse
from typing import TYPE_CHECKING

from ext_models.commands.options import (
    add_evaluator,
    add_sampling,
    add_training,
    budget_of,
    data_sets_of,
    read_evaluator,
    sampling_of,
)
from ext_models.datasets.layouts import read_sets
from ext_models.devices import pick_device
from ext_models.errors import PipelineError
from ext_models.evaluation.settings import EvalSettings

if TYPE_CHECKING:
    from ext_models.evaluation.evaluation import Evaluation

#: A fold has few labels, so fewer captions compete than in ``evaluate``.
POOL = 16


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the options."""
    add_training(
        parser, "recipe (TOML)", "folder of the folds and the tables", whose="each training"
    )
    parser.add_argument("--folds", type=int, default=5, help="how many (%(default)s)")
    parser.add_argument(
        "--fold", type=int, help="only this one; without it the table of all is made"
    )
    parser.add_argument("--share", type=float, default=1.0, help="of the recipe's minutes (1)")
    add_evaluator(parser)
    parser.add_argument("--sets", nargs="+", help="sets of the data folder (the recipe's)")
    parser.add_argument(
        "--pool", type=int, default=POOL, help="captions that compete (%(default)s)"
    )
    parser.add_argument("--samples", type=int, default=3, help="motions of each text (%(default)s)")
    parser.add_argument(
        "--pose-clips", type=int, default=0, help="fewer clips for pose tasks (all)"
    )
    add_sampling(parser, ("seed",))


def run(arguments: argparse.Namespace) -> int:
    """Train and measure fold by fold; a stopped run goes on."""
    from ext_models.lab.folds import (
        assign_folds,
        measure_fold,
        save_folds,
        take_of_clips,
        train_fold,
    )
    from ext_models.recipes.schema import Recipe

    recipe = Recipe.read(arguments.config)
    if arguments.folds < 2:
        raise PipelineError(f"--folds {arguments.folds}: at least 2.")
    if arguments.fold is not None and not 1 <= arguments.fold <= arguments.folds:
        raise PipelineError(f"--fold {arguments.fold}: 1 to {arguments.folds}.")
    if not 0 < arguments.share <= 1:
        raise PipelineError(f"--share {arguments.share:g}: more than 0, at most 1.")
    sets, quoted = data_sets_of(arguments, recipe.pack_table.name)
    examples = read_sets(arguments.data, sets, quoted_captions=quoted)
    device = pick_device(arguments.device)
    evaluator = read_evaluator(arguments, device)
    settings = EvalSettings(
        sampling=sampling_of(arguments),
        pool=arguments.pool,
        samples=arguments.samples,
        pose_clips=arguments.pose_clips,
    )
    recipe = recipe.with_share_of_minutes(arguments.share).with_budget(**budget_of(arguments))
    folds = assign_folds(examples, take_of_clips(arguments.data), arguments.folds, arguments.seed)
    results: list[Evaluation] = []
    for number, fold in enumerate(folds, 1):
        if arguments.fold not in (None, number):
            continue
        folder = arguments.out / f"fold{number}"
        print(f"fold {number} of {len(folds)}: {sum(e.split == 'test' for e in fold)} held out")
        pack = train_fold(recipe, fold, folder, device, arguments.data)
        results.append(measure_fold(pack, fold, folder, settings, evaluator, device))
    if arguments.fold is None:
        print(save_folds(results, arguments.out))
    return 0

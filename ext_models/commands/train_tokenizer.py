"""``train-tokenizer``: trains a motion tokenizer from a recipe, into a pack."""

from __future__ import annotations

import argparse
import logging
from pathlib import Path

from ext_models.datasets.examples import Example
from ext_models.datasets.layouts import read_recipe_sets
from ext_models.devices import pick_device
from ext_models.errors import PipelineError
from ext_models.packs import PackError
from ext_models.tokenizer import reference_training, training
from ext_models.tokenizer.report import HEAD, report, strips
from ext_models.tokenizer.vqvae import VQVAE, load_tokenizer, save_tokenizer
from ext_models.training import processes
from ext_models.training.recipe import read_toml

from .options import RUNS, add_training, budget_of, naming_recipe

#: Test clips in the picture of a tokenizer.
PICTURED = 6

logger = logging.getLogger(__name__)


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the options."""
    add_training(parser, "recipe (TOML)", "folder of the pack")
    parser.add_argument(
        "--keep-codes",
        action="store_true",
        help="train a new decoder for the codes of the tokenizer that --out holds",
    )


def run(arguments: argparse.Namespace) -> int:
    """Train the tokenizer and print how well it reconstructs the test clips."""
    recipe = read_toml(arguments.config)
    device = processes.join(pick_device(arguments.device))
    if processes.count() > 1:
        raise PipelineError("train-tokenizer runs in one process: start it without a launcher.")
    with naming_recipe(arguments.config):
        examples = read_recipe_sets(arguments.data, recipe["pack"])
        work = RUNS / recipe["pack"]["name"]
        recipe["tokenizer"].setdefault("training", {}).update(budget_of(arguments))
        if recipe["tokenizer"].get("way") == reference_training.WAY:
            reference_training.run(recipe, examples, arguments.data, arguments.out, work, device)
            return 0
        config, settings = training.from_recipe(recipe)
        kept = load_tokenizer(arguments.out) if arguments.keep_codes else None
        seed = recipe["pack"]["seed"]
        model = training.train_tokenizer(
            config, settings, examples, work, seed=seed, device=device, codes_of=kept
        )
    save_tokenizer(model, arguments.out)
    _print_report(model, examples)
    print(f"tokenizer written to {arguments.out}")
    _draw(model, examples, work / "tokenizer.png")
    return 0


def _print_report(model: VQVAE, examples: list[Example]) -> None:
    test = [e for e in examples if e.split == "test"]
    levels = model.config.levels
    rows = [
        report(model, test, k, examples).row(f"{k} of {levels} levels") for k in model.config.some
    ]
    print("\n".join([*HEAD, *rows]))


def _draw(model: VQVAE, examples: list[Example], picture: Path) -> None:
    """Draw some test clips beside their reconstruction, where matplotlib is installed."""
    test = [e for e in examples if e.split == "test"]
    some = test[:: max(1, len(test) // PICTURED)][:PICTURED]
    try:
        strips(model, some, model.config.levels, picture)
        print(f"test clips and their reconstruction: {picture}")
    except PackError as error:
        logger.warning("%s", error)

"""``train-reranker``: trains the reranker of a pack that exists, into that pack."""

from __future__ import annotations

import argparse

from ext_models.datasets.layouts import read_recipe_sets
from ext_models.devices import pick_device
from ext_models.packs import MANIFEST, RERANKER, PackError, require
from ext_models.text_motion.reranker_training import train_reranker
from ext_models.training.recipe import read_toml

from .options import RUNS, add_training, budget_of, naming_recipe


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the options."""
    add_training(parser, "recipe (TOML) with a [reranker] table", "folder of the pack")


def run(arguments: argparse.Namespace) -> int:
    """Train the reranker and write it into the pack."""
    require(arguments.out / MANIFEST)
    recipe = read_toml(arguments.config)
    if not recipe.get(RERANKER):
        raise PackError(f"{arguments.config}: the recipe has no [{RERANKER}] table.")
    device = pick_device(arguments.device)
    with naming_recipe(arguments.config):
        examples = read_recipe_sets(arguments.data, recipe["pack"])
        work = RUNS / recipe["pack"]["name"]
        budget = budget_of(arguments)
        train_reranker(recipe, examples, arguments.out, work, device=device, budget=budget)
    print(f"reranker written to {arguments.out / RERANKER}")
    return 0

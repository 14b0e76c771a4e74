"""``train-reranker``: trains the reranker of a pack that exists, into that pack."""

from __future__ import annotations

import argparse

from ext_models.devices import pick_device
from ext_models.packs import MANIFEST, RERANKER, require

from .options import RUNS, add_training, read_recipe


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the options."""
    add_training(parser, "recipe (TOML) with a [reranker] table", "folder of the pack")


def run(arguments: argparse.Namespace) -> int:
    """Train the reranker and write it into the pack."""
    from ext_models.text_motion.reranker_training import train_reranker

    require(arguments.out / MANIFEST)
    recipe = read_recipe(arguments)
    table, pack = recipe.demand(recipe.reranker, RERANKER), recipe.pack_table
    device = pick_device(arguments.device)
    train_reranker(
        table,
        pack,
        recipe.language_table,
        recipe.examples(arguments.data),
        arguments.out,
        RUNS / pack.name,
        device=device,
    )
    print(f"reranker written to {arguments.out / RERANKER}")
    return 0

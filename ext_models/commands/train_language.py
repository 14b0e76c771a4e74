"""``train-language``: trains the language model of a pack, and its reranker, from a recipe."""

from __future__ import annotations

import argparse
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from ext_models.datasets.examples import Example, data_hash
from ext_models.datasets.layouts import read_recipe_sets
from ext_models.devices import pick_device
from ext_models.language.pack_training import train_pack
from ext_models.packs import TOKENIZER_WEIGHTS
from ext_models.text_motion.reranker_training import train_reranker
from ext_models.training import processes
from ext_models.training.recipe import read_toml
from ext_models.training.run_identity import claim, file_hash, short_hash, without_budget

from .options import RUNS, add_training, budget_of, naming_recipe


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the options."""
    add_training(parser, "recipe (TOML)", "folder of the pack, with its tokenizer")


def run(arguments: argparse.Namespace) -> int:
    """Train, write the pack and print the held-out losses."""
    recipe = read_toml(arguments.config)
    device = processes.join(pick_device(arguments.device))
    budget = budget_of(arguments)
    with naming_recipe(arguments.config):
        examples = read_recipe_sets(arguments.data, recipe["pack"])
        work = RUNS / recipe["pack"]["name"]
        work.mkdir(parents=True, exist_ok=True)
        _claim(work, recipe, examples, arguments.out)
        trained = train_pack(recipe, examples, arguments.out, work, device=device, budget=budget)
        if not processes.leave():
            return 0
        train_reranker(recipe, examples, arguments.out, work, device=device, budget=budget)
    for log in trained.logs:
        print(f"{log.name}: held-out loss {log.held_out[-1][1]:.3f}, best {log.best:.3f}")
    print(f"trainable share: {trained.trainable_share:.2%} of all parameters")
    if trained.picture:
        print(f"losses and token accuracy over the steps: {trained.picture}")
    print(f"pack written to {arguments.out}")
    return 0


def _claim(run: Path, recipe: Mapping[str, Any], examples: Sequence[Example], pack: Path) -> None:
    """Refuse to resume the training of something else; a longer budget may resume."""
    # cfg_scale is noted in the pack and no part of the training.
    language = {k: v for k, v in recipe["language"].items() if k != "cfg_scale"}
    of = {
        "recipe": short_hash([without_budget(language), recipe["pack"]["seed"]]),
        "tokenizer": file_hash(pack / TOKENIZER_WEIGHTS),
        "data": data_hash(examples),
    }
    refusal = (
        "holds the training of another recipe, data or tokenizer: delete it, or name the pack "
        "otherwise."
    )
    begun = any((run / f"{stage}.pt").is_file() for stage in ("base", "adapter"))
    claim(run, of, refusal, begun=begun, write=processes.is_main())

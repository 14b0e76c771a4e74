"""``train-language``: trains a pack's language model, length model and reranker from a recipe."""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from ext_models.datasets.examples import Example, data_hash
from ext_models.devices import pick_device
from ext_models.packs import TOKENIZER_WEIGHTS
from ext_models.training.run_identity import claim, file_hash, short_hash, without_budget

from .options import RUNS, add_training, read_recipe

if TYPE_CHECKING:
    from ext_models.recipes.schema import Recipe


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the options."""
    add_training(parser, "recipe (TOML)", "folder of the pack, with its tokenizer")


def run(arguments: argparse.Namespace) -> int:
    """Train, write the pack and print the held-out losses."""
    from ext_models.language.length_fitting import fit_lengths
    from ext_models.language.pack_training import train_pack
    from ext_models.text_motion.reranker_training import train_reranker
    from ext_models.training import processes

    recipe = read_recipe(arguments)
    pack, language = recipe.pack_table, recipe.language_table
    device = processes.join(pick_device(arguments.device))
    examples = recipe.examples(arguments.data)
    work = RUNS / pack.name
    work.mkdir(parents=True, exist_ok=True)
    _claim(work, recipe, examples, arguments.out, write=processes.is_main())
    trained = train_pack(pack, language, examples, arguments.out, work, device=device)
    if not processes.leave():
        return 0
    fit_lengths(examples).save(arguments.out)
    if recipe.reranker:
        train_reranker(
            recipe.reranker, pack, language, examples, arguments.out, work, device=device
        )
    for log in trained.logs:
        print(f"{log.name}: held-out loss {log.held_out[-1][1]:.3f}, best {log.best:.3f}")
    print(f"trainable share: {trained.trainable_share:.2%} of all parameters")
    if trained.picture:
        print(f"losses and token accuracy over the steps: {trained.picture}")
    print(f"pack written to {arguments.out}")
    return 0


def _claim(
    run: Path, recipe: Recipe, examples: Sequence[Example], pack: Path, *, write: bool
) -> None:
    """Refuse to resume the training of something else; a longer budget may resume."""
    # cfg_scale is noted in the pack and no part of the training.
    language = replace(recipe.language_table, cfg_scale=1.0)
    identity = {
        "recipe": short_hash([without_budget(language), recipe.pack_table.seed]),
        "tokenizer": file_hash(pack / TOKENIZER_WEIGHTS),
        "data": data_hash(examples),
    }
    refusal = (
        "holds the training of another recipe, data or tokenizer: delete it, or name the pack "
        "otherwise."
    )
    begun = any((run / f"{name}.pt").is_file() for name in ("base", "adapter"))
    claim(run, identity, refusal, begun=begun, write=write)

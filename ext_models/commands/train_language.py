"""``train-language``: trains a pack's language model, length model and reranker from a recipe."""

from __future__ import annotations

import argparse
import math
import time
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
    from ext_models.language.recipe import LanguageRecipe
    from ext_models.recipes.schema import Recipe
    from ext_models.text_motion.recipe import RerankerRecipe


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the options."""
    add_training(
        parser,
        "recipe (TOML)",
        "folder of the pack, with its tokenizer",
        whose="language model and reranker together",
    )


def run(arguments: argparse.Namespace) -> int:
    """Train, write the pack and print the held-out losses."""
    from ext_models.language.length_fitting import fit_lengths
    from ext_models.language.pack_training import train_pack
    from ext_models.text_motion.reranker_training import train_reranker
    from ext_models.training import processes

    started, minutes = time.monotonic(), arguments.minutes
    recipe = read_recipe(arguments, minutes=False)
    pack, language, reranker = recipe.pack_table, recipe.language_table, recipe.reranker
    device = processes.join(pick_device(arguments.device))
    examples = recipe.examples(arguments.data)
    work = RUNS / pack.name
    work.mkdir(parents=True, exist_ok=True)
    _claim(work, recipe, examples, arguments.out, write=processes.is_main())
    share = _share_of_language(language, reranker)
    own = None if minutes is None else minutes * share
    trained = train_pack(pack, language, examples, arguments.out, work, device=device, minutes=own)
    if not processes.leave():
        return 0
    fit_lengths(examples).save(arguments.out)
    if reranker:
        if minutes is not None:
            left = minutes - (time.monotonic() - started) / 60
            reranker = _within(reranker, (1 - share) * minutes, left)
        train_reranker(reranker, pack, language, examples, arguments.out, work, device=device)
    for log in trained.logs:
        print(f"{log.name}: held-out loss {log.held_out[-1][1]:.3f}, best {log.best:.3f}")
    print(f"trainable share: {trained.trainable_share:.2%} of all parameters")
    if trained.picture:
        print(f"losses and token accuracy over the steps: {trained.picture}")
    print(f"pack written to {arguments.out}")
    return 0


def _share_of_language(language: LanguageRecipe, reranker: RerankerRecipe | None) -> float:
    """The part of the minutes that the language model gets, as the recipe shares them out."""
    if reranker is None:
        return 1.0
    whole = language.minutes + reranker.training.minutes
    return language.minutes / whole if math.isfinite(whole) else 0.5


def _within(reranker: RerankerRecipe, minutes: float, left: float) -> RerankerRecipe:
    """The reranker with its minutes, or with what is left of them, but never less than half."""
    training = replace(reranker.training, minutes=max(min(minutes, left), 0.5 * minutes))
    return replace(reranker, training=training)


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
    begun = any(any(run.glob(names)) for names in ("base.pt", "adapter*.pt"))
    claim(run, identity, refusal, begun=begun, write=write)

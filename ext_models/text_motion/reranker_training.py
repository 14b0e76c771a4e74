"""Training a pack's reranker, with the pack or alone: the command ``train-reranker``."""

from __future__ import annotations

import argparse
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

from ext_models.commands.commands import RUNS, budget_of, examples_of
from ext_models.datasets.examples import data_hash
from ext_models.datasets.layouts import DataError, Example
from ext_models.devices import pick_device
from ext_models.generation.request import PipelineError
from ext_models.generation.reranker import FOLDER, Reranker
from ext_models.language.pack_training import joined_clips, with_captions
from ext_models.packs import MANIFEST, PackError, require
from ext_models.training.recipe import read_toml
from ext_models.training.run_identity import claim, short_hash, without_budget

from . import model as spaces
from .network import TextMotionConfig
from .training import CHECKPOINT, TextMotionTraining, train_text_motion


def train_reranker(
    recipe: Mapping[str, Any],
    examples: Sequence[Example],
    pack: Path,
    run: Path,
    *,
    device: str,
    budget: Mapping[str, float],
) -> Reranker | None:
    """Train the reranker that a recipe asks for into a pack; None where it asks for none.

    It reads the captions that the language model reads, and no more. Resumes from ``run``.
    Raises PackError for a table that says nothing of use.
    """
    table = dict(recipe.get(FOLDER, {}))
    if not table:
        return None
    settings = {**table.pop("training", {}), **budget}
    seed = int(table.pop("seed", recipe["pack"]["seed"]))
    longest = recipe["language"]["max_frames"]
    try:
        config = TextMotionConfig(**{"max_frames": longest, **table})
        training = TextMotionTraining(**settings)
    except TypeError as error:
        raise PackError(f"the recipe's [{FOLDER}] table: {error}.") from None
    share = recipe["language"].get("captioned", 1.0)
    examples = with_captions(examples, share, recipe["pack"]["seed"])
    told = [e for e in examples if e.captions and e.split != "test"]
    joined = joined_clips(recipe["language"], told, recipe["pack"]["seed"])
    clips = [*told, *joined]
    of = {
        "recipe": short_hash([asdict(config), without_budget(asdict(training)), seed]),
        "data": data_hash(clips),
    }
    refusal = "holds the training of another reranker, or on other clips: delete it to begin anew."
    claim(run / FOLDER, of, refusal, begun=(run / FOLDER / CHECKPOINT).is_file())
    space = train_text_motion(config, training, clips, run / FOLDER, seed=seed, device=device)
    spaces.save(space, pack / FOLDER, spaces.read_card(run / FOLDER / "best")["notes"])
    return Reranker(space)


def run(arguments: argparse.Namespace) -> int:
    """The command ``train-reranker``: a reranker for a pack that exists."""
    require(arguments.out / MANIFEST)
    recipe = read_toml(arguments.config)
    if not recipe.get(FOLDER):
        raise PackError(f"{arguments.config}: the recipe has no [{FOLDER}] table.")
    device = pick_device(arguments.device)
    try:
        examples = examples_of(recipe, arguments.data)
        work = RUNS / recipe["pack"]["name"]
        budget = budget_of(arguments)
        train_reranker(recipe, examples, arguments.out, work, device=device, budget=budget)
    except DataError as error:
        raise PipelineError(str(error)) from None
    except KeyError as error:
        raise PackError(f"{arguments.config}: the recipe has no {error}.") from None
    print(f"reranker written to {arguments.out / FOLDER}")
    return 0

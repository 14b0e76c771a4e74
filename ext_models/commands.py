"""What the commands do once their arguments are read."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any

from .devices import pick_device
from .motion.datasets import DataError, Example, read_examples
from .packs import PackError
from .pipelines import PipelineError
from .training import read_recipe

#: Where unfinished trainings keep their state, to resume from.
RUNS = Path("runs")


def train(arguments: argparse.Namespace) -> int:
    """``train-tokenizer`` and ``train-language``."""
    recipe = read_recipe(arguments.config)
    device = pick_device(arguments.device)
    try:
        examples = _examples(recipe, arguments.data)
    except DataError as error:
        raise PipelineError(str(error)) from None
    try:
        if arguments.what == "train-tokenizer":
            return _train_tokenizer(arguments, recipe, examples, device)
        return _train_language(arguments, recipe, examples, device)
    except KeyError as error:
        raise PackError(f"{arguments.config}: the recipe has no {error}.") from None
    except TypeError as error:
        raise PackError(f"{arguments.config}: {error}.") from None


def _examples(recipe: dict[str, Any], data: Path | str | None) -> list[Example]:
    pack = recipe["pack"]
    folder = Path(data) if data else None
    return read_examples(folder, pack["data"], quoted_captions=pack["quoted_captions"])


def _budget(arguments: argparse.Namespace) -> dict[str, float]:
    given = {"steps": arguments.steps, "minutes": arguments.minutes}
    return {name: value for name, value in given.items() if value is not None}


def _train_tokenizer(
    arguments: argparse.Namespace, recipe: dict[str, Any], examples: list[Example], device: str
) -> int:
    from .tokenizer import training
    from .tokenizer.vqvae import save_tokenizer

    recipe["tokenizer"]["training"].update(_budget(arguments))
    config, settings = training.from_recipe(recipe)
    run = RUNS / recipe["pack"]["name"]
    seed = recipe["pack"]["seed"]
    model = training.train_tokenizer(config, settings, examples, run, seed=seed, device=device)
    save_tokenizer(model, arguments.out)
    for split in ("val", "test"):
        part = [e for e in examples if e.split == split]
        for levels in range(1, config.levels + 1):
            print(split, f"{levels} levels:", training.report(model, part, levels))
    print(f"tokenizer written to {arguments.out}")
    return 0

"""``train-tokenizer``: trains a motion tokenizer from a recipe, into a pack."""

from __future__ import annotations

import argparse
import logging
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from ext_models.datasets.examples import Example
from ext_models.devices import pick_device
from ext_models.errors import PipelineError
from ext_models.packs import PackError
from ext_models.training.run_identity import claim

from .options import RUNS, add_training, read_recipe

if TYPE_CHECKING:
    from ext_models.tokenizer.vqvae import VQVAE

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
    from ext_models.tokenizer.recipe import (
        PublishedTokenizer,
        tokenizer_identity,
        train_from_recipe,
    )
    from ext_models.tokenizer.vqvae import load_tokenizer, save_tokenizer
    from ext_models.training import processes

    recipe = read_recipe(arguments)
    pack, table = recipe.pack_table, recipe.tokenizer_table
    device = processes.join(pick_device(arguments.device))
    if processes.count() > 1:
        raise PipelineError("train-tokenizer runs in one process: start it without a launcher.")
    examples = recipe.examples(arguments.data)
    work = RUNS / pack.name
    kept = load_tokenizer(arguments.out) if arguments.keep_codes else None
    _claim(work, tokenizer_identity(table, examples, pack.seed, kept), kept)
    model = train_from_recipe(
        table,
        examples,
        work,
        seed=pack.seed,
        device=device,
        data=arguments.data,
        codes_of=kept,
    )
    save_tokenizer(model, arguments.out)
    if isinstance(table, PublishedTokenizer):
        _print_error(model, examples)
        print(f"tokenizer written to {arguments.out}")
        return 0
    _print_report(model, examples)
    print(f"tokenizer written to {arguments.out}")
    _draw(model, examples, work / "tokenizer.png")
    return 0


def _claim(work: Path, identity: Mapping[str, str], kept: VQVAE | None) -> None:
    """Refuse to resume the training of another tokenizer; a longer budget may resume."""
    name = "tokenizer" if kept is None else "decoder"
    refusal = (
        f"holds the training of another {name}, or on other clips: delete it, or name the pack "
        "otherwise."
    )
    begun = (work / f"{name}.pt").is_file()
    claim(work, identity, refusal, begun=begun, file=f"{name}.of.json")


def _print_error(model: VQVAE, examples: list[Example]) -> None:
    from ext_models.tokenizer.reference_training import reconstruction_error

    test = [e for e in examples if e.split == "test"] or examples
    error, used = reconstruction_error(model, test)
    print(f"{len(test)} clips through their codes: {error:.1f} mm, {used:.0%} of the codes in use")


def _print_report(model: VQVAE, examples: list[Example]) -> None:
    from ext_models.tokenizer.report import HEAD, codes_used, report

    test = [e for e in examples if e.split == "test"]
    levels, used = model.config.levels, codes_used(model, examples)
    rows = [report(model, test, k, used).row(f"{k} of {levels} levels") for k in model.config.some]
    print("\n".join([*HEAD, *rows]))


def _draw(model: VQVAE, examples: list[Example], picture: Path) -> None:
    """Draw some test clips beside their reconstruction, where matplotlib is installed."""
    from ext_models.tokenizer.report import strips

    test = [e for e in examples if e.split == "test"]
    some = test[:: max(1, len(test) // PICTURED)][:PICTURED]
    try:
        strips(model, some, model.config.levels, picture)
        print(f"test clips and their reconstruction: {picture}")
    except PackError as error:
        logger.warning("%s", error)

"""``train-lengths``: fits the length model of a pack that exists, into that pack."""

from __future__ import annotations

import argparse
from pathlib import Path

from ext_models.packs import MANIFEST, require
from motiongpt_blender.core.packs.length_model import LENGTHS

from .options import add_data


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the options."""
    parser.add_argument("config", type=Path, help="recipe (TOML) that names the pack's data")
    add_data(parser)
    parser.add_argument("--out", type=Path, required=True, help="folder of the pack")


def run(arguments: argparse.Namespace) -> int:
    """Fit, write the model into the pack and print its error on held-out captions."""
    from ext_models.language.length_fitting import fit_lengths, length_errors
    from ext_models.recipes.schema import Recipe

    require(arguments.out / MANIFEST)
    examples = Recipe.read(arguments.config).examples(arguments.data)
    model = fit_lengths(examples)
    model.save(arguments.out)
    if errors := length_errors(model, examples):
        print(
            f"{errors.captions} held-out captions: the median length misses by a factor of "
            f"{errors.model:.2f}, one length for all by {errors.constant:.2f}"
        )
    print(f"length model written to {arguments.out / LENGTHS}")
    return 0

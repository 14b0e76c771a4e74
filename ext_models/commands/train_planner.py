"""``train-planner``: trains a pretrained language model to write a pack's clip summaries."""

from __future__ import annotations

import argparse
from pathlib import Path

from ext_models import packs
from motiongpt_blender.core.packs.length_model import LENGTHS

from . import train_language
from .options import add_training, read_recipe


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the options."""
    add_training(
        parser,
        "recipe (TOML) with summary_share = 1",
        "the pack, trained before or made of --writer; the planner goes into its folder 'planner'",
    )
    parser.add_argument(
        "--writer",
        type=packs.named,
        help="the pack that writes the codes, name or folder; --out becomes its copy, under the "
        "recipe's name",
    )


def run(arguments: argparse.Namespace) -> int:
    """Train the planner; it writes the summaries that the pack's own model writes."""
    from ext_models.language import planner_training

    pack: Path = arguments.out
    recipe = read_recipe(arguments)
    writer: Path = arguments.writer or pack
    planner_training.check_planner(recipe.language_table, writer, str(arguments.config))
    if arguments.writer:
        planner_training.begin_pack(writer, pack, recipe.pack_table)
    with planner_training.planner_folder(pack) as planner:
        arguments.out = planner
        try:
            status = train_language.run(arguments)
        finally:
            (planner / LENGTHS).unlink(missing_ok=True)
    planner_training.credit_base(pack)
    return status

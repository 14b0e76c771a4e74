"""``train-planner``: trains a pretrained language model to write a pack's clip summaries."""

from __future__ import annotations

import argparse
from pathlib import Path

from motiongpt_blender.core.packs.length_model import LENGTHS

from . import train_language
from .options import add_training, read_recipe


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the options."""
    add_training(
        parser,
        "recipe (TOML) with summary_share = 1",
        "the pack, trained before; the planner goes into its folder 'planner'",
    )


def run(arguments: argparse.Namespace) -> int:
    """Train the planner; it writes the summaries that the pack's own model writes."""
    from ext_models.language.planner_training import check_planner, planner_folder

    pack: Path = arguments.out
    check_planner(read_recipe(arguments).language_table, pack, str(arguments.config))
    with planner_folder(pack) as planner:
        arguments.out = planner
        try:
            return train_language.run(arguments)
        finally:
            (planner / LENGTHS).unlink(missing_ok=True)

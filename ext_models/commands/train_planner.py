"""``train-planner``: trains a pretrained language model to write a pack's clip summaries."""

from __future__ import annotations

import argparse
import shutil
from pathlib import Path

from ext_models import packs
from ext_models.packs import PackError, read_manifest, require
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
    from ext_models.generation.planning import PLANNER
    from ext_models.tokenizer.clip_summary import WEIGHTS

    pack: Path = arguments.out
    _check(arguments, pack)
    planner = pack / PLANNER
    planner.mkdir(exist_ok=True)
    lent = (packs.TOKENIZER_CONFIG, packs.TOKENIZER_WEIGHTS, WEIGHTS)
    for name in lent:
        shutil.copyfile(require(pack / name), planner / name)
    arguments.out = planner
    try:
        return train_language.run(arguments)
    finally:
        for name in (*lent, LENGTHS):
            (planner / name).unlink(missing_ok=True)


def _check(arguments: argparse.Namespace, pack: Path) -> None:
    """Refuse a recipe whose answers are not the pack's summaries, before anything is encoded."""
    manifest = read_manifest(pack)
    language = read_recipe(arguments).language_table
    summary = tuple(language.summary or ())
    tasks = getattr(language, "tasks", None)
    if not summary or getattr(tasks, "summary_share", 0.0) != 1:
        raise PackError(
            f"{arguments.config}: a planner writes summaries alone: write summary = "
            f"{list(manifest.summary)} and tasks.summary_share = 1."
        )
    if summary != manifest.summary or language.max_frames != manifest.max_frames:
        raise PackError(
            f"{arguments.config}: the pack's summary is {list(manifest.summary)} and its "
            f"max_frames {manifest.max_frames}: write the same in the recipe."
        )

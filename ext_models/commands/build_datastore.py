"""``build-datastore``: gives a pack the motions that it looks up, into that pack."""

from __future__ import annotations

import argparse
from pathlib import Path

from ext_models import packs
from ext_models.devices import pick_device

from .options import add_data, add_device


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the options."""
    parser.add_argument("config", type=Path, help="recipe (TOML) that names the data")
    add_data(parser)
    parser.add_argument("--out", type=Path, required=True, help="folder of the pack")
    add_device(parser)


def run(arguments: argparse.Namespace) -> int:
    """Encode the training clips, write them into the pack and print how many they are."""
    from ext_models.language.datastore import DATASTORE, build_datastore
    from ext_models.recipes.schema import Recipe

    manifest = packs.read_manifest(arguments.out)
    examples = Recipe.read(arguments.config).examples(arguments.data)
    made = build_datastore(arguments.out, manifest, examples, pick_device(arguments.device))
    made.save(arguments.out)
    size = (arguments.out / DATASTORE).stat().st_size / 1e6
    print(f"{len(made.clips)} motions, {size:.1f} MB, written to {arguments.out / DATASTORE}")
    return 0

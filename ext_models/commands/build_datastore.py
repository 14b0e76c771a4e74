"""``build-datastore``: gives a pack the motions that it looks up, into that pack."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import TYPE_CHECKING

from ext_models import packs
from ext_models.devices import pick_device

from .options import add_data, add_device

if TYPE_CHECKING:
    from collections.abc import Sequence

    from ext_models.datasets.examples import Example
    from ext_models.language.datastore import Datastore


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the options."""
    parser.add_argument("config", type=Path, help="recipe (TOML) that names the data")
    add_data(parser)
    parser.add_argument("--out", type=Path, required=True, help="folder of the pack")
    add_device(parser)


def run(arguments: argparse.Namespace) -> int:
    """Encode the training clips, write them into the pack and print how many they are."""
    from ext_models.language.datastore import DATASTORE
    from ext_models.recipes.schema import Recipe

    manifest = packs.read_manifest(arguments.out)
    examples = Recipe.read(arguments.config).examples(arguments.data)
    made = datastore(arguments.out, manifest, examples, pick_device(arguments.device))
    made.save(arguments.out)
    size = (arguments.out / DATASTORE).stat().st_size / 1e6
    print(f"{len(made.clips)} motions, {size:.1f} MB, written to {arguments.out / DATASTORE}")
    return 0


def datastore(
    pack: Path, manifest: packs.PackManifest, examples: Sequence[Example], device: str
) -> Datastore:
    """The datastore of a pack: the captioned training clips, as they are and mirrored.

    Raises:
        PackError: when the pack has no sentence reader, or no clip can be used.
    """
    from ext_models.language.corpus import encode_examples
    from ext_models.language.datastore import Datastore
    from ext_models.readers.sentence_reader import load_reader
    from ext_models.tokenizer.clip_summary import ClipSummary
    from ext_models.tokenizer.vqvae import load_tokenizer

    if not manifest.reader:
        raise packs.PackError(
            f"{pack / packs.MANIFEST}: the pack has no sentence reader, which finds motions by "
            "the meaning of a prompt: train its language model with one."
        )
    tokenizer = load_tokenizer(pack, device)
    motions = encode_examples(
        [one for one in examples if one.split == "train" and one.captions],
        tokenizer,
        None,
        levels=manifest.levels,
        max_steps=manifest.max_frames // tokenizer.config.stride,
        mirror=True,
        summary=ClipSummary.load(pack) if manifest.summary else None,
    )
    if not motions:
        raise packs.PackError(
            "the split 'train' of the data has no captioned clip that is long enough: add some."
        )
    return Datastore.of(motions, load_reader(manifest.reader))

"""``bench``: measures how fast a pack generates, as ratios to one variant of the same run."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import TYPE_CHECKING

from ext_models import packs
from ext_models.commands.options import DEFAULT_SECONDS, add_device, add_pack
from ext_models.devices import pick_device
from ext_models.errors import PipelineError

if TYPE_CHECKING:
    from ext_models.lab.bench import Bench, Timing


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the options."""
    add_pack(parser)
    parser.add_argument(
        "--seconds", type=float, default=DEFAULT_SECONDS, help="length (%(default)s)"
    )
    parser.add_argument(
        "--layers",
        type=int,
        help="a base of SmolLM2's sizes with so many layers and random weights, not the pack's",
    )
    parser.add_argument("--rounds", type=int, default=3, help="best of so many (%(default)s)")
    add_device(parser)
    parser.add_argument("--out", type=Path, help="also write the numbers (JSON)")


def run(arguments: argparse.Namespace) -> int:
    """Time every variant and print the table."""
    from ext_models.lab.bench import BASELINE, measure, table

    if arguments.rounds < 1:
        raise PipelineError(f"--rounds {arguments.rounds}: at least 1.")
    if arguments.layers is not None and arguments.layers < 1:
        raise PipelineError(f"--layers {arguments.layers}: at least 1.")
    if arguments.out and not arguments.out.parent.is_dir():
        raise PipelineError(
            f"--out {arguments.out}: there is no folder {arguments.out.parent}; make it first."
        )
    device = pick_device(arguments.device)
    manifest = packs.read_manifest(arguments.pack)
    bench = _bench(arguments, manifest, device)
    found: list[Timing] = []
    for variant in bench.variants():
        try:
            found.append(measure(variant, arguments.rounds, device))
        except (RuntimeError, NotImplementedError, ImportError) as error:
            if not found:
                raise
            print(f"{variant.name}: not possible here ({str(error).splitlines()[0][:120]})")
            continue
        print(f"{variant.name}: {found[0].each / found[-1].each:.2f} x the motions of '{BASELINE}'")
    base = f"{arguments.layers} layers" if arguments.layers else manifest.name
    done = table(f"{base}, {arguments.seconds:g} s on {device}", found)
    print("\n" + done.markdown())
    if arguments.out:
        done.save(arguments.out)
        print(f"numbers written to {arguments.out}")
    return 0


def _bench(arguments: argparse.Namespace, manifest: packs.PackManifest, device: str) -> Bench:
    from ext_models.generation.generators import PaperGenerator, TokenGenerator, load_generator
    from ext_models.generation.pipeline import vocabulary_of
    from ext_models.lab.bench import Bench, random_generator
    from ext_models.tokenizer.vqvae import load_tokenizer

    frames = round(arguments.seconds * manifest.fps)
    if not 1 <= frames <= manifest.max_frames:
        longest = manifest.max_frames / manifest.fps
        raise PipelineError(f"--seconds {arguments.seconds:g}: the pack makes up to {longest:.1f}.")
    tokenizer = load_tokenizer(arguments.pack, device)
    vocabulary = vocabulary_of(manifest, tokenizer)
    generator = load_generator(arguments.pack, manifest, vocabulary, device)
    if not isinstance(generator, TokenGenerator | PaperGenerator):
        raise PipelineError("this pack's language model cannot be measured.")
    if arguments.layers:
        generator = random_generator(arguments.layers, generator.text, vocabulary)
        generator.model.to(device)
    return Bench(generator, -(-frames // tokenizer.config.stride), tokenizer.config.codes)

"""``bench``: measures how fast a pack generates, as ratios to one variant of the same run."""

from __future__ import annotations

import argparse
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from ext_models import packs
from ext_models.commands.options import DEFAULT_SECONDS, add_device, add_pack
from ext_models.devices import pick_device
from ext_models.errors import PipelineError

if TYPE_CHECKING:
    from ext_models.evaluation.tables import Table
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
    parser.add_argument("--rounds", type=int, default=3, help="of each row (%(default)s)")
    parser.add_argument(
        "--requests",
        action="store_true",
        help="also whole requests, beside networks of the sizes of MDM and MoMask",
    )
    parser.add_argument("--candidates", type=int, default=16, help="of a request (%(default)s)")
    add_device(parser)
    parser.add_argument("--out", type=Path, help="also write the numbers (JSON)")


def run(arguments: argparse.Namespace) -> int:
    """Time every variant and print the table."""
    from ext_models.lab.bench import BASELINE, measure, table

    if arguments.rounds < 1:
        raise PipelineError(f"--rounds {arguments.rounds}: at least 1.")
    if arguments.layers is not None and arguments.layers < 1:
        raise PipelineError(f"--layers {arguments.layers}: at least 1.")
    if arguments.candidates < 1:
        raise PipelineError(f"--candidates {arguments.candidates}: at least 1.")
    if arguments.requests and arguments.layers:
        raise PipelineError("--requests is of the pack's own base: leave --layers out.")
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
    if arguments.requests:
        done = replace(done, rows=(*done.rows, *_requests(arguments, bench, device).rows))
    if arguments.out:
        done.save(arguments.out)
        print(f"numbers written to {arguments.out}")
    return 0


def _requests(arguments: argparse.Namespace, bench: Bench, device: str) -> Table:
    """Time whole requests, and print their table and the floor of the first row."""
    from ext_models.generation.generators import TokenGenerator
    from ext_models.generation.pipeline import MotionPipeline
    from ext_models.lab import bench_requests as whole

    pipeline = MotionPipeline.from_pack(arguments.pack, device)
    frames = round(arguments.seconds * pipeline.manifest.fps)
    works = whole.requests(pipeline, frames, arguments.candidates, device)
    whole.time_in_turns(works, arguments.rounds, device)
    found = whole.table(
        f"{pipeline.manifest.name}, {arguments.seconds:g} s of motion on {device}, median of "
        f"{arguments.rounds}",
        works,
    )
    print("\n" + found.markdown())
    if isinstance(bench.generator, TokenGenerator) and device == "cpu":
        rate = whole.bytes_a_second(arguments.rounds)
        floor = whole.floor_seconds(bench.generator, bench.steps, rate)
        print(
            f"\nOne thread reads memory at {rate / 1e9:.1f} GB/s: all weights for each token take "
            f"{floor:.3f} s, the floor of 'generate' where the caches do not hold them."
        )
    return found


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

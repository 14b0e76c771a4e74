"""``import-checkpoint``: turns the reference system's downloads into a model pack."""

from __future__ import annotations

import argparse
from pathlib import Path


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the options."""
    for option, what in (
        ("--vqvae", "pretrained_vqvae/t2m.pth or kit.pth"),
        ("--mean", "mean.npy that the VQ-VAE was trained with"),
        ("--std", "std.npy that the VQ-VAE was trained with"),
        ("--base", "lit-llama.pth, or a folder with a Llama"),
        ("--lora", "pretrained_lora/pretrained.pth"),
        ("--tokenizer", "tokenizer.model, or a folder with tokenizer.json"),
        ("--out", "folder of the pack, new"),
    ):
        parser.add_argument(option, type=Path, required=True, help=what)
    parser.add_argument("--skeleton", type=Path, help="one of the data set's new_joints/*.npy")
    parser.add_argument("--heads", type=int, help="attention heads, if not of 128 channels each")
    parser.add_argument("--name", help="short name (that of the folder)")
    parser.add_argument("--licence", help="licence as the pack will say it")


def run(arguments: argparse.Namespace) -> int:
    """Write the pack and print its size."""
    from ext_models.importers.import_pack import Downloads, import_checkpoint

    downloads = Downloads(
        vqvae=arguments.vqvae,
        mean=arguments.mean,
        std=arguments.std,
        base=arguments.base,
        lora=arguments.lora,
        text=arguments.tokenizer,
        skeleton=arguments.skeleton,
        heads=arguments.heads,
    )
    extra = {} if arguments.licence is None else {"licence": arguments.licence}
    manifest = import_checkpoint(downloads, arguments.out, name=arguments.name, **extra)
    size = sum(f.stat().st_size for f in arguments.out.rglob("*.safetensors"))
    print(f"{arguments.out}: {manifest.representation}, {size / 1e6:.1f} MB of weights")
    if arguments.skeleton is None:
        print("bones: those of the starter pack; --skeleton takes them from your data set.")
    return 0

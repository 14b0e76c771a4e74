"""``prepare-data``: turns any source of captioned motion into a data folder."""

from __future__ import annotations

import argparse
from pathlib import Path

from ext_models.errors import PipelineError


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the options."""
    parser.add_argument("source", type=Path, help="folder with the motion")
    parser.add_argument("--out", type=Path, required=True, help="data folder to write")
    parser.add_argument("--captions", type=Path, help="captions.json or .csv outside the source")
    parser.add_argument("--captions-from-names", action="store_true", help="file names as captions")
    parser.add_argument("--dataset", help="name of the data set (that of the source)")
    parser.add_argument(
        "--split", help="percent of train/val/test (85/5/10, or the official split)"
    )
    parser.add_argument("--licence", default="", help="noted with each clip")
    parser.add_argument("--scale", type=float, help="metres in one unit of a BVH (guessed)")
    parser.add_argument("--up", choices=("auto", "y", "z"), default="auto", help="up axis of a BVH")
    parser.add_argument(
        "--own-proportions", action="store_true", help="keep each file's bone lengths"
    )


def run(arguments: argparse.Namespace) -> int:
    """Write the data folder and print what it holds."""
    from ext_models.datasets.conventions import Conventions, Up
    from ext_models.datasets.prepare import PrepareOptions, Shares, prepare, report

    try:
        options = PrepareOptions(
            source=arguments.source,
            out=arguments.out,
            dataset=arguments.dataset,
            captions=arguments.captions,
            from_names=arguments.captions_from_names,
            shares=Shares.parse(arguments.split) if arguments.split else None,
            licence=arguments.licence,
            conventions=Conventions(
                arguments.scale, Up(arguments.up), not arguments.own_proportions
            ),
        )
        print("\n".join(report(prepare(options), options)))
    except OSError as error:
        raise PipelineError(
            f"--out {arguments.out} cannot be written ({error.strerror}): choose a folder that can."
        ) from None
    return 0

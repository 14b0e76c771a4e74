"""``measure-poses``: how evenly a pack walks to placed poses, and how early it reaches others."""

from __future__ import annotations

import argparse
from pathlib import Path

from ext_models.commands.options import add_data, add_device, add_pack, add_sampling, sampling_of


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the options."""
    add_pack(parser)
    add_data(parser)
    add_sampling(parser)
    add_device(parser)
    parser.add_argument("--only", default="", help="cases whose name contains this")
    parser.add_argument("--sheets", type=Path, help="folder of contact sheets")


def run(arguments: argparse.Namespace) -> int:
    """Generate every case and print the table."""
    from ext_models.evaluation.contact_sheets import draw_sheets
    from ext_models.generation.pipeline import MotionPipeline
    from ext_models.lab.pose_timing import cases_of, measure, table

    pipeline = MotionPipeline.from_pack(arguments.pack, arguments.device)
    sampling = sampling_of(arguments, variations=1)
    cases = cases_of(arguments.data, sampling, pipeline.manifest.fps, arguments.only)
    rows, motions = measure(pipeline, cases)
    print(table(rows))
    if arguments.sheets:
        draw_sheets(motions, arguments.sheets)
    return 0

"""``caption``: says what a motion clip shows."""

from __future__ import annotations

import argparse
from pathlib import Path

from motiongpt_blender.core.body.motion import MotionClip

from .options import UNRANKED, add_device, add_pack, add_sampling, sampling_of


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the options."""
    parser.add_argument("clip", type=Path, help="a clip.npz")
    add_sampling(parser, UNRANKED, temperature=0.0)
    add_pack(parser)
    add_device(parser)


def run(arguments: argparse.Namespace) -> int:
    """Print the captions, one a line."""
    sampling = sampling_of(arguments, candidates=1)
    clip = MotionClip.load(arguments.clip)
    from ext_models.generation.pipeline import MotionPipeline

    pipeline = MotionPipeline.from_pack(arguments.pack, arguments.device)
    print("\n".join(pipeline.caption(clip, sampling)))
    return 0

"""``serve``: answers requests on standard input. Blender starts this command."""

from __future__ import annotations

import argparse
import os
from functools import partial
from typing import TYPE_CHECKING

from ext_models import __version__, packs
from motiongpt_blender.wire import PROTOCOL, Hello

from .options import add_device, add_pack

if TYPE_CHECKING:
    from ext_models.generation.request import Pipeline


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the options."""
    add_pack(parser)
    add_device(parser)
    parser.add_argument("--fake", action="store_true", help="no model: for tests of the interface")


def run(arguments: argparse.Namespace) -> int:
    """Greet at once, then load the model and answer until standard input ends."""
    from ext_models.serving import server

    if arguments.fake:
        from ext_models.serving.fake import FakePipeline

        return server.serve(_hello("fake (no model)", "none", 20.0, 196), FakePipeline)
    manifest = packs.read_manifest(arguments.pack)

    def load(device: str) -> Pipeline:
        from ext_models.generation.pipeline import MotionPipeline

        return MotionPipeline.from_pack(arguments.pack, device)

    on_cpu = None if arguments.device == "cpu" else partial(load, "cpu")
    hello = _hello("motiongpt", manifest.name, manifest.fps, manifest.max_frames)
    return server.serve(hello, partial(load, arguments.device), on_cpu)


def _hello(backend: str, pack: str, fps: float, max_frames: int) -> Hello:
    return Hello(PROTOCOL, backend, __version__, os.getpid(), pack, fps, max_frames)

"""``python -m tests.support.measure.first_take``: from Generate to keys, cold and warm.

Blender as a module, the sample character, the default pack in a process of its own on the
processor. Cold begins without a process, warm repeats the request with the next seed. Prints the
sizes of the extension's zip and of the environment, too.
"""

from __future__ import annotations

import argparse
import os
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path

import bpy

import build
from motiongpt_blender import paths, registration
from motiongpt_blender.core.progress_lines import bytes_in
from motiongpt_blender.demo.command import exit_now, run_command
from tests.support.session import Panel, asked


def main(argv: Sequence[str] | None = None) -> int:
    """Measure; returns the exit status."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--warm", type=int, default=3, help="requests after the first one (3)")
    options = parser.parse_args(argv)
    return run_command("first_take", lambda: _run(options.warm))


def _run(warm: int) -> int:
    os.environ.setdefault("MOTIONGPT_PYTHON", sys.executable)
    with tempfile.TemporaryDirectory() as folder:
        size = build.package(Path(folder)).stat().st_size
    print(f"extension: {size / 1e6:.0f} MB with the packs {', '.join(_carried())}")
    print(f"environment: {bytes_in(Path(sys.prefix)) / 1e9:.1f} GB ({sys.prefix})")
    bpy.ops.wm.read_factory_settings(use_empty=True)
    registration.register()
    bpy.ops.motiongpt.add_sample_character()
    asked().prompt = "a person walks forward"
    for count in range(1 + warm):
        asked().seed = count
        print(f"{'warm' if count else 'cold'}: {_seconds_of_a_take():.1f} s", flush=True)
    return 0


def _carried() -> list[str]:
    return [folder.name for folder in build._packs(build.ROOT, non_commercial=False)]


def _seconds_of_a_take() -> float:
    panel = Panel()
    bpy.ops.motiongpt.generate()
    panel.wait()
    if panel.failed:
        raise SystemExit(panel.message)
    assert paths.DEFAULT_PACK.is_dir()
    return float(panel.seconds["total"])


if __name__ == "__main__":
    exit_now(main())

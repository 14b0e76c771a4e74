"""``python -m tests.support.measure.killed_set_up``: Set Up, killed at random moments.

Tiny wheels stand for the pinned packages. A stage begins when its first words are heard and ends
with those of the next; the kill comes at a random moment of it. After each kill Set Up runs again,
and must end with an environment that has its packages.
"""

from __future__ import annotations

import argparse
import os
import random
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Final

from motiongpt_blender.backend.child_task import ChildTask, Phase, set_up
from motiongpt_blender.backend.setup.environment_folder import OUTSIDE
from motiongpt_blender.demo.command import run_command
from tests.support.wheels import make_wheel

ROOT: Final = Path(__file__).resolve().parents[3]
PINS: Final = """
[dependency-groups]
torch = ["torchlike==1.0"]
backend = ["tiny==2.0"]
[tool.motiongpt]
download-megabytes = { torch = 1, torch-gpu = 1, backend = 1 }
matrix = {}
"""
#: The beginning of what is said when a stage begins.
STAGES: Final = {
    "environment": "Making",
    "PyTorch": "Installing PyTorch",
    "packages": "Installing the model's packages",
}


def main(argv: Sequence[str] | None = None) -> int:
    """Kill and go on; returns 1 if a second run failed."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--kills", type=int, default=10, help="kills of each stage (10)")
    parser.add_argument("--seed", type=int, default=0)
    options = parser.parse_args(argv)
    return run_command("killed_set_up", lambda: _run(options.kills, random.Random(options.seed)))


def _run(kills: int, chance: random.Random) -> int:
    failed = 0
    with tempfile.TemporaryDirectory() as there:
        extension = _extension(Path(there))
        spans = _spans(extension, Path(there) / "first")
        for stage, seconds in spans.items():
            good = [
                _kill_and_go_on(extension, Path(there) / "again", stage, chance.uniform(0, seconds))
                for _ in range(kills)
            ]
            failed += good.count(False)
            print(f"{stage} ({seconds:.1f} s): {sum(good)} of {len(good)} went on", flush=True)
    return int(failed > 0)


def _extension(there: Path) -> Path:
    """The extension's folder in small, with tiny wheels as all that pip finds."""
    wheels, extension = there / "wheels", there / "extension"
    wheels.mkdir()
    extension.mkdir()
    make_wheel(wheels, "torchlike", "1.0+cpu")
    make_wheel(wheels, "tiny", "2.0")
    os.environ.update(PIP_NO_INDEX="1", PIP_FIND_LINKS=str(wheels), PIP_CONFIG_FILE=os.devnull)
    (extension / "motiongpt_blender").symlink_to(ROOT / "motiongpt_blender")
    (extension / "pyproject.toml").write_text(PINS)
    return extension


def _begin(extension: Path, folder: Path) -> ChildTask:
    return set_up(Path(OUTSIDE), extension, folder)


def _wait_for(task: ChildTask, words: str) -> None:
    """Wait until a task says something that begins so, or has ended."""
    while task.progress.phase is Phase.RUNNING and not task.progress.text.startswith(words):
        time.sleep(0.005)


def _spans(extension: Path, folder: Path) -> dict[str, float]:
    """Seconds that each stage takes, of a run that nobody disturbs."""
    task, begun = _begin(extension, folder), dict[str, float]()
    while task.progress.phase is Phase.RUNNING:
        for stage, words in STAGES.items():
            if task.progress.text.startswith(words):
                begun.setdefault(stage, time.monotonic())
        time.sleep(0.005)
    assert task.progress.phase is Phase.DONE, task.progress.text
    assert begun.keys() == STAGES.keys(), f"only {list(begun)} were heard"
    ends = [*list(begun.values())[1:], time.monotonic()]
    return {stage: end - begun[stage] for stage, end in zip(begun, ends, strict=True)}


def _kill_and_go_on(extension: Path, folder: Path, stage: str, seconds: float) -> bool:
    """Kill Set Up so long after a stage began; whether the next run makes the environment."""
    shutil.rmtree(folder, ignore_errors=True)
    first = _begin(extension, folder)
    _wait_for(first, STAGES[stage])
    time.sleep(seconds)
    first.cancel()
    first.wait()
    second = _begin(extension, folder)
    second.wait()
    if second.progress.phase is not Phase.DONE:
        print(f"  {stage}, after {seconds:.2f} s: {second.progress.text}")
        return False
    made = [str(second.progress.made), "-c", "import torchlike, tiny"]
    return subprocess.run(made, check=False, capture_output=True).returncode == 0


if __name__ == "__main__":
    sys.exit(main())

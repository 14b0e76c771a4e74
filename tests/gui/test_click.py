"""A windowed Blender, a click on Generate, a character that moves."""

import os
import subprocess
from pathlib import Path

import pytest

from tests import blenders

SCRIPT = Path(__file__).with_name("click_generate.py")
BLENDERS = blenders.commands()


@pytest.mark.parametrize("blender", sorted(BLENDERS) or [None])
def test_click_generate(blender, tmp_path):
    if blender is None:
        pytest.skip(blenders.NONE_HERE)
    (tmp_path / "blender").mkdir()
    environment = {**os.environ, "BLENDER_USER_RESOURCES": str(tmp_path / "blender")}
    options = ["--factory-startup", "--enable-event-simulate", "--window-geometry"]
    command = [*BLENDERS[blender], *options, "0", "0", "1600", "1000", "--python", str(SCRIPT)]
    log = tmp_path / "log.txt"
    # Into a file: the virtual screen that the tool may start would keep a pipe open.
    with log.open("w") as out:
        done = subprocess.run(
            [*command, "--", "--fake"],
            env=environment,
            stdin=subprocess.DEVNULL,
            stdout=out,
            stderr=subprocess.STDOUT,
            timeout=500,
            cwd=blenders.ROOT,
        )
    text = log.read_text(errors="replace")
    assert done.returncode == 0, text
    assert text.rstrip().endswith("OK"), text

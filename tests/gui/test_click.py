"""A windowed Blender, a click on Generate, a character that moves."""

import os
import shutil
import subprocess
from pathlib import Path

import pytest

from tests import blenders

SCRIPT = Path(__file__).with_name("click_generate.py")
BLENDERS = blenders.commands()


@pytest.fixture(scope="module")
def screen():
    """Settings of a virtual screen of our own: one found standing may belong to nobody."""
    tool = shutil.which("Xvfb")
    if tool is None:
        yield {}
        return
    ours, theirs = os.pipe()
    command = [tool, "-displayfd", str(theirs), "-screen", "0", "1600x1000x24", "+extension", "GLX"]
    quiet = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}
    with subprocess.Popen(command, pass_fds=[theirs], **quiet) as server:
        os.close(theirs)
        with os.fdopen(ours) as answer:
            number = answer.readline().strip()
        yield {"DISPLAY": f":{number}"} if number else {}
        server.terminate()


@pytest.mark.parametrize("blender", sorted(BLENDERS) or [None])
def test_click_generate(blender, tmp_path, screen):
    if blender is None:
        pytest.skip(blenders.NONE_HERE)
    checkout = blenders.copy_of_checkout(tmp_path)
    script = checkout / SCRIPT.relative_to(blenders.ROOT)
    options = ["--factory-startup", "--enable-event-simulate", "--window-geometry"]
    command = [*options, "0", "0", "1600", "1000", "--python", script, "--", "--fake"]
    status, text = blenders.run(blender, *command, folder=tmp_path, timeout=500, **screen)
    assert status == 0, text
    assert text.rstrip().endswith("OK"), text

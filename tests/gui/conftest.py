"""A virtual screen, and stories that run in a windowed Blender on it."""

import os
import shutil
import subprocess
from pathlib import Path

import pytest

from tests import blenders

HERE = Path(__file__).parent.relative_to(blenders.ROOT)
PACKS = Path("ext_models", "model_packs")
#: Seconds after which a Blender is stuck; a story that waits in vain ends itself before.
LIMIT = 300
WINDOW = ("--window-geometry", "0", "0", "1000", "1000")


@pytest.fixture(scope="session")
def screen():
    """Settings of a virtual screen of our own: one found standing may belong to nobody."""
    tool = shutil.which("Xvfb")
    if tool is None:
        yield {}
        return
    ours, theirs = os.pipe()
    command = [tool, "-displayfd", str(theirs), "-screen", "0", "1000x1000x24", "+extension", "GLX"]
    quiet = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}
    with subprocess.Popen(command, pass_fds=[theirs], **quiet) as server:
        os.close(theirs)
        with os.fdopen(ours) as answer:
            number = answer.readline().strip()
        yield {"DISPLAY": f":{number}"} if number else {}
        server.terminate()


@pytest.fixture(params=sorted(blenders.commands()) or [None])
def play(request, tmp_path, screen):
    """Run a story of this folder in each Blender until it says OK: ``play(FILE, *words)``.

    The add-on of the story has no packs but those that are named.
    """
    if request.param is None:
        pytest.skip(blenders.NONE_HERE)

    def run(script, *words, packs=(), timeout=LIMIT):
        copy = blenders.copy_of_checkout(tmp_path)
        story = copy / HERE / script
        for pack in packs:
            shutil.copytree(blenders.ROOT / PACKS / pack, copy / PACKS / pack)
        options = ["--factory-startup", "--enable-event-simulate", *WINDOW, "--python", story]
        status, text = blenders.run(
            request.param, *options, "--", *words, folder=tmp_path, timeout=timeout, **screen
        )
        assert status == 0, text
        assert text.rstrip().endswith("OK"), text

    return run

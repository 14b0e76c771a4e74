"""A windowed Blender, clicks in the panel Sequence."""

from pathlib import Path

import pytest
from test_click import screen  # noqa: F401 - the virtual screen of the module beside

from tests import blenders

SCRIPT = Path(__file__).with_name("sequence_panel.py")
BLENDERS = blenders.commands()


@pytest.mark.parametrize("blender", sorted(BLENDERS) or [None])
def test_three_blocks_are_added_and_made(blender, tmp_path, screen):  # noqa: F811
    if blender is None:
        pytest.skip(blenders.NONE_HERE)
    checkout = blenders.copy_of_checkout(tmp_path)
    script = checkout / SCRIPT.relative_to(blenders.ROOT)
    options = ["--factory-startup", "--enable-event-simulate", "--window-geometry"]
    command = [*options, "0", "0", "1600", "1000", "--python", script]
    status, text = blenders.run(blender, *command, folder=tmp_path, timeout=600, **screen)
    assert status == 0, text
    assert text.rstrip().endswith("OK"), text

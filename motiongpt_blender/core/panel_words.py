"""Sentences that were written for the panel, said where there is no panel."""

from __future__ import annotations

import re
from typing import Final

#: What the panel says -> what is said in a terminal.
_INSTEAD: Final = (
    (r"press Generate( again| to start it again| to try again)?", "run the same command again"),
    (
        r"press Set Up in the panel, or name a Python in the add-on's preferences",
        "run bpy.ops.motiongpt.set_up() or press Set Up in a Blender with a window, or name the "
        "Python of its environment in MOTIONGPT_PYTHON",
    ),
    (r"press Fetch Model in the panel", "fetch it with python -m ext_models bases fetch"),
    (r"choose its folder in the add-on's preferences", "name the folder of one"),
)
_NOTHING: Final = "The model's process was stopped: run the same command again."


def for_the_terminal(sentence: str) -> str:
    """A sentence of the panel, in whose place there is no button to press."""
    for panel, terminal in _INSTEAD:
        sentence = re.sub(panel, terminal, sentence)
    return sentence or _NOTHING

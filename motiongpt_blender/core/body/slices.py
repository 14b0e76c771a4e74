"""Work in slices: generators that hand back after each of them, and give their result at the end.

Blender has one thread for windows and add-ons. What lasts longer than a frame of the screen is
written as a generator, so that whoever runs it decides what happens between two slices.
"""

from __future__ import annotations

from collections.abc import Generator
from typing import TypeVar

Result = TypeVar("Result")


def run_to_end(steps: Generator[None, None, Result]) -> Result:
    """All slices on end; returns what they lead to."""
    while True:
        try:
            next(steps)
        except StopIteration as end:
            result: Result = end.value
            return result

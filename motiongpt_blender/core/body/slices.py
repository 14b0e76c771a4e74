"""Work in slices: generators that yield between them and return their result at the end.

Blender has one thread for windows and add-ons. Work that takes longer than a redraw of the
screen is a generator, so that its caller decides what happens between two slices.
"""

from __future__ import annotations

from collections.abc import Generator
from typing import TypeVar

Result = TypeVar("Result")


def run_to_end(slices: Generator[None, None, Result]) -> Result:
    """Run all slices at once; returns their result."""
    while True:
        try:
            next(slices)
        except StopIteration as end:
            result: Result = end.value
            return result


def pause() -> Generator[None, None, None]:
    """A slice that does nothing: what comes next is a slice of its own."""
    yield

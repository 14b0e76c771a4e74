"""How long the stages of a take last, without Blender's own work between its slices."""

from __future__ import annotations

import time
from collections.abc import Generator, Iterator
from contextlib import contextmanager
from typing import TypeVar

_Result = TypeVar("_Result")


class Stopwatch:
    """Time spent in named stages."""

    def __init__(self) -> None:
        self.seconds: dict[str, float] = {}
        self._idle = 0.0

    @contextmanager
    def stage(self, name: str) -> Iterator[None]:
        """The time spent within is that of the named stage."""
        began = time.perf_counter()
        self._idle = 0.0
        yield
        self.seconds[name] = time.perf_counter() - began - self._idle

    def paused(self, steps: Generator[None, None, _Result]) -> Generator[None, None, _Result]:
        """The same steps, the time between two of them left out of the stage."""
        while True:
            try:
                next(steps)
            except StopIteration as end:
                return end.value
            began = time.perf_counter()
            yield
            self._idle += time.perf_counter() - began

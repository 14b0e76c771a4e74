"""How long the stages of a request take."""

from __future__ import annotations

import time


class Clock:
    """Seconds of named stages."""

    def __init__(self) -> None:
        self.seconds: dict[str, float] = {}
        self._last = time.perf_counter()

    def lap(self, name: str) -> None:
        """End a stage."""
        now = time.perf_counter()
        self.seconds[name] = now - self._last
        self._last = now

"""How long a piece of work still takes, by how fast it went lately."""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Callable
from typing import Final

from .translation import tr

#: Seconds back to which the pace is measured, and those without which there is none.
WINDOW: Final = 30.0
LEAST: Final = 4.0


class TimeLeft:
    """The pace of a share that grows to 1. Its clock never goes backwards."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._seen: deque[tuple[float, float]] = deque()

    def note(self, share: float) -> None:
        """Note how much is done, 0..1."""
        now = self._clock()
        self._seen.append((now, share))
        while len(self._seen) > 2 and now - self._seen[1][0] >= WINDOW:
            self._seen.popleft()

    def seconds(self) -> float | None:
        """Seconds until all is done; None while nobody can know."""
        if not self._seen:
            return None
        (began, first), (_, last) = self._seen[0], self._seen[-1]
        elapsed = self._clock() - began
        if elapsed < LEAST or last <= first:
            return None
        return (1.0 - last) * elapsed / (last - first)


def time_left_text(seconds: float | None) -> str:
    """Seconds in words, as precise as such a guess is; "" where nobody knows."""
    if seconds is None:
        return ""
    if seconds < 60:
        return tr("less than a minute left")
    minutes = round(seconds / 60)
    return tr("1 minute left") if minutes == 1 else tr("{minutes} minutes left", minutes=minutes)

"""What the demo says: plain lines, one progress line, and Blender's own chatter kept away."""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import TracebackType
from typing import Final

_BAR: Final = 24


class Terminal:
    """The terminal, with stdout and stderr of everybody else sent to a log file."""

    def __init__(self, log: Path) -> None:
        self.log = log
        self.seconds: dict[str, float] = {}
        self._out = os.fdopen(os.dup(1), "w", buffering=1, encoding="utf-8", errors="replace")
        self._live = self._out.isatty()
        self._saved = (os.dup(1), os.dup(2))
        self._shown = -1.0

    def __enter__(self) -> Terminal:
        sys.stdout.flush()
        sys.stderr.flush()
        with self.log.open("wb") as file:
            os.dup2(file.fileno(), 1)
            os.dup2(file.fileno(), 2)
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        sys.stdout.flush()
        sys.stderr.flush()
        for number, saved in enumerate(self._saved, start=1):
            os.dup2(saved, number)
            os.close(saved)
        if error is not None and self._live:
            self._out.write("\n")
        self._out.close()

    def say(self, text: str = "") -> None:
        """One line."""
        self._out.write(f"{text}\n")

    @contextmanager
    def stage(self, name: str) -> Iterator[None]:
        """A stage of the work: its name at once, its time when it is done."""
        self._out.write(f"  {name} ..." if self._live else "")
        began = time.perf_counter()
        yield
        self.seconds[name] = time.perf_counter() - began
        clear = "\r\033[K" if self._live else ""
        self._out.write(f"{clear}  {name:<40}{self.seconds[name]:7.1f} s\n")
        self._shown = -1.0

    def progress(self, name: str, fraction: float, note: str = "") -> None:
        """The progress line; where nobody watches, a line every tenth."""
        step = 0.0 if self._live else 0.1
        if fraction < self._shown + step and fraction < 1:
            return
        self._shown = fraction
        full = round(_BAR * fraction)
        line = f"  {name:<12}[{'#' * full}{'.' * (_BAR - full)}] {100 * fraction:3.0f}% {note}"
        self._out.write(f"\r\033[K{line}" if self._live else f"{line}\n")

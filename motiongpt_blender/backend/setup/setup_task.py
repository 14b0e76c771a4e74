"""A set-up under way: the child that makes the environment, seen from Blender.

Standard library only, never imports bpy. Two threads read what the child writes; every question
is answered at once.
"""

from __future__ import annotations

import enum
import json
import os
import signal
import subprocess
import threading
from collections import deque
from contextlib import suppress
from dataclasses import dataclass, replace
from pathlib import Path
from typing import IO, Any, Final

from ...core.systems import child_options

#: What the child runs.
MODULE: Final = "motiongpt_blender.backend.setup"
#: Lines of the installers that are kept to explain a child that died.
KEPT_LINES: Final = 40


class Phase(enum.Enum):
    """How far a set-up is."""

    RUNNING = "running"
    DONE = "done"
    FAILED = "failed"
    CANCELLED = "cancelled"


@dataclass(frozen=True)
class Progress:
    """What a set-up says of itself.

    Attributes:
        phase: how far it is.
        text: what happens, or the sentence with which it ended.
        fraction: of the bytes that are written in the end.
        python: of the environment, once it is done.
    """

    phase: Phase = Phase.RUNNING
    text: str = "Starting ..."
    fraction: float = 0.0
    python: Path | None = None


class SetupTask:
    """Makes an environment in the background. What was killed goes on with the next task."""

    def __init__(self, base: Path, root: Path, folder: Path) -> None:
        """Start it.

        Args:
            base: the Python that makes the environment.
            root: folder that holds the package ``motiongpt_blender`` and ``pyproject.toml``.
            folder: the environment.
        """
        self.folder = folder
        self._progress = Progress()
        self._last: deque[str] = deque(maxlen=KEPT_LINES)
        self._child = subprocess.Popen(
            [str(base), "-s", "-m", MODULE, str(folder), str(root / "pyproject.toml")],
            cwd=root,
            env=_environment(root),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            encoding="utf-8",
            errors="replace",
            **child_options(own_group=True),
        )
        self._errors = threading.Thread(target=self._read_errors, daemon=True)
        self._errors.start()
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()

    @property
    def progress(self) -> Progress:
        """Its state at this moment."""
        return self._progress

    def wait(self) -> None:
        """Return when it has ended."""
        self._reader.join()

    def cancel(self) -> None:
        """End it and everything it started; what is downloaded so far is not lost."""
        if self._progress.phase is Phase.RUNNING:
            text = "Set-up was stopped; it goes on from here."
            self._progress = replace(self._progress, phase=Phase.CANCELLED, text=text)
        if self._child.poll() is None:
            with suppress(OSError):
                if os.name == "nt":
                    subprocess.run(
                        ["taskkill", "/F", "/T", "/PID", str(self._child.pid)],
                        check=False,
                        capture_output=True,
                        **child_options(),
                    )
                else:
                    os.killpg(self._child.pid, signal.SIGKILL)
            with suppress(subprocess.TimeoutExpired):
                self._child.wait(2.0)

    def _read(self) -> None:
        with _pipe(self._child.stdout) as stream:
            for line in stream:
                with suppress(ValueError):
                    self._hear(json.loads(line))
        self._errors.join(2.0)
        self._child.wait()
        if self._progress.phase is Phase.RUNNING:
            last = next((line for line in reversed(self._last) if line.strip()), "it said nothing")
            self._end(Phase.FAILED, f"Set-up stopped ({last.strip()[:200]}): press Set Up again.")

    def _read_errors(self) -> None:
        with _pipe(self._child.stderr) as stream:
            self._last.extend(stream)

    def _hear(self, message: dict[str, Any]) -> None:
        if self._progress.phase is not Phase.RUNNING:
            return
        if "says" in message:
            self._progress = replace(self._progress, text=str(message["says"]))
        elif "fraction" in message:
            fraction = max(self._progress.fraction, float(message["fraction"]))
            self._progress = replace(self._progress, fraction=fraction)
        elif "done" in message:
            self._progress = Progress(
                Phase.DONE, "The model is set up.", 1.0, Path(message["done"])
            )
        elif "failed" in message:
            self._end(Phase.FAILED, str(message["failed"]))

    def _end(self, phase: Phase, text: str) -> None:
        self._progress = replace(self._progress, phase=phase, text=text)


def _environment(root: Path) -> dict[str, str]:
    """Ours, without variables that would change the child's Python."""
    kept = {
        k: v for k, v in os.environ.items() if not k.startswith("PYTHON") and k != "VIRTUAL_ENV"
    }
    return {**kept, "PYTHONPATH": str(root), "PYTHONNOUSERSITE": "1", "PYTHONUTF8": "1"}


def _pipe(stream: IO[str] | None) -> IO[str]:
    assert stream is not None, "both outputs are pipes"
    return stream

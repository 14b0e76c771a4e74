"""One child process that speaks the wire protocol, seen from Blender.

Every pipe has a thread of its own, so that no child can block the caller, whether it is
silent, writes too much or hangs: ``send``, ``events`` and ``kill`` return at once. Each thread
closes its pipe and ends with the child.
Knows nothing of jobs; never imports bpy.
"""

from __future__ import annotations

import contextlib
import logging
import os
import queue
import re
import signal
import subprocess
import sys
import threading
from collections import deque
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any, Final, TypeAlias

from .. import wire
from ..core.systems import MACOS, child_options
from ..core.translation import tr

#: Lines of the child's stderr that are kept to explain a crash.
STDERR_LINES: Final = 60
#: Messages that may wait here before the child is made to wait.
QUEUE_SIZE: Final = 2000
#: A line of a progress bar, which explains nothing.
_PROGRESS_BAR: Final = re.compile(r"\d+%\|")


_log = logging.getLogger(__name__)


class LaunchError(RuntimeError):
    """The process could not be started; the message is one sentence for the user."""


@dataclass(frozen=True)
class Launch:
    """How to start the model's process.

    Attributes:
        python: the Python of the backend's environment.
        root: folder that holds the packages ``ext_models`` and ``motiongpt_blender``.
        pack: model pack folder.
        device: ``auto``, ``cpu``, ``cuda`` or ``mps``.
        fake: start the fake model of the interface tests instead.
    """

    python: Path
    root: Path
    pack: Path
    device: str = "auto"
    fake: bool = False

    def command(self) -> list[str]:
        """The command line."""
        serve = ["serve", "--pack", str(self.pack), "--device", self.device]
        # -s: packages of the user's own site folder must not shadow the environment's.
        return [str(self.python), "-s", "-m", "ext_models", *serve, *["--fake"] * self.fake]

    def environment(self, system: str = sys.platform) -> dict[str, str]:
        """The child's environment: ours, without variables that would change its Python."""
        kept = {
            name: value
            for name, value in os.environ.items()
            if not name.startswith("PYTHON") and name != "VIRTUAL_ENV"
        }
        if system == MACOS:  # the processor does what Apple's GPU lacks
            kept["PYTORCH_ENABLE_MPS_FALLBACK"] = "1"
        return {**kept, "PYTHONPATH": str(self.root), "PYTHONUTF8": "1"}


@dataclass(frozen=True)
class Garbage:
    """The child wrote a line that is not a message of the protocol."""

    reason: str


@dataclass(frozen=True)
class Exited:
    """The child ended.

    Attributes:
        code: exit status; negative for a signal on Linux and macOS.
        stderr: the last lines that it wrote to stderr.
    """

    code: int
    stderr: str


Event: TypeAlias = wire.Message | Garbage | Exited


class BackendProcess:
    """A running child. After ``Exited`` no further event comes."""

    def __init__(self, launch: Launch) -> None:
        """Start it; raises LaunchError with a sentence."""
        self._child = _spawn(launch)
        self._events: queue.Queue[Event] = queue.Queue(QUEUE_SIZE)
        self._outbox: queue.SimpleQueue[str | None] = queue.SimpleQueue()
        self._stderr: deque[str] = deque(maxlen=STDERR_LINES)
        self._abandoned = False
        self._stderr_thread = self._thread(self._read_stderr)
        self._thread(self._read_stdout)
        self._thread(self._write_stdin)

    @property
    def pid(self) -> int:
        """Process id of the child."""
        return self._child.pid

    def alive(self) -> bool:
        """Whether the child still runs."""
        return self._child.poll() is None

    def send(self, request: wire.Request) -> None:
        """Hand a request to the writer; a child that is gone is reported by ``Exited``."""
        self._outbox.put(wire.encode(request))

    def events(self, limit: int = 500) -> Iterator[Event]:
        """What has arrived, without waiting; at most ``limit`` events."""
        for _ in range(limit):
            try:
                yield self._events.get_nowait()
            except queue.Empty:
                return

    def close(self) -> None:
        """Ask the child to finish by closing its stdin."""
        self._outbox.put(None)

    def kill(self, grace: float = 0.0) -> None:
        """End the child and its own children.

        Args:
            grace: seconds that it gets to finish after a polite signal.
        """
        self._abandoned = True
        self.close()  # the writer waits for nothing more
        if grace and self.alive():
            _signal(self._child, politely=True)
            with contextlib.suppress(subprocess.TimeoutExpired):
                self._child.wait(grace)
        _signal(self._child, politely=False)
        # A killed process ends at once, unless it hangs in a driver: do not wait for it.
        with contextlib.suppress(subprocess.TimeoutExpired):
            self._child.wait(1.0)

    def shutdown(self, grace: float = 2.0) -> None:
        """Close, wait a moment, then kill what is left."""
        self.close()
        with contextlib.suppress(subprocess.TimeoutExpired):
            self._child.wait(grace)
        self.kill()

    # --- the threads ---------------------------------------------------------------

    def _thread(self, run: Callable[[], None]) -> threading.Thread:
        thread = threading.Thread(target=run, daemon=True, name="motiongpt-backend")
        thread.start()
        return thread

    def _put(self, event: Event) -> None:
        while not self._abandoned:
            try:
                return self._events.put(event, timeout=0.2)
            except queue.Full:
                continue
        return None

    def _read_stdout(self) -> None:
        with contextlib.suppress(OSError, ValueError), _pipe(self._child.stdout) as stream:
            # Bounded, so that a line without an end cannot fill the memory.
            while line := stream.readline(wire.MAX_LINE + 1):
                self._put(_event(line))
        code = self._wait_after_eof()
        self._stderr_thread.join(1.0)
        self.close()
        self._put(Exited(code, "".join(self._stderr)))

    def _wait_after_eof(self) -> int:
        """Exit status of a child whose stdout ended; without stdout it is of no more use."""
        try:
            return self._child.wait(2.0)
        except subprocess.TimeoutExpired:
            _signal(self._child, politely=False)
            return self._child.wait()

    def _read_stderr(self) -> None:
        with contextlib.suppress(OSError, ValueError), _pipe(self._child.stderr) as stream:
            while line := stream.readline(2000):
                if not _PROGRESS_BAR.search(line):
                    self._stderr.append(line)
                    _log.info("%s", line.rstrip())

    def _write_stdin(self) -> None:
        stream = _pipe(self._child.stdin)
        with contextlib.suppress(OSError, ValueError):
            while (line := self._outbox.get()) is not None:
                stream.write(line)
                stream.flush()
        with contextlib.suppress(OSError, ValueError):
            stream.close()


def _spawn(launch: Launch) -> subprocess.Popen[str]:
    try:
        return subprocess.Popen(
            launch.command(),
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            cwd=launch.root,
            env=launch.environment(),
            encoding="utf-8",
            errors="replace",
            **child_options(own_group=True),
        )
    except OSError as error:
        reason = error.strerror or type(error).__name__
        raise LaunchError(
            tr(
                "The backend Python {python} cannot be started ({reason}): choose "
                "another one in the add-on's preferences.",
                python=launch.python,
                reason=reason,
            )
        ) from None


def _pipe(stream: IO[Any] | None) -> IO[Any]:
    assert stream is not None  # all three are pipes
    return stream


def _event(line: str) -> Event:
    try:
        return wire.decode(line)
    except wire.WireError as error:
        return Garbage(str(error))


def _signal(child: subprocess.Popen[str], *, politely: bool) -> None:
    """Signal the child's whole group, where the system has groups."""
    if child.poll() is not None:
        return  # its process id may belong to another process by now
    with contextlib.suppress(OSError):
        if sys.platform == "win32":
            child.terminate()
        else:
            # The child leads its own group, so this also ends what it has started.
            os.killpg(child.pid, signal.SIGTERM if politely else signal.SIGKILL)

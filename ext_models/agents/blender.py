"""A Blender without a window, as the agents' server talks to it: one call, one answer.

It is a child of the server, and ends with it. What it can be asked for stands in the add-on's
``command_line/service.py``; there is no call that runs code. Standard library only.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any, Final

from motiongpt_blender.core.systems import child_options

from ..errors import PipelineError

#: Folder that holds both packages.
ROOT: Final = Path(__file__).resolve().parents[2]
#: Seconds in which Blender ends by itself once nothing more is asked.
GRACE: Final = 5.0

#: Told of the share of a call that is done, and of what is being done.
OnProgress = Callable[[float, str], None]


class CallError(PipelineError):
    """A call that was refused, or that Blender did not survive; the message is one sentence."""


def command_of(blender: str, folder: Path, *, fake: bool = False) -> list[str]:
    """How a Blender is started that answers: a program, or a Python with Blender as a module.

    Raises:
        PipelineError: when there is none of this name.
    """
    program = shutil.which(blender)
    if program is None:
        raise PipelineError(f"There is no Blender '{blender}': name its program with --blender.")
    words = ["serve", "--folder", str(folder), *(["--fake"] if fake else [])]
    if Path(program).stem.lower().startswith("python"):
        return [program, "-m", "motiongpt_blender", *words]
    return [program, "-b", "--disable-autoexec", "--command", "motiongpt", *words]


class BlenderChild:
    """The child; it is started with the first call, and anew after it has died."""

    def __init__(self, command: list[str]) -> None:
        self._command = command
        self._child: subprocess.Popen[str] | None = None
        self._count = 0

    def call(self, name: str, arguments: dict[str, Any], on_progress: OnProgress) -> Any:
        """Ask for something and wait.

        Raises:
            CallError: when it is refused, or Blender has ended.
        """
        child = self._running()
        self._count += 1
        try:
            self._write(child, {"id": self._count, "call": name, "arguments": arguments})
            while (answer := self._read(child)).get("id") != self._count:
                if "progress" in answer:
                    on_progress(float(answer["progress"]), str(answer.get("text", "")))
        except (OSError, EOFError):
            raise self._ended("in the middle of the work") from None
        if "error" in answer:
            raise CallError(str(answer["error"]))
        return answer.get("result")

    def close(self) -> None:
        """End it."""
        child, self._child = self._child, None
        if child is None:
            return
        with suppress(OSError):
            assert child.stdin is not None
            child.stdin.close()
        try:
            child.wait(GRACE)
        except subprocess.TimeoutExpired:
            child.kill()
            child.wait()

    def _running(self) -> subprocess.Popen[str]:
        """The child, started if need be, once it has said that it is ready."""
        if self._child is not None and self._child.poll() is None:
            return self._child
        self.close()
        # The server's own Python runs the model, and finds both packages for a Python as Blender.
        environment = {"MOTIONGPT_PYTHON": sys.executable, **os.environ, "PYTHONPATH": str(ROOT)}
        try:
            self._child = subprocess.Popen(
                self._command,
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                env=environment,
                encoding="utf-8",
                errors="replace",
                **child_options(own_group=True),
            )
        except OSError as error:
            raise CallError(f"{self._command[0]} cannot be started ({error.strerror}).") from None
        try:
            while "ready" not in self._read(self._child):
                pass
        except (OSError, EOFError):
            raise self._ended("at its start: is the extension installed in it?") from None
        return self._child

    def _ended(self, when: str) -> CallError:
        code = self._child.wait() if self._child is not None else 0
        self.close()
        return CallError(
            f"Blender ended {when} (exit code {code}); its log says why. The next call starts it "
            "again, with no file open."
        )

    def _write(self, child: subprocess.Popen[str], message: dict[str, Any]) -> None:
        assert child.stdin is not None
        child.stdin.write(f"{json.dumps(message)}\n")
        child.stdin.flush()

    def _read(self, child: subprocess.Popen[str]) -> dict[str, Any]:
        """The next message; what Blender says besides goes on to the log. Raises EOFError."""
        assert child.stdout is not None
        while line := child.stdout.readline():
            with suppress(ValueError):
                message = json.loads(line)
                if isinstance(message, dict):
                    return message
            sys.stderr.write(line)
        raise EOFError

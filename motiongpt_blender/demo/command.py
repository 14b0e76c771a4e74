"""How a command of the checkout runs and ends: errors as one sentence, Blender left at once."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable
from typing import NoReturn

from ..core.body.motion import MotionError
from ..core.timeline.plan import PlanError


class CommandError(RuntimeError):
    """A command cannot go on; the message is one sentence for the person who started it."""


def run_command(name: str, run: Callable[[], int]) -> int:
    """Run a command and return its exit status; an error that a person can mend is a sentence."""
    try:
        return run()
    except KeyboardInterrupt:
        print(f"\n{name}: stopped.", file=sys.stderr)
        return 130
    except Exception as error:
        sentence = _sentence(error)
        if not sentence:
            raise
        print(f"{name}: {sentence}", file=sys.stderr)
        return 1


def _sentence(error: Exception) -> str:
    """The sentence of an error that a person can do something about, else ""."""
    if isinstance(error, CommandError | PlanError | MotionError):
        return str(error)
    if isinstance(error, ModuleNotFoundError) and error.name in ("bpy", "PIL"):
        return (
            f"The Python package '{error.name}' is missing: run 'python build.py demo', which "
            "installs it."
        )
    if isinstance(error, OSError) and error.strerror:
        where = f"{error.filename}: " if error.filename else ""
        return f"{where}{error.strerror}: make room, or name another folder with --out."
    return ""


def exit_now(status: int) -> NoReturn:
    """End the process at once: Blender as a module does not always shut down in good order."""
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(status)

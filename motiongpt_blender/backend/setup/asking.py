"""A program is run to its end, and what it says is heard. Standard library only."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Mapping, Sequence
from pathlib import Path

from ...core.systems import child_options


def ask(
    command: Sequence[str | Path],
    environment: Mapping[str, str] | None = None,
    timeout: float | None = None,
) -> subprocess.CompletedProcess[str]:
    """Run a program and return what it wrote; no window opens, and no text is unreadable.

    Args:
        command: the program and its arguments, none of which a shell reads.
        environment: its variables; None: ours.
        timeout: seconds.

    Raises:
        OSError: when it does not start.
        subprocess.TimeoutExpired: when it does not end.
    """
    variables = os.environ if environment is None else environment
    return subprocess.run(
        [str(word) for word in command],
        check=False,
        capture_output=True,
        encoding="utf-8",
        errors="replace",
        timeout=timeout,
        env={**variables, "PYTHONUTF8": "1"},
        **child_options(),
    )

"""Logging of the command line and of the model process; each calls ``set_up`` once.

Library code never prints: a module takes ``logging.getLogger(__name__)`` and tells progress
with ``info``, what a user should know with ``warning``, and details with ``debug``. Only the
modules of ``commands/`` print, and only the result that the user asked for. Standard output
of the model process belongs to its protocol, so every message goes to standard error.
"""

from __future__ import annotations

import contextlib
import logging
import sys
from typing import Final

#: The logger above all of this package's loggers.
ROOT: Final = "ext_models"

_VERBOSE: Final = "%(asctime)s %(levelname)s %(name)s: %(message)s"


def set_up(*, verbose: bool = False) -> None:
    """Send this package's messages to standard error; a second call replaces the first.

    Args:
        verbose: also show details, each message with its time, level and module.
    """
    handler = _BesideProgressBars()
    handler.setFormatter(logging.Formatter(_VERBOSE) if verbose else _Plain())
    logger = logging.getLogger(ROOT)
    logger.handlers[:] = [handler]
    logger.setLevel(logging.DEBUG if verbose else logging.INFO)
    logger.propagate = False


class _BesideProgressBars(logging.Handler):
    """Writes a message above the progress bars instead of into them."""

    def emit(self, record: logging.LogRecord) -> None:
        try:
            # There are bars only where tqdm was imported; the fake process runs without it.
            tqdm = sys.modules.get("tqdm")
            bars = tqdm.tqdm.external_write_mode(file=sys.stderr) if tqdm else None
            with bars or contextlib.nullcontext():
                print(self.format(record), file=sys.stderr, flush=True)
        except Exception:
            self.handleError(record)


class _Plain(logging.Formatter):
    """The message alone; a warning or an error says that it is one."""

    def format(self, record: logging.LogRecord) -> str:
        message = super().format(record)
        if record.levelno < logging.WARNING:
            return message
        return f"{record.levelname.capitalize()}: {message}"

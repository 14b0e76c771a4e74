"""The error that a command or a request ends with."""

from __future__ import annotations


class PipelineError(RuntimeError):
    """A request cannot be answered; the message is one sentence for the user."""

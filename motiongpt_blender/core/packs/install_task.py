"""A pack's installation in a thread of its own, with progress and a way to stop it."""

from __future__ import annotations

import threading
from collections.abc import Iterable
from pathlib import Path

from ..translation import tr
from .archives import install
from .manifest import PackError


class InstallStoppedError(Exception):
    """The installation was stopped as asked; everything is as it was."""


class InstallTask:
    """One installation under way."""

    def __init__(
        self, source: Path, folder: Path, *, replace: bool = False, shipped: Iterable[str] = ()
    ) -> None:
        """Start it; the arguments are those of ``install``."""
        #: Share that is done, 0..1.
        self.fraction = 0.0
        self._stopping = False
        self._installed: Path | None = None
        self._error: Exception | None = None
        arguments = (source, folder, replace, tuple(shipped))
        self._thread = threading.Thread(target=self._run, args=arguments, daemon=True)
        self._thread.start()

    @property
    def done(self) -> bool:
        """Whether nothing more happens."""
        return not self._thread.is_alive()

    def stop(self) -> None:
        """Stop it within one block of a file."""
        self._stopping = True

    def outcome(self) -> Path:
        """Wait for the end; returns the pack's folder.

        Raises:
            PackError: one sentence.
            InstallStoppedError: after ``stop``.
        """
        self._thread.join()
        if self._error is not None:
            raise self._error
        assert self._installed is not None
        return self._installed

    def _run(self, source: Path, folder: Path, replace: bool, shipped: tuple[str, ...]) -> None:
        try:
            self._installed = install(
                source, folder, replace=replace, shipped=shipped, progress=self._progress
            )
        except (PackError, InstallStoppedError) as error:
            self._error = error
        except Exception as error:  # a thread's errors reach nobody
            reason = " ".join(f"{type(error).__name__}: {error}".split())[:200]
            self._error = PackError(
                tr(
                    "{source} cannot be installed ({reason}): download it again.",
                    source=source,
                    reason=reason,
                )
            )

    def _progress(self, share: float) -> None:
        if self._stopping:
            raise InstallStoppedError
        self.fraction = share

"""Packs and bases are removed at once: what is open elsewhere stays. Standard library only."""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import Final

from ..patience import patiently, remove_folder
from ..translation import tr
from .manifest import PackError

#: How the name of a folder begins to which another one is moved before its files are removed.
REMOVED: Final = ".removed-"


def remove_whole(target: Path) -> None:
    """Remove a folder; raises PackError, and leaves it as it is, where that cannot be."""
    try:
        aside = Path(tempfile.mkdtemp(prefix=REMOVED, dir=target.parent))
        try:
            patiently(target.rename, aside / target.name)
        finally:
            remove_folder(aside)
    except OSError as error:
        raise PackError(
            tr(
                "{target} cannot be removed ({reason}): close what uses it, then try again.",
                target=target,
                reason=error.strerror,
            )
        ) from None

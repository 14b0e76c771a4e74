"""The prompts that an animator used last, and the favourites: one file a user."""

from __future__ import annotations

import json
import os
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, cast

from .bounded_files import MB, FileError, read_json
from .packs.manifest import data_folder
from .patience import patiently

#: Names the file; for tests.
VARIABLE: Final = "MOTIONGPT_PROMPTS"
#: How many of the last prompts are remembered, and how many favourites at most.
RECENT: Final = 30
FAVOURITES: Final = 100


@dataclass(frozen=True)
class PromptHistory:
    """Prompts, the latest first.

    Attributes:
        recent: those that were used last.
        favourites: those that the animator marked.
    """

    recent: tuple[str, ...] = ()
    favourites: tuple[str, ...] = ()

    def used(self, prompt: str) -> PromptHistory:
        """The history after a prompt was used."""
        return PromptHistory(_first(prompt, self.recent, RECENT), self.favourites)

    def toggled(self, prompt: str) -> PromptHistory:
        """The history after a prompt was made a favourite, or none any more."""
        if prompt in self.favourites:
            left = tuple(other for other in self.favourites if other != prompt)
        else:
            left = _first(prompt, self.favourites, FAVOURITES)
        return PromptHistory(self.recent, left)

    @property
    def others(self) -> tuple[str, ...]:
        """Recent prompts that are no favourites."""
        return tuple(prompt for prompt in self.recent if prompt not in self.favourites)


def history_file() -> Path:
    """Where the history of this user is."""
    named = os.environ.get(VARIABLE)
    return Path(named) if named else data_folder() / "prompts.json"


def read_history(path: Path) -> PromptHistory:
    """The history in a file; an empty one where there is none that can be read."""
    try:
        body: Any = read_json(path, MB)
    except (OSError, FileError):
        return PromptHistory()
    if not isinstance(body, dict):
        return PromptHistory()
    values = cast("dict[str, Any]", body)
    return PromptHistory(
        _texts(values.get("recent"), RECENT), _texts(values.get("favourites"), FAVOURITES)
    )


def write_history(path: Path, history: PromptHistory) -> None:
    """Write a history, whole or not at all; raises OSError."""
    body = {"recent": history.recent, "favourites": history.favourites}
    path.parent.mkdir(parents=True, exist_ok=True)
    new = path.with_name(f"{path.name}.{os.getpid()}")
    new.write_text(json.dumps(body, ensure_ascii=False, indent=1), encoding="utf-8")
    patiently(new.replace, path)


def _first(prompt: str, others: Iterable[str], most: int) -> tuple[str, ...]:
    return tuple(dict.fromkeys((prompt, *others)))[:most]


def _texts(value: Any, most: int) -> tuple[str, ...]:
    """The texts of a list, each once."""
    if not isinstance(value, list):
        return ()
    texts = (text for text in cast("list[Any]", value) if isinstance(text, str) and text.strip())
    return tuple(dict.fromkeys(texts))[:most]

"""Lists of prompts that no clip was captioned with: compositions, wordings, everyday prompts.

A list is a TOML or JSON file with the array ``prompts``; each has its ``text`` and either
a ``label`` (or ``labels``) of the data's clips that show it, or the ``parts`` that it is
put together of, or the ``action`` by which captions name it. ``read_prompts`` says what is
wrong with a file.
"""

from __future__ import annotations

import json
import tomllib
from collections.abc import Sequence
from dataclasses import dataclass
from enum import Enum
from pathlib import Path
from typing import Any, Final

from ext_models.datasets.examples import Example
from ext_models.errors import PipelineError
from motiongpt_blender.core.timeline.prompts import PromptError, clean_prompt

#: The lists that come with the project.
SHIPPED: Final = Path(__file__).parents[2] / "recipes" / "prompts"


class Composition(Enum):
    """How a composition is put together of its parts."""

    NONE = ""
    STYLE = "style"
    THEN = "then"
    WHILE = "while"


@dataclass(frozen=True)
class Prompt:
    """One prompt of a list.

    Attributes:
        text: what is asked for.
        labels: of the clips that show it; empty when none does, as of compositions.
        parts: contents (or content and style) that it is put together of.
        how: they are put together.
        seconds: how long the motion should be; by default as long as its clips are.
        expect: what a person should see, for whoever looks.
        action: stem of the word by which captions name what is asked for.
        checks: its measurable demands, as ``ext_models.prompt_checks`` writes them.
    """

    text: str
    labels: tuple[str, ...] = ()
    parts: tuple[str, ...] = ()
    how: Composition = Composition.NONE
    seconds: float | None = None
    expect: str = ""
    action: str = ""
    checks: tuple[str, ...] = ()

    def alike(self, label: str) -> bool:
        """Whether a label of the data is one of its parts, or shares action or style with it."""
        named = label_parts(label)
        asked = set(self.parts) | {p for own in self.labels for p in label_parts(own)}
        return label not in self.labels and bool(asked & named)


@dataclass(frozen=True)
class PromptList:
    """A list of prompts and its name."""

    name: str
    prompts: tuple[Prompt, ...]

    def known(self, examples: Sequence[Example]) -> tuple[PromptList, int]:
        """The prompts whose labels or parts some clips have, and how many were left out.

        A prompt that names an action alone is asked of any data.
        """
        labels = {e.label for e in examples}
        parts = {p for label in labels for p in label_parts(label)}
        kept = tuple(
            p
            for p in self.prompts
            if (set(p.labels) & labels if p.labels else set(p.parts) <= parts)
        )
        return PromptList(self.name, kept), len(self.prompts) - len(kept)


def label_parts(label: str) -> set[str]:
    """Action and style of a label: of "walk-left, proud" these two."""
    return {part.strip() for part in label.split(",") if part.strip()}


def read_prompts(path: Path) -> PromptList:
    """Read a list of prompts.

    Raises:
        PipelineError: naming the file, the prompt's number and what is wrong with it.
    """
    try:
        text = path.read_text(encoding="utf-8")
        body = json.loads(text) if path.suffix == ".json" else tomllib.loads(text)
    except FileNotFoundError:
        raise PipelineError(f"{path}: there is no such list of prompts.") from None
    except (OSError, ValueError) as error:
        raise PipelineError(f"{path} is not a readable list of prompts ({error}).") from None
    entries = body.get("prompts") if isinstance(body, dict) else body
    if not isinstance(entries, list) or not entries:
        raise PipelineError(f"{path}: a list of prompts has [[prompts]] tables; there are none.")
    prompts = tuple(_prompt(entry, path, number) for number, entry in enumerate(entries, 1))
    texts = [p.text for p in prompts]
    twice = next((t for t in texts if texts.count(t) > 1), None)
    if twice is not None:
        raise PipelineError(f"{path}: the prompt '{twice}' is there twice: leave one of them out.")
    name = body.get("kind") if isinstance(body, dict) else None
    return PromptList(str(name or path.stem), prompts)


_FIELDS: Final = (
    "text",
    "label",
    "labels",
    "parts",
    "how",
    "seconds",
    "expect",
    "action",
    "checks",
)


def _prompt(entry: Any, path: Path, number: int) -> Prompt:
    where = f"{path}, prompt {number}"
    if not isinstance(entry, dict) or not isinstance(entry.get("text"), str):
        raise PipelineError(f"{where}: it needs a 'text', the sentence that is asked for.")
    strange = next((k for k in entry if k not in _FIELDS), None)
    if strange is not None:
        raise PipelineError(f"{where}: '{strange}' is unknown; known are {', '.join(_FIELDS)}.")
    try:
        text = clean_prompt(entry["text"])
        how = Composition(entry.get("how", ""))
    except PromptError as error:
        raise PipelineError(f"{where}: {error}") from None
    except ValueError:
        raise PipelineError(f"{where}: 'how' is style, then or while.") from None
    labels = entry.get("labels", [entry["label"]] if "label" in entry else [])
    parts, seconds = entry.get("parts", []), entry.get("seconds")
    action, checks = entry.get("action", ""), entry.get("checks", [])
    for name, value in (("labels", labels), ("parts", parts), ("checks", checks)):
        if not isinstance(value, list) or not all(isinstance(v, str) and v for v in value):
            raise PipelineError(f"{where}: '{name}' is a list of strings.")
    if not isinstance(action, str):
        raise PipelineError(f"{where}: 'action' is one word.")
    if not labels and not parts and not action:
        raise PipelineError(
            f"{where}: it needs a 'label' of the data, or 'parts' and 'how', or an 'action'."
        )
    if parts and (how is Composition.NONE or len(parts) < 2):
        raise PipelineError(f"{where}: a composition has two 'parts' and says 'how'.")
    if seconds is not None and not (isinstance(seconds, int | float) and seconds > 0):
        raise PipelineError(f"{where}: 'seconds' is a number above 0.")
    return Prompt(
        text,
        tuple(labels),
        tuple(parts),
        how,
        seconds,
        str(entry.get("expect", "")),
        action,
        tuple(checks),
    )

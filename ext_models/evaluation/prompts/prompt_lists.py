"""Lists of prompts that no clip was captioned with: compositions, wordings, everyday prompts.

A list is a TOML or JSON file with the array ``prompts``; each has its ``text`` and either
a ``label`` (or ``labels``, or a ``group`` of labels that the file names) of the data's clips that
show it, or the ``parts`` that it is put together of, or the ``action`` by which captions name it.
``read_prompts`` says what is wrong with a file.
"""

from __future__ import annotations

import json
import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
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
        meaning: what it shares with its other wordings; empty where a list has none.
        language: code of ISO 639-1; empty is English.
        english: what it means, where it is in another language.
    """

    text: str
    labels: tuple[str, ...] = ()
    parts: tuple[str, ...] = ()
    how: Composition = Composition.NONE
    seconds: float | None = None
    expect: str = ""
    action: str = ""
    checks: tuple[str, ...] = ()
    meaning: str = ""
    language: str = ""
    english: str = ""

    @property
    def in_english(self) -> str:
        """The prompt, or what it means where it is in another language."""
        return self.english or self.text

    def alike(self, label: str) -> bool:
        """Whether a label of the data is one of its parts, or shares action or style with it."""
        named = label_parts(label)
        asked = set(self.parts) | {p for own in self.labels for p in label_parts(own)}
        return label not in self.labels and bool(asked & named)


@dataclass(frozen=True)
class PromptList:
    """A list of prompts.

    Attributes:
        name: of the list.
        prompts: at least one.
        standard: whether an evaluation measures it where no lists are named.
    """

    name: str
    prompts: tuple[Prompt, ...]
    standard: bool = True

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
        return replace(self, prompts=kept), len(self.prompts) - len(kept)


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
    head = body if isinstance(body, dict) else {}
    groups = _groups(head.get("groups", {}), path)
    prompts = tuple(
        _prompt(entry, groups, f"{path}, prompt {number}")
        for number, entry in enumerate(entries, 1)
    )
    texts = [p.text for p in prompts]
    twice = next((t for t in texts if texts.count(t) > 1), None)
    if twice is not None:
        raise PipelineError(f"{path}: the prompt '{twice}' is there twice: leave one of them out.")
    return PromptList(
        str(head.get("kind") or path.stem), prompts, head.get("standard") is not False
    )


def shipped_lists() -> dict[str, Path]:
    """The files of the lists that come with the project, by name."""
    return {path.stem: path for path in sorted(SHIPPED.glob("*.toml"))}


def standard_lists() -> tuple[PromptList, ...]:
    """The lists that an evaluation measures where none are named."""
    lists = map(read_prompts, shipped_lists().values())
    return tuple(one for one in lists if one.standard)


def _groups(body: Any, path: Path) -> dict[str, list[str]]:
    """The labels of each group that a file names."""
    if not isinstance(body, dict) or not all(map(_is_strings, body.values())):
        raise PipelineError(f"{path}: [groups] holds a list of labels for each name.")
    return body


def _is_strings(value: Any) -> bool:
    return isinstance(value, list) and all(isinstance(v, str) and v for v in value)


#: Fields of a prompt that are one string.
_WORDS: Final = ("action", "meaning", "language", "english")
_FIELDS: Final = (
    "text",
    "label",
    "labels",
    "group",
    "parts",
    "how",
    "seconds",
    "expect",
    "checks",
    *_WORDS,
)


def _prompt(entry: Any, groups: Mapping[str, list[str]], where: str) -> Prompt:
    if not isinstance(entry, dict) or not isinstance(entry.get("text"), str):
        raise PipelineError(f"{where}: it needs a 'text', the sentence that is asked for.")
    strange = next((k for k in entry if k not in _FIELDS), None)
    if strange is not None:
        raise PipelineError(f"{where}: '{strange}' is unknown; known are {', '.join(_FIELDS)}.")
    words = {name: entry.get(name, "") for name in _WORDS}
    for name, value in words.items():
        if not isinstance(value, str):
            raise PipelineError(f"{where}: '{name}' is a string.")
    if words["language"] and not words["english"]:
        raise PipelineError(f"{where}: in another language it needs 'english', what it means.")
    try:
        text = clean_prompt(entry["text"], any_script=bool(words["language"]))
        how = Composition(entry.get("how", ""))
    except PromptError as error:
        raise PipelineError(f"{where}: {error}") from None
    except ValueError:
        raise PipelineError(f"{where}: 'how' is style, then or while.") from None
    labels = _labels(entry, groups, where)
    parts, seconds, checks = entry.get("parts", []), entry.get("seconds"), entry.get("checks", [])
    for name, value in (("labels", labels), ("parts", parts), ("checks", checks)):
        if not _is_strings(value):
            raise PipelineError(f"{where}: '{name}' is a list of strings.")
    if not labels and not parts and not words["action"]:
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
        checks=tuple(checks),
        **words,
    )


def _labels(entry: Mapping[str, Any], groups: Mapping[str, list[str]], where: str) -> Any:
    """What a prompt gives as its labels."""
    if "group" not in entry:
        return entry.get("labels", [entry["label"]] if "label" in entry else [])
    if entry["group"] not in groups:
        raise PipelineError(f"{where}: the group '{entry['group']}' is not in [groups].")
    return groups[entry["group"]]

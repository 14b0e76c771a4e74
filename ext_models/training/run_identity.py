"""The identity of a training, noted in its folder, so that no other training resumes from it."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import asdict, is_dataclass
from pathlib import Path
from typing import Any, Final

from ext_models.packs import PackError, require
from motiongpt_blender.core.patience import patiently

#: The file of a training's identity.
IDENTITY: Final = "of.json"
#: What may change between a training and its resumption.
BUDGET: Final = ("steps", "minutes")


def without_budget(table: Any) -> Any:
    """A recipe's table, dataclass or dictionary, without its budgets, at any depth."""
    if is_dataclass(table) and not isinstance(table, type):
        table = asdict(table)
    if not isinstance(table, Mapping):
        return table
    return {k: without_budget(v) for k, v in table.items() if k not in BUDGET}


def short_hash(parts: Any) -> str:
    """A hash of values of a recipe, 12 digits."""
    text = json.dumps(parts, sort_keys=True, default=str)
    return hashlib.sha256(text.encode()).hexdigest()[:12]


def file_hash(path: Path) -> str:
    """A hash of a file of weights, 12 digits; raises PackError when it is missing."""
    with require(path).open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()[:12]


def claim(
    folder: Path,
    identity: Mapping[str, str],
    refusal: str,
    *,
    begun: bool,
    write: bool = True,
    file: str = IDENTITY,
) -> None:
    """Note the identity of a folder's training, or refuse to resume another one.

    A folder without a note is taken as it is.

    Args:
        folder: of the training's state.
        identity: hashes of all that must not change.
        refusal: the sentence behind the folder's name.
        begun: whether there is anything yet to resume.
        write: whether to note it; of several processes one does.
        file: name of the note; trainings that share a folder have one each.

    Raises:
        PackError: when the folder holds another training.
    """
    path = folder / file
    known = _known(path)
    if begun and known is not None and known != dict(identity):
        raise PackError(f"{folder} {refusal}")
    if write and known != dict(identity):
        folder.mkdir(parents=True, exist_ok=True)
        partial = path.with_suffix(".partial")
        partial.write_text(json.dumps(dict(identity), indent=1) + "\n", encoding="utf-8")
        patiently(partial.replace, path)


def _known(path: Path) -> Any:
    try:
        return json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        return None
    except ValueError as error:
        raise PackError(f"{path} is damaged ({error}): delete its folder to begin anew.") from None

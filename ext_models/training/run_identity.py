"""What the folder of a training belongs to, so that no other training goes on from it."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

from ext_models.packs import PackError, require

#: The file in a training's folder that says what the training is of.
OF: Final = "of.json"
#: What may change between a training and its resumption.
BUDGET: Final = ("steps", "minutes")


def without_budget(table: Any) -> Any:
    """A recipe's table without its budgets, wherever it says one."""
    if not isinstance(table, Mapping):
        return table
    return {k: without_budget(v) for k, v in table.items() if k not in BUDGET}


def short_hash(parts: Any) -> str:
    """Names values of a recipe in 12 digits."""
    text = json.dumps(parts, sort_keys=True, default=str)
    return hashlib.sha256(text.encode()).hexdigest()[:12]


def file_hash(path: Path) -> str:
    """Names a file of weights in 12 digits; raises PackError when it is missing."""
    with require(path).open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()[:12]


def claim(
    folder: Path, of: Mapping[str, str], refusal: str, *, begun: bool, write: bool = True
) -> None:
    """Note what a folder's training is of, or refuse to go on with that of something else.

    A folder from before such notes were kept is taken as it is.

    Args:
        folder: of the training's state.
        of: hashes of all that must not change.
        refusal: the sentence behind the folder's name.
        begun: whether there is anything yet to go on from.
        write: whether to note it; of several processes one does.
    """
    path = folder / OF
    known = _known(path)
    if begun and known is not None and known != dict(of):
        raise PackError(f"{folder} {refusal}")
    if write and known != dict(of):
        folder.mkdir(parents=True, exist_ok=True)
        partial = path.with_suffix(".partial")
        partial.write_text(json.dumps(dict(of), indent=1) + "\n", encoding="utf-8")
        partial.replace(path)


def _known(path: Path) -> Any:
    try:
        return json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        return None
    except ValueError as error:
        raise PackError(f"{path} is damaged ({error}): delete its folder to begin anew.") from None

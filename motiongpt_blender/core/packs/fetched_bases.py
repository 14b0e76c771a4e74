"""The user's folder of fetched bases, as the add-on and the commands see it.

A base lies in a folder of its own with ``base.json``, which names it and lists its files. It
appears there by one rename, so a folder with that file was complete once. Standard library only;
nothing here reaches a network.
"""

from __future__ import annotations

import json
import os
import re
import tomllib
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass, field
from enum import Enum
from pathlib import Path
from typing import Any, Final

from ..translation import tr
from .manifest import PLANNER, PackError, data_folder, read_info
from .removal import remove_whole

#: Names another folder for bases; for studios with a share, and for tests.
VARIABLE: Final = "MOTIONGPT_BASES"
NOTE: Final = "base.json"
#: Begins the name of a folder whose base is still being fetched.
HALF: Final = ".fetching-"
#: A Hugging Face id, and no folder.
_ID: Final = re.compile(r"[A-Za-z0-9][\w.-]*/[A-Za-z0-9][\w.-]*", re.ASCII)


class Kind(Enum):
    """What a base is used for."""

    LANGUAGE = "language"  # a causal language model, which a pack is trained on
    READER = "reader"  # a sentence encoder, which turns a prompt into a vector


@dataclass(frozen=True)
class FileNote:
    """Size and SHA-256 of a file."""

    bytes: int
    sha256: str


@dataclass(frozen=True)
class FetchedBase:
    """A base in the user's folder, as its ``base.json`` says.

    Attributes:
        id: Hugging Face id, or name.
        revision: commit on the hub.
        kind: language model or reader.
        licence: SPDX identifier, or empty where nothing says.
        source: where its files come from, for people.
        parameters: how many it has.
        files: what belongs to it, by name.
        folder: where it lies; not in the file.
    """

    id: str
    revision: str
    kind: Kind
    licence: str
    source: str
    parameters: int
    files: Mapping[str, FileNote]
    folder: Path = field(default=Path(), compare=False)

    @property
    def bytes(self) -> int:
        """Of all its files."""
        return sum(note.bytes for note in self.files.values())

    def damage(self) -> str:
        """What is wrong with the sizes of its files, as the end of a sentence; "" if nothing."""
        for name, note in self.files.items():
            path = self.folder / name
            size = path.stat().st_size if path.is_file() else None
            if size != note.bytes:
                state = (
                    tr("is missing")
                    if size is None
                    else tr("has {size} of {expected} bytes", size=size, expected=note.bytes)
                )
                return f"{path} {state}"
        return ""

    def write(self, folder: Path) -> None:
        """Write ``base.json``."""
        body = asdict(self) | {"kind": self.kind.value}
        del body["folder"]
        (folder / NOTE).write_text(json.dumps(body, indent=1) + "\n", encoding="utf-8")


def bases_folder() -> Path:
    """The folder of fetched bases, one a user."""
    named = os.environ.get(VARIABLE)
    return Path(named).expanduser() if named else data_folder() / "bases"


def folder_name(base_id: str, revision: str) -> str:
    """Name of a base's folder."""
    return "--".join([*base_id.split("/"), *([revision[:12]] if revision else [])])


def note_in(folder: Path) -> FetchedBase | None:
    """The base of a folder by its ``base.json``; None without one that can be read."""
    try:
        body: dict[str, Any] = json.loads((folder / NOTE).read_text(encoding="utf-8"))
        body["files"] = {name: FileNote(**note) for name, note in body["files"].items()}
        body["kind"] = Kind(body["kind"])
        return FetchedBase(**body, folder=folder)
    except (OSError, ValueError, TypeError, KeyError, AttributeError):
        return None


def fetched() -> list[FetchedBase]:
    """Every base in the user's folder, by id; what is half fetched is left out."""
    found = (note_in(path.parent) for path in bases_folder().glob(f"*/{NOTE}"))
    whole = [base for base in found if base and not base.folder.name.startswith(".")]
    return sorted(whole, key=lambda base: (base.id, base.revision))


def remove_folders(folders: Iterable[Path]) -> None:
    """Remove folders of bases, each at once; raises PackError."""
    for target in folders:
        remove_whole(target)


def find_fetched(base_id: str, revision: str = "") -> FetchedBase | None:
    """The fetched base of an id, and of a revision or its beginning."""
    for base in fetched():
        if base.id.lower() == base_id.lower() and base.revision.startswith(revision):
            return base
    return None


def in_hub_cache(base_id: str, revision: str = "") -> Path | None:
    """Folder of a base that another program fetched into the cache of the hub's library."""
    folder = hub_cache() / "--".join(["models", *base_id.split("/")])
    try:
        commit = (folder / "refs" / (revision or "main")).read_text(encoding="utf-8").strip()
    except OSError:
        commit = revision
    snapshot = folder / "snapshots" / commit
    return snapshot if commit and (snapshot / "config.json").is_file() else None


def hub_cache() -> Path:
    """The cache of the hub's library, as its variables say."""
    if named := os.environ.get("HF_HUB_CACHE"):
        return Path(named).expanduser()
    cache = os.environ.get("XDG_CACHE_HOME") or "~/.cache"
    return Path(os.environ.get("HF_HOME") or f"{cache}/huggingface").expanduser() / "hub"


@dataclass(frozen=True)
class NamedBase:
    """A base that a pack names.

    Attributes:
        id: Hugging Face id.
        revision: commit on the hub; empty for any.
        layers: how many of its layers the pack uses, the first ones; 0 is all.
    """

    id: str
    revision: str
    layers: int = 0

    @property
    def name(self) -> str:
        """The id without its organisation."""
        return self.id.rpartition("/")[2]

    @property
    def owner(self) -> str:
        """Who publishes it on the hub."""
        return self.id.partition("/")[0]

    @property
    def is_here(self) -> bool:
        """Whether it is on this computer, whole."""
        base = find_fetched(self.id, self.revision)
        if base is not None and not base.damage():
            return True
        return in_hub_cache(self.id, self.revision) is not None


def named_bases(pack: Path) -> tuple[NamedBase, ...]:
    """The bases that have to be fetched for a pack and its planner; () if it cannot be read.

    What lies in the pack, or in a folder that it names, is none of them.
    """
    found: list[NamedBase] = []
    for folder in (pack, pack / PLANNER):
        try:
            info = read_info(folder)
        except PackError:
            continue
        base = NamedBase(info.base_model, info.base_revision, info.base_layers)
        if _ID.fullmatch(base.id) and base not in found:
            found.append(base)
    return tuple(found)


def download_sizes(table: Path) -> dict[str, tuple[int, ...]]:
    """Bytes to download of each known base, by id, one for each source; see the table."""
    found: dict[str, tuple[int, ...]] = {}
    for base in tomllib.loads(table.read_text(encoding="utf-8"))["bases"]:
        sizes = (base.get("hub_bytes", 0), base.get("wheel", {}).get("bytes", 0))
        found[base["id"].lower()] = tuple(size for size in sizes if size)
    return found

"""The user's folder of fetched bases: what is there, whether it is whole, what needs it.

A base lies in a folder of its own with ``base.json``, which names it and lists its files. It
appears there by one rename, so a folder with that file was complete once. Imports no torch and
never reaches a network.
"""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import tempfile
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, Final

from ext_models.packs import PackError, PackManifest, read_manifest, shipped_packs
from motiongpt_blender.core.packs.manifest import data_folder, packs_in, user_packs
from motiongpt_blender.core.patience import patiently

from .catalogue import Kind, known_base, nearest

#: Names another folder for bases; for studios with a share, and for tests.
VARIABLE: Final = "MOTIONGPT_BASES"
NOTE: Final = "base.json"
#: Begins the name of a folder whose base is still being fetched.
HALF: Final = ".fetching-"
#: The command that mends a missing base.
FETCH: Final = "python -m ext_models bases fetch"


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


def find(name: str, revision: str = "") -> FetchedBase | None:
    """A fetched base by id, or by id without organisation, and revision or its beginning.

    Without a revision a known base has the one that the table names.
    """
    known = known_base(name)
    name, revision = (known.id if known else name), revision or (known.revision if known else "")
    return next(
        (
            base
            for base in fetched()
            if name.lower() == base.id.lower() and base.revision.startswith(revision)
        ),
        None,
    )


def whole(base: FetchedBase) -> FetchedBase:
    """The base, after a look at the sizes of its files; raises PackError for a damaged one."""
    for name, note in base.files.items():
        path = base.folder / name
        size = path.stat().st_size if path.is_file() else None
        if size != note.bytes:
            state = "is missing" if size is None else f"has {size} of {note.bytes} bytes"
            raise PackError(
                f"the base {base.id} is damaged, {path} {state}: mend it with `{FETCH} {base.id}`."
            )
    return base


def notes_of(folder: Path) -> dict[str, FileNote]:
    """Size and SHA-256 of every file in a folder."""
    return {
        path.relative_to(folder).as_posix(): FileNote(path.stat().st_size, sha256(path))
        for path in sorted(folder.rglob("*"))
        if path.is_file() and path.name != NOTE
    }


def sha256(path: Path) -> str:
    """SHA-256 of a file, in hexadecimal digits."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def packs_that_need(base: FetchedBase) -> list[PackManifest]:
    """The shipped and installed packs that name this base."""
    found: list[PackManifest] = []
    for folder in (*shipped_packs(), *packs_in(user_packs())):
        try:
            manifest = read_manifest(folder)
        except PackError:
            continue  # a broken pack needs nothing
        if find(manifest.base_model, manifest.base_revision) == base:
            found.append(manifest)
    return found


def remove(folders: Iterable[Path]) -> None:
    """Remove folders of bases, each at once; raises PackError."""
    for target in folders:
        try:
            # Aside first: a base that is open elsewhere stays whole.
            aside = Path(tempfile.mkdtemp(prefix=".removed-", dir=target.parent))
            try:
                patiently(target.rename, aside / target.name)
            finally:
                shutil.rmtree(aside, ignore_errors=True)
        except OSError as error:
            raise PackError(
                f"{target} cannot be removed ({error.strerror}): close what uses it, then try "
                "again."
            ) from None


def missing(name: str, revision: str, named_in: str, others: Iterable[str] = ()) -> PackError:
    """The refusal of a base that is not on this machine, with the command that fetches it.

    Args:
        name: id of the base.
        revision: commit on the hub; empty for any.
        named_in: a clause that says which file names it, or empty.
        others: ids besides the known ones that may be meant.
    """
    known = known_base(name)
    if known is None and (near := nearest(name, others)) and near.lower() != name.lower():
        return PackError(
            f"the base model {name}{named_in} is not on this machine and not a known one: did you "
            f"mean {near}? If it is right, fetch it with `{FETCH} {name}`."
        )
    exact = revision and not (known and known.revision.startswith(revision))
    option = f" --revision {revision}" if exact else ""
    size = f" ({known.smallest_download / 1e6:.0f} MB)" if known else ""
    return PackError(
        f"the base model {name}{named_in} is not on this machine: fetch it once with "
        f"`{FETCH} {known.id if known else name}{option}`{size}."
    )

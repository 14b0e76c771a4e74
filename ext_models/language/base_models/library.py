"""The user's folder of fetched bases: what of it is whole, what needs it.

How a base lies there: ``core/packs/fetched_bases.py`` of the add-on. Imports no torch and never
reaches a network.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from pathlib import Path
from typing import Final

from ext_models.packs import PackError, shipped_packs
from motiongpt_blender.core.packs.fetched_bases import (
    NOTE,
    FetchedBase,
    FileNote,
    find_fetched,
    named_bases,
)
from motiongpt_blender.core.packs.manifest import packs_in, user_packs

from .catalogue import known_base, nearest

#: The command that mends a missing base.
FETCH: Final = "python -m ext_models bases fetch"


def find(name: str, revision: str = "") -> FetchedBase | None:
    """A fetched base by id, or by id without organisation, and revision or its beginning.

    Without a revision a known base has the one that the table names.
    """
    known = known_base(name)
    if known is not None:
        name, revision = known.id, revision or known.revision
    return find_fetched(name, revision)


def whole(base: FetchedBase) -> FetchedBase:
    """The base, after a look at the sizes of its files; raises PackError for a damaged one."""
    if damage := base.damage():
        raise PackError(
            f"the base {base.id} is damaged, {damage}: mend it with `{FETCH} {base.id}`."
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


def packs_that_need(base: FetchedBase) -> list[str]:
    """Names of the shipped and installed packs that name this base, or whose planner does."""
    folders = (*shipped_packs(), *packs_in(user_packs()))
    return [
        folder.name
        for folder in folders
        if any(find(named.id, named.revision) == base for named in named_bases(folder))
    ]


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

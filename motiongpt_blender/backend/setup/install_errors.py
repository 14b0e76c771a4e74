"""The output of a failed installer as one sentence.

Standard library only, no bpy. Used by ``installer``. Every sentence says what went
wrong, where, and what to do.
"""

from __future__ import annotations

import errno
import os
import re
import shutil
from pathlib import Path
from typing import Final

from ...core.translation import tr


class InstallError(RuntimeError):
    """Setting up failed; the message is one sentence for a person."""


#: Bytes with which the last file of an installer may still not have fitted.
NO_ROOM: Final = 4 * 2**20
#: Characters of a path that are shown of one that is too long.
LONGEST_SHOWN: Final = 300
#: Of the disk, and of what a user may keep there.
_FULL: Final = {errno.ENOSPC, errno.EDQUOT} if hasattr(errno, "EDQUOT") else {errno.ENOSPC}
_NO_SPACE: Final = re.compile(
    r"No space left on device|Errno 28|not enough space|Disk quota exceeded|os error 28", re.I
)
_NO_NETWORK: Final = re.compile(
    r"NewConnectionError|name resolution|Name or service not known|getaddrinfo failed|nodename nor"
    r"|Failed to establish a new connection|ConnectTimeout|ReadTimeout|Max retries exceeded"
    r"|Connection refused|Network is unreachable|ProxyError|error sending request|dns error"
    r"|tcp connect error|client error \(Connect\)|Could not connect|Failed to fetch"
    r"|error trying to connect|No route to host|too many \d+ error responses|HTTP error 5\d\d"
    r"|5\d\d Server Error|HTTP status server error",
    re.I,
)
_NOT_TRUSTED: Final = re.compile(
    r"CERTIFICATE_VERIFY_FAILED|certificate verify failed|invalid peer certificate|UnknownIssuer"
    r"|unable to get local issuer|self[- ]signed certificate",
    re.I,
)
_DAMAGED: Final = re.compile(
    r"DO NOT MATCH THE HASHES|[Hh]ash mismatch|IncompleteRead|BadZipFile|Wheel .* is invalid"
    r"|[Uu]nexpected end of file|end of file before message length reached"
)
_NO_VENV: Final = re.compile(r"No module named '?(venv|ensurepip)|ensurepip is not available")
_NO_BUILD: Final = re.compile(r"No matching distribution found for ([^\s(]+)|No solution found")
_PASSWORD: Final = re.compile(r"(\b\w[\w+.-]*://)[^\s/@]+@")
_LIBRARY: Final = re.compile(r"(lib[\w.+-]+\.so[\w.]*): cannot open shared object file")

#: The system packages that carry every library bpy links against, for each package tool.
PACKAGES: Final = {
    "apt-get": (
        "apt-get install -y libx11-6 libxext6 libxrender1 libxfixes3 libxi6 libxxf86vm1"
        " libxkbcommon0 libsm6 libice6 libgl1 libegl1 libgomp1"
    ),
    "dnf": (
        "dnf install -y libX11 libXext libXrender libXfixes libXi libXxf86vm"
        " libxkbcommon libSM libICE mesa-libGL mesa-libEGL libgomp"
    ),
    "pacman": (
        "pacman -S --needed libx11 libxext libxrender libxfixes libxi libxxf86vm"
        " libxkbcommon libsm libice libglvnd gcc-libs"
    ),
    "zypper": (
        "zypper install -y libX11-6 libXext6 libXrender1 libXfixes3 libXi6 libXxf86vm1"
        " libxkbcommon0 libSM6 libICE6 Mesa-libGL1 Mesa-libEGL1 libgomp1"
    ),
}


def explain(text: str, what: str, folder: Path, base: Path) -> str:
    """One sentence for the output of a failed installer.

    Args:
        text: everything it wrote.
        what: what was being installed, for people.
        folder: the environment.
        base: the Python that makes the environment.
    """
    if _NO_SPACE.search(text) or _has_no_room(folder):
        return tr(
            "The disk of {folder} is full: make room there and try again.",
            folder=folder,
        )
    if _NO_VENV.search(text):
        return tr(
            "{base} has no working venv module: {way}, then try again.",
            base=base,
            way=_venv_line(base),
        )
    if (sentence := _of_download(text, f"{what[:1].upper()}{what[1:]}", folder)) is not None:
        return sentence
    if match := _NO_BUILD.search(text):
        name = match.group(1) or what
        return tr(
            "No build of {name} for this Python was found where pip looks, or its "
            "index is out of reach: check the connection and pip's settings, or use "
            "Python 3.11.",
            name=name,
        )
    log = folder.with_name(f"{folder.name}-install.log")
    return tr(
        "Installing {what} into {folder} failed ({reason}); see {log}.",
        what=what,
        folder=folder,
        reason=_last_error(text),
        log=log,
    )


def _of_download(text: str, what: str, folder: Path) -> str | None:
    """Why nothing whole came over the network; None if that is not what failed."""
    if _NOT_TRUSTED.search(text):
        return tr(
            "{what} could not be downloaded for {folder}: this computer does not trust the "
            "certificate of the package index, maybe that of a company's network; ask for its "
            "certificate file, name it with `pip config set global.cert FILE` and try again, "
            "it goes on from there.",
            what=what,
            folder=folder,
        )
    if _DAMAGED.search(text):
        return tr(
            "{what} arrived damaged or cut off for {folder}: try again, it goes on from there; if "
            "it stays so, a proxy or virus scanner changes downloads on their way.",
            what=what,
            folder=folder,
        )
    if _NO_NETWORK.search(text):
        return tr(
            "{what} could not be downloaded for {folder}: no network, or its index is out of "
            "reach; check the connection (or pip's proxy and index settings) and try "
            "again, it goes on from there.",
            what=what,
            folder=folder,
        )
    return None


def _has_no_room(folder: Path) -> bool:
    """Whether the disk is as good as full: venv does not repeat what pip says of it."""
    there = next((one for one in (folder, *folder.parents) if one.is_dir()), None)
    return there is not None and shutil.disk_usage(there).free < NO_ROOM


def cannot_write(error: OSError, folder: Path) -> str:
    """One sentence for what the system says of an environment's folder."""
    if error.errno in _FULL:
        return tr(
            "The disk of {folder} is full: make room there and try again.", folder=_shown(folder)
        )
    return tr(
        "{folder} cannot be written ({error}): choose another folder.",
        folder=_shown(folder),
        error=error.strerror or error,
    )


def _shown(folder: Path) -> str:
    """A path that a sentence can hold."""
    text = str(folder)
    return text if len(text) <= LONGEST_SHOWN else f"{text[:LONGEST_SHOWN]}..."


def without_passwords(text: str) -> str:
    """A text in which the addresses have no user and password."""
    return _PASSWORD.sub(r"\1***@", text)


def missing_library(text: str) -> str | None:
    """The one line that installs what bpy misses, when a system library is missing."""
    match = _LIBRARY.search(text)
    if not match:
        return None
    line = next((line for tool, line in PACKAGES.items() if shutil.which(tool)), None)
    if line is None:
        return tr(
            "Blender needs the system library {library}: install it and run again.",
            library=match.group(1),
        )
    return tr(
        "Blender needs the system library {library}; install it with: {sudo}{line}",
        library=match.group(1),
        sudo=_sudo(),
        line=line,
    )


def _venv_line(base: Path) -> str:
    if shutil.which("apt-get"):
        version = re.search(r"3\.\d+", base.name)
        package = f"python{version.group()}-venv" if version else "python3-venv"
        return tr(
            "install it with `{sudo}apt-get install -y {package}`", sudo=_sudo(), package=package
        )
    return tr("install Python from its official installer")


def _sudo() -> str:
    return "" if not hasattr(os, "geteuid") or os.geteuid() == 0 else "sudo "


def _last_error(text: str) -> str:
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    loud = [line for line in lines if line.lower().startswith(("error", "fatal"))]
    return (loud or lines or [tr("it said nothing")])[-1][:200].rstrip(".")

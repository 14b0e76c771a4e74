"""``packs``: the model packs on this machine, shipped and installed. Imports no torch."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ext_models.packs import shipped_packs
from motiongpt_blender.core.packs import archives
from motiongpt_blender.core.packs.manifest import (
    PackError,
    packs_in,
    read_info,
    size_of,
    user_packs,
)

if TYPE_CHECKING:
    from pathlib import Path


def listing() -> int:
    """Print every pack with title, licence, size and skills; a broken one with its fault."""
    for kind, folders in (("shipped", shipped_packs()), ("installed", packs_in(user_packs()))):
        for folder in folders:
            print(_line(folder, kind))
    print(f"installed packs lie in {user_packs()}")
    return 0


def _line(folder: Path, kind: str) -> str:
    try:
        info = read_info(folder)
    except PackError as error:
        return f"{folder.name:12} {kind:9} BROKEN: {error}"
    skills = ", ".join(("text", "poses", *info.skills))
    size = size_of(folder) / 2**20
    return (
        f"{info.name:12} {kind:9} {size:5.1f} MB  {info.title}\n"
        f"{'':12} licence: {info.licence}\n{'':12} skills: {skills}\n{'':12} {folder}"
    )


def install(source: Path, *, replace: bool = False) -> int:
    """Install a pack from an archive or a folder; raises PackError."""
    shipped = [folder.name for folder in shipped_packs()]
    folder = archives.install(source, user_packs(), replace=replace, shipped=shipped)
    info = read_info(folder)
    print(f"'{info.name}' ({info.title}) is installed in {folder}")
    print(f"licence: {info.licence}")
    return 0


def remove(name: str) -> int:
    """Remove an installed pack; raises PackError."""
    if name in [folder.name for folder in shipped_packs()]:
        raise PackError(f"'{name}' comes with the project and stays: only installed packs go.")
    archives.remove(name, user_packs())
    print(f"'{name}' is removed.")
    return 0

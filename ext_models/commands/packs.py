"""``packs``: the model packs on this machine, shipped and installed. Imports no torch."""

from __future__ import annotations

import argparse
from pathlib import Path

from ext_models.packs import shipped_packs
from motiongpt_blender.core.packs import archives
from motiongpt_blender.core.packs.manifest import (
    PackError,
    packs_in,
    read_info,
    size_of,
    user_packs,
)


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the actions; without one the packs are listed."""
    parser.set_defaults(run=lambda _: list_packs())
    actions = parser.add_subparsers(metavar="ACTION")
    add = actions.add_parser("install", help="install a pack for this user")
    add.add_argument("source", type=Path, help="a pack's .motionpack or .zip, or its folder")
    add.add_argument("--replace", action="store_true", help="in place of one of the same name")
    add.set_defaults(run=lambda a: install(a.source, replace=a.replace))
    remove_one = actions.add_parser("remove", help="remove an installed pack")
    remove_one.add_argument("name", help="as `packs` lists it")
    remove_one.set_defaults(run=lambda a: remove(a.name))


def run(arguments: argparse.Namespace) -> int:
    """List the packs."""
    return list_packs()


def list_packs() -> int:
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

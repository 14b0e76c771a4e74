"""MotionGPT for Blender: the commands that set everything up and run it.

    python build.py demo [--prompt TEXT] [--seconds S] [--seed N] [--out DIR]
    python build.py test [--tier NAME ...]
    python build.py package
    python build.py mutants [--again]

Standard library only. The first run makes ``.venv`` from the pins in ``pyproject.toml``;
a later run starts at once. What can go wrong leaves as one sentence.
"""

from __future__ import annotations

import argparse
import contextlib
import os
import subprocess
import sys
import zipfile
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

ROOT = Path(__file__).resolve().parent
VENV = ROOT / ".venv"
#: Blender is published as a module for these only.
PYTHONS = ((3, 11), (3, 13))
#: Names a Python that already has the model's packages; then .venv goes without them.
BACKEND_PYTHON = "MOTIONGPT_PYTHON"

#: Blender reads ``register`` at the zip's root; the add-on itself is one folder down.
SHIM = '''"""The extension's front door: Blender looks here, the add-on is one folder down."""

from .motiongpt_blender import register, unregister

__all__ = ["register", "unregister"]
'''
#: Where the shipped packs lie; those whose licence allows commercial use go into the zip.
PACKS = "ext_models/model_packs"
#: The demo runs from the checkout only.
DEMO = "motiongpt_blender/demo"
PACKAGED_FILES = ("CHANGELOG.md", "LICENSE", "blender_manifest.toml", "pyproject.toml")
#: The manual that the add-on opens; the pictures that it shows go along.
MANUAL = "docs/animators.md"
PACKAGED_FOLDERS = ("ext_models", "icons", "motiongpt_blender")
#: Every file in the zip bears this date, so that equal contents make equal zips.
ZIP_DATE = (2020, 1, 1, 0, 0, 0)


class BuildError(RuntimeError):
    """A command cannot go on; the message is one sentence for a person."""


def main(argv: Sequence[str] | None = None) -> int:
    """Run one command; returns the exit status."""
    try:
        check_python(sys.version_info[:2])
        from motiongpt_blender.backend.setup.install_errors import InstallError
    except BuildError as error:
        return _complain(error)
    arguments = _parser().parse_args(argv)
    try:
        return int(arguments.run(arguments))
    except (BuildError, InstallError) as error:
        return _complain(error)
    except KeyboardInterrupt:
        print("\nbuild.py: stopped; the same command goes on from here.", file=sys.stderr)
        return 130


def check_python(version: tuple[int, ...]) -> None:
    """Refuse a Python that Blender's module is not published for."""
    if tuple(version) not in PYTHONS:
        found = ".".join(str(part) for part in version)
        raise BuildError(
            f"this is Python {found}, and Blender's module exists for Python 3.11 and 3.13 only:"
            " run the same command with one of these, for example `python3.11 build.py demo`."
        )


def _complain(error: Exception) -> int:
    sys.stdout.flush()
    print(f"build.py: {error}", file=sys.stderr)
    return 1


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="build.py",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    commands = parser.add_subparsers(required=True, metavar="COMMAND")
    demo_ = commands.add_parser("demo", help="set everything up, then animate a character")
    demo_.add_argument("--prompt", help="what the character does, in English")
    demo_.add_argument("--seconds", type=float, help="length of the motion")
    demo_.add_argument("--seed", type=int, help="the same seed gives the same motion")
    demo_.add_argument("--out", help="folder for the results (out)")
    demo_.set_defaults(run=demo)
    test_ = commands.add_parser("test", help="set everything up, then run what this machine can")
    test_.add_argument(
        "--tier",
        nargs="+",
        action="extend",
        choices=("lint", "unit", "models", "bpy", "package", "gui", "matrix"),
        help="only these; matrix then also sets up the Blender versions it lacks",
    )
    test_.set_defaults(run=test)
    package_ = commands.add_parser("package", help="make the zips of extension and packs")
    package_.set_defaults(run=lambda _: _say_package(package(), package_packs()))
    mutants_ = commands.add_parser("mutants", help="try small wrong changes that tests must notice")
    mutants_.add_argument("--again", action="store_true", help="try the survivors once more")
    mutants_.set_defaults(run=mutants)
    return parser


# --- commands ---------------------------------------------------------------------------


def demo(arguments: argparse.Namespace) -> int:
    """Set up, then hand over to ``motiongpt_blender.demo`` in the environment."""
    python = set_up(("torch", "backend", "blender"))
    remember(python)
    if status := fetch_base(python):
        return status
    options = [
        part
        for name in ("prompt", "seconds", "seed", "out")
        if (value := getattr(arguments, name)) is not None
        for part in (f"--{name}", str(value))
    ]
    return _run([python, "-m", "motiongpt_blender.demo", *options])


def test(arguments: argparse.Namespace) -> int:
    """Set up, then run the tiers; ``tests/tiers.py`` knows them."""
    python = set_up(("torch", "backend", "blender", "test", "agents"))
    from motiongpt_blender.backend.setup.pins import read_pins
    from tests import tiers

    return tiers.run(python, read_pins(ROOT / "pyproject.toml"), arguments.tier)


def mutants(arguments: argparse.Namespace) -> int:
    """Set up, then try the sample of mutants; ``tests/support/mutants.py`` says how."""
    python = set_up(("torch", "backend", "blender", "test", "mutation"))
    again = ["--again"] if arguments.again else []
    return _run([python, "-m", "tests.support.mutants", *again])


def package(out: Path = ROOT / "dist", root: Path = ROOT) -> Path:
    """Write the extension's zip and return its path."""
    version = _version(root)
    target = out / f"motiongpt-{version}.zip"
    out.mkdir(parents=True, exist_ok=True)
    partial = target.with_suffix(".part")
    with zipfile.ZipFile(partial, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr(_entry("__init__.py"), SHIM)
        for path in packaged(root):
            archive.writestr(_entry(path.relative_to(root).as_posix()), path.read_bytes())
    partial.replace(target)
    return target


def package_packs(out: Path = ROOT / "dist", root: Path = ROOT) -> list[Path]:
    """Write each pack that the extension may not carry as an archive of its own."""
    from motiongpt_blender.core.packs.archives import SUFFIX, write_archive
    from motiongpt_blender.core.packs.manifest import PackError

    version = _version(root)
    try:
        return [
            write_archive(folder, out / f"motiongpt-pack-{folder.name}-{version}{SUFFIX}")
            for folder in _packs(root, non_commercial=True)
        ]
    except PackError as error:
        raise BuildError(str(error)) from None


# --- set-up -----------------------------------------------------------------------------


def set_up(groups: Sequence[str]) -> str:
    """Make ``.venv`` hold these groups of pins; returns its Python."""
    from motiongpt_blender.backend.setup.install_errors import InstallError
    from motiongpt_blender.backend.setup.installer import Environment
    from motiongpt_blender.backend.setup.pins import read_pins

    if os.environ.get(BACKEND_PYTHON):
        groups = [name for name in groups if name not in ("torch", "backend")]
    environment = Environment(VENV)
    try:
        environment.ensure(read_pins(ROOT / "pyproject.toml"), groups)
    except InstallError as error:
        if "PyTorch" not in str(error):
            raise
        sentence = str(error).rstrip(".")
        raise BuildError(f"{sentence}; or name a Python that has it in {BACKEND_PYTHON}.") from None
    return str(environment.python)


def remember(python: str) -> None:
    """Note the environment's Python, so that an add-on installed from the zip finds it."""
    from motiongpt_blender.backend import locations

    if not os.environ.get(BACKEND_PYTHON):
        with contextlib.suppress(OSError):
            locations.remember(Path(python))


def fetch_base(python: str) -> int:
    """Fetch the base that the default pack names; a pack that holds its own costs nothing."""
    from ext_models.packs import DEFAULT_PACK, read_manifest
    from motiongpt_blender.core.packs.manifest import PackError

    try:
        manifest = read_manifest(DEFAULT_PACK)
    except PackError as error:
        raise BuildError(str(error)) from None
    if manifest.base_model.startswith("./"):
        return 0
    revision = ["--revision", manifest.base_revision] if manifest.base_revision else []
    fetch = [python, "-m", "ext_models", "bases", "fetch", manifest.base_model, *revision]
    return _run(fetch)  # it says the size first


def _run(command: Sequence[str]) -> int:
    sys.stdout.flush()
    # The child finds our packages wherever the person stands, so that --out means there.
    environment = {**os.environ, "PYTHONNOUSERSITE": "1", "PYTHONPATH": str(ROOT)}
    return subprocess.run(command, check=False, env=environment).returncode


# --- the extension's zip ----------------------------------------------------------------


def packaged(root: Path = ROOT) -> Iterator[Path]:
    """The files of the extension, in a fixed order."""
    for name in (*PACKAGED_FILES, MANUAL):
        if not (root / name).is_file():
            raise BuildError(f"{root / name} is missing: the extension cannot do without it.")
        yield root / name
    for picture in _pictures(root / MANUAL):
        if not picture.is_file():
            raise BuildError(f"{picture} is missing: {MANUAL} shows it.")
        yield picture
    carried = _packs(root, non_commercial=False)
    for folder in PACKAGED_FOLDERS:
        for path in sorted((root / folder).rglob("*")):
            if path.is_file() and not _stays(path, root, carried):
                yield path


def _pictures(manual: Path) -> list[Path]:
    """What a Markdown file shows, each once."""
    import re

    shown = re.findall(r"!\[[^\]]*\]\(([^)\s]+)\)", manual.read_text("utf-8"))
    return [manual.parent / name for name in sorted(set(shown))]


def _stays(path: Path, root: Path, carried: Sequence[Path]) -> bool:
    """Whether a file stays out of the zip: caches, the demo, packs that it may not carry."""
    packs = root / PACKS
    if "__pycache__" in path.parts or path.suffix in (".pyc", ".blend1"):
        return True
    if path.is_relative_to(packs) and path.parent != packs:
        return not any(path.is_relative_to(pack) for pack in carried)
    return path.is_relative_to(root / DEMO)


def _packs(root: Path, *, non_commercial: bool) -> list[Path]:
    """The folders of the shipped packs whose licence forbids, or allows, commercial use."""
    from motiongpt_blender.core.packs.manifest import PackError, packs_in, read_info

    try:
        found = packs_in(root / PACKS)
        return [path for path in found if read_info(path).non_commercial is non_commercial]
    except PackError as error:
        raise BuildError(str(error)) from None


def _version(root: Path) -> str:
    """The version, which manifest and pyproject must agree on."""
    import tomllib

    try:
        manifest = tomllib.loads((root / "blender_manifest.toml").read_text("utf-8"))["version"]
        project = tomllib.loads((root / "pyproject.toml").read_text("utf-8"))["project"]["version"]
    except FileNotFoundError as error:
        raise BuildError(f"{error.filename} is missing: the extension needs it.") from None
    if manifest != project:
        raise BuildError(
            f"blender_manifest.toml says version {manifest} and pyproject.toml {project}:"
            " write the same in both."
        )
    return str(manifest)


def _entry(name: str) -> zipfile.ZipInfo:
    entry = zipfile.ZipInfo(name, ZIP_DATE)
    entry.compress_type = zipfile.ZIP_DEFLATED
    entry.external_attr = 0o644 << 16
    return entry


def _say_package(target: Path, packs: Sequence[Path]) -> int:
    size = target.stat().st_size / 2**20
    print(f"{target.relative_to(ROOT)}: {size:.1f} MB")
    if not _packs(ROOT, non_commercial=False):
        print(f"It carries no model: {PACKS} holds none whose licence allows commercial use.")
    for pack in packs:
        print(f"{pack.relative_to(ROOT)}: {pack.stat().st_size / 2**20:.1f} MB, a model pack")
    where = "Preferences > Get Extensions > Install from Disk"
    print(f"Install {target.name} in Blender 4.2 or later: {where}.")
    if packs:
        print(
            "Drop a model pack onto a window of Blender, or press Install Pack in the preferences."
        )
    return 0


if __name__ == "__main__":
    sys.exit(main())

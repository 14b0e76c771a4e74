"""Where the add-on's own things lie."""

from __future__ import annotations

import atexit
import shutil
import tempfile
import time
import tomllib
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

from .core import changelog
from .core.leftovers import sweep
from .core.packs.fetched_bases import (
    FetchedBase,
    NamedBase,
    bases_folder,
    download_sizes,
    fetched,
    hub_cache,
    named_bases,
)
from .core.packs.known_captions import CAPTIONS, examples, read_captions, stems
from .core.packs.length_model import LENGTHS, LengthModel, read_lengths
from .core.packs.manifest import MANIFEST, PLANNER, PackError, PackInfo, packs_in, read_info
from .core.packs.memory_need import MemoryNeed, free_memory, needed_memory
from .core.prompt_history import PromptHistory, history_file, read_history
from .core.translation import tr

#: Folder that holds both packages, ``motiongpt_blender`` and ``ext_models``.
ROOT = Path(__file__).resolve().parents[1]
ICONS = ROOT / "icons"
CHANGELOG = ROOT / "CHANGELOG.md"
MANUAL = ROOT / "docs" / "animators.md"
PACKS = ROOT / "ext_models" / "model_packs"
#: The bases whose downloads are known.
KNOWN_BASES = ROOT / "ext_models" / "language" / "base_models" / "known_bases.toml"
#: The pack in force where none is chosen.
DEFAULT_PACK = PACKS / "starter"
#: Seconds for which the free memory counts as known.
FREE_SECONDS = 3.0
#: What begins the names of job folders.
_JOB = "motiongpt-"


def addon_id() -> str:
    """The name under which Blender keeps the add-on's preferences.

    An extension is nested one level deeper than its id, which has three parts.
    """
    parts = (__package__ or "motiongpt_blender").split(".")
    return ".".join(parts[:3]) if parts[0] == "bl_ext" else parts[0]


@lru_cache(maxsize=1)
def version() -> str:
    """Of the add-on, as its manifest says."""
    with (ROOT / "blender_manifest.toml").open("rb") as file:
        return str(tomllib.load(file)["version"])


@lru_cache(maxsize=1)
def news() -> tuple[str, ...]:
    """What is new in this version; nothing where the changelog is not there."""
    try:
        return changelog.news(CHANGELOG.read_text("utf-8"), version())
    except (OSError, UnicodeDecodeError):
        return ()


def shipped_packs() -> list[Path]:
    """Folders of the model packs that came with the add-on, by name."""
    return packs_in(PACKS)


def pack_info(folder: Path) -> PackInfo | None:
    """What a pack says of itself; None when it cannot be read. Panels ask at every redraw."""
    try:
        return _pack_info(folder, (folder / MANIFEST).stat().st_mtime_ns)
    except OSError:
        return None


@lru_cache(maxsize=64)
def _pack_info(folder: Path, _changed: int) -> PackInfo | None:
    try:
        return read_info(folder)
    except PackError:
        return None


def missing_base(folder: Path) -> NamedBase | None:
    """A base that a pack or its planner needs and that is not here. Panels ask at every redraw."""
    info = pack_info(folder)
    planner = pack_info(folder / PLANNER)
    return _missing_base(folder, info, planner, _changed(bases_folder()), _changed(hub_cache()))


def fetched_bases() -> tuple[FetchedBase, ...]:
    """The bases that were fetched. The preferences ask at every redraw."""
    return _fetched_bases(bases_folder(), _changed(bases_folder()))


@lru_cache(maxsize=2)
def _fetched_bases(_folder: Path, _changed: int) -> tuple[FetchedBase, ...]:
    return tuple(fetched())


@lru_cache(maxsize=8)
def _missing_base(
    folder: Path, _info: PackInfo | None, _planner: PackInfo | None, *_changes: int
) -> NamedBase | None:
    return next((base for base in named_bases(folder) if not base.is_here), None)


def memory_need(folder: Path) -> MemoryNeed:
    """The memory that a pack needs, and what is free. Panels ask at every redraw."""
    needed = _needed_memory(folder, _changed(folder / MANIFEST), _changed(bases_folder()))
    return MemoryNeed(needed, _free_memory(int(time.monotonic() / FREE_SECONDS)))


@lru_cache(maxsize=32)
def _needed_memory(folder: Path, *_changes: int) -> float:
    return needed_memory(folder)


@lru_cache(maxsize=1)
def _free_memory(_now: int) -> float | None:
    return free_memory()


def _changed(folder: Path) -> int:
    """When a file was written, or a folder gained or lost an entry; 0 without one."""
    try:
        return folder.stat().st_mtime_ns
    except OSError:
        return 0


@lru_cache(maxsize=1)
def _download_sizes() -> dict[str, tuple[int, ...]]:
    return download_sizes(KNOWN_BASES)


def download_text(base: NamedBase) -> str:
    """How large the download of a base is, in words."""
    sizes = sorted({round(size / 1e6) for size in _download_sizes().get(base.id.lower(), ())})
    if not sizes:
        return tr("a download of unknown size")
    if len(sizes) == 1:
        return tr("{size} MB", size=sizes[0])
    return tr("{least} to {most} MB", least=sizes[0], most=sizes[-1])


def length_model(folder: Path) -> LengthModel | None:
    """A pack's length model; None when there is none to read. Panels ask at every redraw."""
    try:
        return _length_model(folder, (folder / LENGTHS).stat().st_mtime_ns)
    except OSError:
        return None


@lru_cache(maxsize=8)
def _length_model(folder: Path, _changed: int) -> LengthModel | None:
    try:
        return read_lengths(folder)
    except PackError:
        return None


@dataclass(frozen=True)
class KnownCaptions:
    """What the panel needs of the captions that a pack keeps.

    Attributes:
        examples: some of them.
        stems: of the words that any of them has.
    """

    examples: tuple[str, ...]
    stems: frozenset[str]


def known_captions(folder: Path) -> KnownCaptions | None:
    """The captions of a pack; None when there are none to read. Panels ask at every redraw."""
    try:
        return _known_captions(folder, (folder / CAPTIONS).stat().st_mtime_ns)
    except OSError:
        return None


@lru_cache(maxsize=8)
def _known_captions(folder: Path, _changed: int) -> KnownCaptions | None:
    try:
        captions = read_captions(folder)
    except PackError:
        return None
    return KnownCaptions(examples(captions), frozenset().union(*map(stems, captions)))


def prompt_history() -> PromptHistory:
    """The prompts used last, and the favourites. Panels ask at every redraw."""
    path = history_file()
    try:
        return _prompt_history(path, path.stat().st_mtime_ns)
    except OSError:
        return PromptHistory()


@lru_cache(maxsize=1)
def _prompt_history(path: Path, _changed: int) -> PromptHistory:
    return read_history(path)


def pack_title(folder: Path) -> str:
    """Title, version and licence of a pack; the folder's name when it cannot be read."""
    info = pack_info(folder)
    return f"{info.title_and_version}: {info.licence}" if info else folder.name


def new_job_folder() -> Path:
    """A fresh folder for one job's arrays; it goes with Blender at the latest."""
    folder = Path(tempfile.mkdtemp(prefix=_JOB))
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    return folder


def sweep_job_folders() -> None:
    """Remove the job folders of a Blender that died."""
    sweep(Path(tempfile.gettempdir()), _JOB)

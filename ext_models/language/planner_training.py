"""A planner: a language model of its own that answers with a pack's summary tokens."""

from __future__ import annotations

import contextlib
import shutil
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Final

from ext_models import packs
from ext_models.packs import PackError, read_manifest, require
from ext_models.tokenizer import clip_summary
from motiongpt_blender.core.packs.manifest import CARD, PLANNER

if TYPE_CHECKING:
    from ext_models.language.recipe import LanguageRecipe
    from ext_models.training.pack_table import PackTable

#: Files of a pack that the training of its planner needs and the planner does not keep.
_LENT: Final = (packs.TOKENIZER_CONFIG, packs.TOKENIZER_WEIGHTS, clip_summary.WEIGHTS)


def check_planner(language: LanguageRecipe, pack: Path, recipe: str) -> None:
    """Refuse a recipe whose answers are not a pack's summaries, before anything is encoded.

    Args:
        language: of the recipe.
        pack: its folder.
        recipe: what the message names.

    Raises:
        PackError: naming what to write instead.
    """
    manifest = read_manifest(pack)
    summary = tuple(language.summary or ())
    tasks = getattr(language, "tasks", None)
    if not summary or getattr(tasks, "summary_share", 0.0) != 1:
        raise PackError(
            f"{recipe}: a planner writes summaries alone: write summary = "
            f"{list(manifest.summary)} and tasks.summary_share = 1."
        )
    if summary != manifest.summary or language.max_frames != manifest.max_frames:
        raise PackError(
            f"{recipe}: the pack's summary is {list(manifest.summary)} and its "
            f"max_frames {manifest.max_frames}: write the same in the recipe."
        )


def begin_pack(writer: Path, out: Path, pack: PackTable) -> None:
    """Copy a pack that gets a planner, under the recipe's name; one that is begun stays.

    Args:
        writer: the pack whose model writes the codes.
        out: folder of the new pack.
        pack: its name, title and licence.

    Raises:
        PackError: when the writer is no pack, or the folder holds another one.
    """
    manifest = read_manifest(writer)
    if (out / packs.MANIFEST).is_file():
        if (found := read_manifest(out).name) != pack.name:
            raise PackError(f"{out} holds the pack '{found}': name another folder with --out.")
        return
    left_out = shutil.ignore_patterns(PLANNER, CARD)
    shutil.copytree(writer, out, ignore=left_out, dirs_exist_ok=True)
    named = replace(manifest, name=pack.name, title=pack.title, licence=pack.licence)
    packs.write_manifest(out, named)


def credit_base(pack: Path) -> None:
    """Add what a planner's base asks for to the credits of its pack."""
    manifest, planner = read_manifest(pack), read_manifest(pack / PLANNER)
    credits = tuple(dict.fromkeys((*manifest.credits, *planner.credits)))
    if credits != manifest.credits:
        packs.write_manifest(pack, replace(manifest, credits=credits))


@contextlib.contextmanager
def planner_folder(pack: Path) -> Iterator[Path]:
    """The folder of a pack's planner, with the pack's tokenizer and clip summary for a while."""
    planner = pack / PLANNER
    planner.mkdir(exist_ok=True)
    try:
        for name in _LENT:
            shutil.copyfile(require(pack / name), planner / name)
        yield planner
    finally:
        for name in _LENT:
            (planner / name).unlink(missing_ok=True)

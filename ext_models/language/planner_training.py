"""A planner: a language model of its own that answers with a pack's summary tokens."""

from __future__ import annotations

import contextlib
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Final

from ext_models import packs
from ext_models.packs import PLANNER, PackError, read_manifest, require
from ext_models.tokenizer import clip_summary

if TYPE_CHECKING:
    from ext_models.language.recipe import LanguageRecipe

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

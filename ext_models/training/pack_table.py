"""The table [pack] of a recipe: what a pack is called, and which motion it is made of."""

from __future__ import annotations

import shutil
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from ext_models.packs import PackError

#: Texts that a pack may have to carry, and their folder in the pack.
LICENCE_TEXTS: Final = Path(__file__).parent.parent / "recipes" / "licences"
LICENCES: Final = "licences"


@dataclass(frozen=True)
class PackTable:
    """What a pack is called, and which motion it is made of.

    Attributes:
        name: of the pack, and of its folder of unfinished trainings.
        title: shown in the panel.
        licence: of the motion that the pack makes.
        credits: who is to be credited, one sentence each.
        licence_texts: texts that must travel with the pack, by their names in
            ``recipes/licences``.
        data: packs of the data folder, or one; ``humanml3d`` or ``kit`` for these.
        seed: of everything random in its trainings.
        quoted_captions: also take captions that are quoted from other data sets.
        uncaptioned: also take clips without a caption.
    """

    name: str
    title: str = ""
    licence: str = ""
    credits: tuple[str, ...] = ()
    licence_texts: tuple[str, ...] = ()
    data: str | tuple[str, ...] = ()
    seed: int = 0
    quoted_captions: bool = False
    uncaptioned: bool = False

    def __post_init__(self) -> None:
        known = sorted(path.stem for path in LICENCE_TEXTS.glob("*.txt"))
        if strange := [name for name in self.licence_texts if name not in known]:
            raise PackError(
                f"the recipe's licence text '{strange[0]}' is unknown: there are "
                f"{', '.join(known)}."
            )

    @property
    def data_sets(self) -> tuple[str, ...]:
        """The packs of the data folder."""
        return (self.data,) if isinstance(self.data, str) else self.data

    def manifest_fields(self) -> dict[str, Any]:
        """What ``pack.json`` takes over."""
        return {
            "name": self.name,
            "title": self.title or self.name,
            "licence": self.licence,
            "credits": self.credits,
        }

    def copy_licence_texts(self, pack: Path, others: Sequence[str] = ()) -> None:
        """Put the texts that must travel with the pack into its folder.

        Args:
            pack: its folder.
            others: licences of what the pack was made from; one without a text here is left out.
        """
        found = [name for name in others if (LICENCE_TEXTS / f"{name}.txt").is_file()]
        for name in dict.fromkeys([*self.licence_texts, *found]):
            (pack / LICENCES).mkdir(parents=True, exist_ok=True)
            shutil.copyfile(LICENCE_TEXTS / f"{name}.txt", pack / LICENCES / f"{name}.txt")

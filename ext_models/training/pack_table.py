"""The table [pack] of a recipe: what a pack is called, and which motion it is made of."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class PackTable:
    """What a pack is called, and which motion it is made of.

    Attributes:
        name: of the pack, and of its folder of unfinished trainings.
        title: shown in the panel.
        licence: of the motion that the pack makes.
        credits: who is to be credited, one sentence each.
        data: packs of the data folder, or one; ``humanml3d`` or ``kit`` for these.
        seed: of everything random in its trainings.
        quoted_captions: also take captions that are quoted from other data sets.
        uncaptioned: also take clips without a caption.
    """

    name: str
    title: str = ""
    licence: str = ""
    credits: tuple[str, ...] = ()
    data: str | tuple[str, ...] = ()
    seed: int = 0
    quoted_captions: bool = False
    uncaptioned: bool = False

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

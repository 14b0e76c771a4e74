"""How the published experiment is measured."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from ext_models.language.paper.instructions import Task


@dataclass(frozen=True)
class PaperEvalSettings:
    """How ``evaluate-paper`` measures: the table [evaluation] of a recipe.

    Attributes:
        repeats: number of measurements, each with newly generated motions.
        batch: motions that are generated at once.
        temperature, top_k: of the sampling.
        length: ``own``: the model ends by itself; ``asked``: the length of the real clip.
        multimodality: texts, and motions of each; 0 leaves it out.
        clips: most clips of the test split; 0 is all.
        tasks: names of those measured.
        longest: code steps of the longest motion.
        seed: of orders, captions and motions.
    """

    repeats: int = 20
    batch: int = 32
    temperature: float = 0.8
    top_k: int = 200
    length: Literal["own", "asked"] = "own"
    multimodality: tuple[int, int] = (100, 30)
    clips: int = 0
    tasks: tuple[str, ...] = tuple(t.name.lower() for t in Task)
    longest: int = 49
    seed: int = 0

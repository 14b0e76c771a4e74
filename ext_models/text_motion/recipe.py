"""The tables [reranker] and [evaluator] of a recipe: two text-motion models, and their data."""

from __future__ import annotations

from dataclasses import dataclass, field

from ext_models.training.recipe import FLAT

from .network import TextMotionConfig
from .training import TextMotionTraining


@dataclass(frozen=True)
class RerankerRecipe:
    """[reranker]: which of several candidates fits the text best.

    Attributes:
        config: sizes, in the same table.
        seed: of everything random; the pack's by default.
        training: budget and data.
    """

    config: TextMotionConfig = field(metadata=FLAT)
    seed: int | None = None
    training: TextMotionTraining = field(default_factory=TextMotionTraining)


@dataclass(frozen=True)
class EvaluatorRecipe:
    """[evaluator]: measures how well motion fits text.

    Attributes:
        config: sizes, in the same table.
        data: packs of the data folder, or one; those of [pack] by default.
        quoted_captions: also take captions quoted from other data sets; as [pack] by default.
        seed: of everything random; the pack's by default.
        together: training clips made of one upper body on another lower body.
        training: budget and data.
    """

    config: TextMotionConfig = field(metadata=FLAT)
    data: str | tuple[str, ...] = ()
    quoted_captions: bool | None = None
    seed: int | None = None
    together: int = 0
    training: TextMotionTraining = field(default_factory=TextMotionTraining)

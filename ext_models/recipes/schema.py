"""The tables that a recipe for packs and evaluators may have, typed.

Every command reads its recipe with ``Recipe.read``. The dataclass of each table is beside the part
that it configures and documents the keys.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, TypeVar

from ext_models.datasets.examples import Example
from ext_models.datasets.layouts import read_sets
from ext_models.language.recipe import ExistingBase, LanguageRecipe, PaperLanguage, TokensLanguage
from ext_models.packs import PackError
from ext_models.text_motion.recipe import EvaluatorRecipe, RerankerRecipe
from ext_models.tokenizer.recipe import PublishedTokenizer, TokenizerRecipe
from ext_models.training.pack_table import PackTable
from ext_models.training.recipe import read_table, read_toml
from ext_models.training.settings import TrainerSettings

from .paper_settings import PaperEvalSettings

T = TypeVar("T")
Change = Callable[[Any], Any]


@dataclass(frozen=True)
class Recipe:
    """The tables of a recipe; a command requires those that it needs.

    Attributes:
        pack: name of the pack, and the data sets that it is trained on.
        tokenizer: sizes and training of the tokenizer.
        language: base, adapter, tasks and training of the language model.
        reranker: the reranker of the pack; without a table the pack has none.
        evaluator: an evaluator, which is not part of a pack.
        evaluation: how ``evaluate-paper`` measures.
        source: the file, for messages.
    """

    pack: PackTable | None = None
    tokenizer: PublishedTokenizer | TokenizerRecipe | None = None
    language: PaperLanguage | TokensLanguage | None = None
    reranker: RerankerRecipe | None = None
    evaluator: EvaluatorRecipe | None = None
    evaluation: PaperEvalSettings = field(default_factory=PaperEvalSettings)
    source: str = field(default="the recipe", init=False)

    @classmethod
    def read(cls, path: Path) -> Recipe:
        """The recipe in a file; raises PackError naming file, table and key."""
        return cls.of(read_toml(path), str(path))

    @classmethod
    def of(cls, tables: Mapping[str, Any], source: str) -> Recipe:
        """A recipe of nested dictionaries; ``source`` names their file."""
        recipe = read_table(cls, tables, source)
        object.__setattr__(recipe, "source", source)
        return recipe

    def demand(self, table: T | None, name: str) -> T:
        """A table that a command requires; raises PackError where it is missing."""
        if table is None:
            raise PackError(f"{self.source}: the recipe has no [{name}] table.")
        return table

    @property
    def pack_table(self) -> PackTable:
        """The table [pack]; raises PackError without one."""
        return self.demand(self.pack, "pack")

    @property
    def language_table(self) -> LanguageRecipe:
        """The table [language]; raises PackError without one."""
        return self.demand(self.language, "language")

    @property
    def tokenizer_table(self) -> PublishedTokenizer | TokenizerRecipe:
        """The table [tokenizer]; raises PackError without one."""
        return self.demand(self.tokenizer, "tokenizer")

    def examples(self, folder: Path | None) -> list[Example]:
        """The clips for training and evaluation of the pack.

        Args:
            folder: the data folder, or the folder of a published data set.

        Raises:
            DataError: when they cannot be read.
            PackError: when the recipe names none.
        """
        pack = self.pack_table
        if not pack.data_sets:
            raise PackError(f'{self.source}: [pack] names no data; write data = ["clean"], say.')
        return read_sets(
            folder,
            pack.data_sets,
            quoted_captions=pack.quoted_captions,
            uncaptioned=pack.uncaptioned,
        )

    def with_budget(self, **budget: float) -> Recipe:
        """The recipe with other ``steps`` or ``minutes`` in every training."""
        return self._with_trainings(lambda training: replace(training, **budget))

    def with_share_of_minutes(self, share: float) -> Recipe:
        """The recipe with a share of the minutes of every training."""
        return self._with_trainings(lambda t: replace(t, minutes=share * t.minutes))

    def _with_trainings(self, change: Callable[[TrainerSettings], TrainerSettings]) -> Recipe:
        recipe = replace(
            self,
            tokenizer=_changed(self.tokenizer, change),
            language=_language_changed(self.language, change),
            reranker=_changed(self.reranker, change),
            evaluator=_changed(self.evaluator, change),
        )
        object.__setattr__(recipe, "source", self.source)
        return recipe


def _changed(table: Any, change: Change) -> Any:
    return table and replace(table, training=change(table.training))


def _language_changed(table: Any, change: Change) -> Any:
    if table is None:
        return None
    base = table.base
    if not isinstance(base, str | ExistingBase):
        base = _changed(base, change)
    return replace(table, base=base, adapter=_changed(table.adapter, change))

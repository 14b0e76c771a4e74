"""The recipe of an ablation: rows that each change something of a pack's recipe."""

from __future__ import annotations

import copy
import math
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from ext_models import packs
from ext_models.evaluation.settings import EvalSettings
from ext_models.language.planner_training import check_planner
from ext_models.packs import PackError
from ext_models.recipes.schema import Recipe
from ext_models.training.recipe import FLAT, read_table, read_toml
from motiongpt_blender.wire import Sampling


@dataclass(frozen=True)
class AblationRow:
    """One variant of the recipe.

    Attributes:
        name: as the table names it.
        group: rows of one group share a table; empty for the baseline.
        recipe: the whole recipe.
        at: position on the curve of its group; None for a row that is on no curve.
    """

    name: str
    group: str
    recipe: Recipe
    at: float | None = None

    @property
    def folder(self) -> str:
        """A name for its folder."""
        return file_name(f"{self.group} {self.name}")


@dataclass(frozen=True)
class Ablation:
    """An ablation: its rows, the baseline first, and how they are measured.

    Attributes:
        rows: what is trained.
        clips: test clips that are measured; all by default.
        settings: of the measurements.
        writer: the pack whose planner each row trains; None where rows are packs of their own.
        prompts: names of shipped lists of prompts that are measured too.
    """

    rows: tuple[AblationRow, ...]
    clips: int | None
    settings: EvalSettings = field(default_factory=EvalSettings)
    writer: Path | None = None
    prompts: tuple[str, ...] = ()


@dataclass(frozen=True)
class BudgetTable:
    """[ablation.budget]: steps and minutes of each training, where they are given."""

    steps: int | None = None
    minutes: float | None = None

    def values(self) -> dict[str, float]:
        """What is given."""
        given = {"steps": self.steps, "minutes": self.minutes}
        return {name: value for name, value in given.items() if value is not None}


@dataclass(frozen=True)
class RowTable:
    """[[ablation.rows]]: a row's name and group, its changes under dotted keys, its place."""

    name: str
    group: str = ""
    change: dict[str, Any] = field(default_factory=dict)
    at: float | None = None

    def __post_init__(self) -> None:
        if self.at is not None and not 0 < self.at < math.inf:
            raise PackError(f"row '{self.name}' is at {self.at:g}; write a number above 0.")


@dataclass(frozen=True)
class AblationTable:
    """[ablation]: which rows there are, and how they are measured.

    Attributes:
        recipe: the recipe that all rows start from, beside this file.
        rows: what is trained; the first is the one that all others differ from.
        change: changes of every row, under dotted keys.
        budget: of base and adapter, each.
        tokenizer_budget: of the tokenizer.
        writer: a pack, by its name, whose planner each row trains; that pack writes the codes.
        prompts: names of shipped lists of prompts whose retrieval is measured too.
        clips: test clips that are measured, of all labels; all by default.
        pool, draws, samples, pose_clips: as ``EvalSettings`` has them.
        sampling: how motions are sampled, in the same table.
    """

    recipe: str
    rows: tuple[RowTable, ...]
    change: dict[str, Any] = field(default_factory=dict)
    budget: BudgetTable = field(default_factory=BudgetTable)
    tokenizer_budget: BudgetTable = field(default_factory=BudgetTable)
    writer: str = ""
    prompts: tuple[str, ...] = ()
    clips: int | None = None
    pool: int = EvalSettings.pool
    draws: int = EvalSettings.draws
    samples: int = EvalSettings.samples
    pose_clips: int = EvalSettings.pose_clips
    sampling: Sampling = field(default_factory=Sampling, metadata=FLAT)

    def settings(self) -> EvalSettings:
        """How rows are measured."""
        return EvalSettings(self.pool, self.draws, self.samples, self.pose_clips, self.sampling)


@dataclass(frozen=True)
class AblationRecipe:
    """A recipe of an ablation: its one table."""

    ablation: AblationTable


def read_ablation(path: Path, budget: Mapping[str, float]) -> Ablation:
    """Read an ``[ablation]`` recipe; raises PackError naming what is wrong with it.

    Args:
        path: the recipe.
        budget: steps or minutes that take the place of the recipe's.
    """
    body = read_table(AblationRecipe, read_toml(path), str(path)).ablation
    if not body.rows:
        raise PackError(f"{path}: [ablation] has no rows.")
    start = _start(path.parent / body.recipe, body, budget)
    start = with_overrides(start, body.change, f"{path}: [ablation.change]")
    rows = tuple(_row(path, start, row) for row in body.rows)
    folders = [row.folder for row in rows]
    if twice := [f for f in folders if folders.count(f) > 1]:
        raise PackError(f"{path}: two rows are called '{twice[0]}': give each its own name.")
    if rows[0].group:
        raise PackError(
            f"{path}: the first row has the group '{rows[0].group}'; it is the baseline "
            "and has none."
        )
    writer = packs.named(body.writer) if body.writer else None
    if writer is not None:
        for row in rows:
            check_planner(row.recipe.language_table, writer, f"{path}: row '{row.name}'")
    return Ablation(rows, body.clips, body.settings(), writer, body.prompts)


def _start(path: Path, body: AblationTable, budget: Mapping[str, float]) -> dict[str, Any]:
    """The recipe that all rows start from, with the ablation's budgets."""
    start = read_toml(path)
    Recipe.of(start, str(path))
    language = start.get("language", {})
    for table in (language.get("base"), language.get("adapter")):
        if isinstance(table, dict) and "id" not in table:
            table.setdefault("training", {}).update({**body.budget.values(), **budget})
    if "tokenizer" in start:
        training = start["tokenizer"].setdefault("training", {})
        training.update({**body.tokenizer_budget.values(), **budget})
    return start


def _row(path: Path, start: Mapping[str, Any], row: RowTable) -> AblationRow:
    who = f"{path}: row '{row.name}'"
    recipe = Recipe.of(with_overrides(start, row.change, who), who)
    return AblationRow(row.name, row.group, recipe, row.at)


def with_overrides(
    start: Mapping[str, Any], changes: Mapping[str, Any], who: str
) -> dict[str, Any]:
    """A recipe with other values under dotted keys; an empty table removes one.

    Raises:
        PackError: when a key leads nowhere.
    """
    recipe = copy.deepcopy(dict(start))
    for key, value in changes.items():
        *names, last = key.split(".")
        place = recipe
        for name in names:
            place = place.setdefault(name, {})
            if not isinstance(place, dict):
                raise PackError(f"{who} changes {key}, but '{name}' is no table.")
        if value == {}:
            place.pop(last, None)
        else:
            place[last] = copy.deepcopy(value)
    return recipe


def file_name(words: str) -> str:
    """Words as the name of a file or folder."""
    return re.sub(r"\W+", "_", words.strip()).lower()

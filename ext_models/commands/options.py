"""Options that several commands share, and the folder of unfinished work."""

from __future__ import annotations

import argparse
import os
import typing
from collections.abc import Iterable
from dataclasses import fields
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from ext_models import packs
from ext_models.errors import PipelineError
from motiongpt_blender.wire import HELP, Sampling

if TYPE_CHECKING:
    from ext_models.recipes.schema import Recipe
    from ext_models.text_motion.model import TextMotionModel

#: Trainings and evaluations keep their state here, to resume from.
RUNS: Final = Path("runs")
#: Recipes that are shipped; one of a pack's name is the pack's.
RECIPES: Final = Path(__file__).parents[1] / "recipes"
#: Seconds of a motion that is asked for without a length, of a pack without a length model.
DEFAULT_SECONDS: Final = 4.0
#: The sampling options of a command that ranks no candidates.
UNRANKED: Final = ("seed", "temperature", "top_p", "top_k", "variations")


def add_data(parser: argparse.ArgumentParser) -> None:
    """Add ``--data``."""
    folder = os.environ.get("MOTIONGPT_DATA")
    parser.add_argument(
        "--data",
        type=Path,
        default=Path(folder) if folder else None,
        help="folder with the motion data (or set MOTIONGPT_DATA)",
    )


def add_pack(parser: argparse.ArgumentParser) -> None:
    """Add ``--pack``, by default the pack that is shipped."""
    parser.add_argument(
        "--pack", type=packs.named, default=packs.DEFAULT_PACK, help="model pack, name or folder"
    )


def add_device(parser: argparse.ArgumentParser) -> None:
    """Add ``--device``."""
    parser.add_argument("--device", default="auto", help="auto, cpu, cuda or mps")


def add_evaluator(parser: argparse.ArgumentParser) -> None:
    """Add ``--evaluator``."""
    parser.add_argument("--evaluator", type=Path, help="folder of an evaluator (runs/evaluator)")


def read_evaluator(arguments: argparse.Namespace, device: str) -> TextMotionModel | None:
    """The evaluator that is named; by default the one that was trained here, or none."""
    from ext_models.text_motion import model

    folder = arguments.evaluator or RUNS / "evaluator"
    if arguments.evaluator is None and not (folder / model.CARD).is_file():
        return None
    return model.load(folder, device)


def add_training(
    parser: argparse.ArgumentParser, recipe: str, out: str, *, whose: str = "the training"
) -> None:
    """Add what every training needs: recipe, data, output folder, device and budget.

    Args:
        parser: of the command.
        recipe: help text of the recipe.
        out: help text of ``--out``.
        whose: what the minutes are for.
    """
    parser.add_argument("config", type=Path, help=recipe)
    add_data(parser)
    parser.add_argument("--out", type=Path, required=True, help=out)
    add_device(parser)
    parser.add_argument("--minutes", type=float, help=f"stop {whose} after so many minutes")
    parser.add_argument("--steps", type=int, help="stop each training after so many steps")


def read_recipe(arguments: argparse.Namespace, *, minutes: bool = True) -> Recipe:
    """The recipe of a training, with the steps or minutes of the command line.

    Args:
        arguments: of a parser with ``add_training``.
        minutes: whether each training gets all the minutes; otherwise they are left as they are.
    """
    from ext_models.recipes.schema import Recipe

    budget = budget_of(arguments)
    if not minutes:
        budget.pop("minutes", None)
    return Recipe.read(arguments.config).with_budget(**budget)


def budget_of(arguments: argparse.Namespace) -> dict[str, float]:
    """The steps and minutes of a training, as far as they were given."""
    given = {"steps": arguments.steps, "minutes": arguments.minutes}
    return {name: value for name, value in given.items() if value is not None}


def data_sets_of(arguments: argparse.Namespace, pack: str) -> tuple[list[str], bool]:
    """Which sets of a data folder a pack is measured on, and whether with quoted captions.

    Those that are named; or those of its recipe, given or shipped; or all that are there.

    Args:
        arguments: with ``data``, ``sets`` and ``config``, the recipe.
        pack: name of the pack.

    Raises:
        PipelineError: when nothing says which sets they are.
    """
    from ext_models.recipes.schema import Recipe

    shipped = RECIPES / f"{pack}.toml"
    found = arguments.config or (shipped if shipped.is_file() else None)
    table = Recipe.read(found).pack if found else None
    if table is None:
        return list(arguments.sets or all_sets(arguments.data)), False
    sets = arguments.sets or table.data_sets or all_sets(arguments.data)
    return list(sets), table.quoted_captions


def all_sets(data: Path | None) -> list[str]:
    """Every set of a data folder; raises PipelineError where the folder does not name them."""
    from ext_models.datasets import data_folder
    from ext_models.datasets.layouts import Layout, layout_of

    if not data:
        raise PipelineError("Name the clips to measure on: --data DIR (or MOTIONGPT_DATA).")
    if layout_of(data) is Layout.DATA_FOLDER:
        return sorted({c["pack"] for c in data_folder.read_clips(data)})
    raise PipelineError(f"{data}: say with --sets which data set it is, humanml3d or kit.")


def add_sampling(
    parser: argparse.ArgumentParser, names: Iterable[str] | None = None, **defaults: Any
) -> None:
    """Add ``--seed``, ``--top-p`` and so on, one option for each field of ``wire.Sampling``.

    Args:
        parser: of the command.
        names: fields that become options; None is all.
        defaults: values in place of the fields' own.
    """
    types = typing.get_type_hints(Sampling)
    wanted = None if names is None else set(names)
    for option in fields(Sampling):
        if wanted is None or option.name in wanted:
            parser.add_argument(
                "--" + option.name.replace("_", "-"),
                type=types[option.name],
                default=defaults.get(option.name, option.default),
                help=HELP[option.name] + " (%(default)s)",
            )


def sampling_of(arguments: argparse.Namespace, **fixed: Any) -> Sampling:
    """The sampling that a command line asks for.

    Args:
        arguments: of a parser with ``add_sampling``.
        fixed: fields that the command sets itself.

    Raises:
        PipelineError: for a value out of range.
    """
    given = {f.name: getattr(arguments, f.name) for f in fields(Sampling) if f.name in arguments}
    sampling = Sampling(**{**given, **fixed})
    if (sentence := sampling.out_of_range()) is not None:
        name, _, reason = sentence.partition(" ")
        raise PipelineError(f"--{name.replace('_', '-')} {reason}")
    return sampling

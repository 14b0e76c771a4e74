"""``ablate``: trains and measures the variants of a recipe, and puts them into tables."""

from __future__ import annotations

import argparse
from typing import TYPE_CHECKING

from ext_models.commands.options import add_evaluator, add_training, budget_of, read_evaluator
from ext_models.devices import pick_device
from ext_models.errors import PipelineError

if TYPE_CHECKING:
    from ext_models.evaluation.tables import Row


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the options."""
    add_training(
        parser,
        "recipe (TOML) with an [ablation] table",
        "folder of rows and tables",
        whose="each training",
    )
    add_evaluator(parser)
    parser.add_argument(
        "--rows", type=int, nargs="+", help="only these, by number; all make the tables"
    )


def run(arguments: argparse.Namespace) -> int:
    """Train and measure the rows; rows that are done are kept."""
    from ext_models.lab.ablation import TABLES, AblationRunner, curves, tables
    from ext_models.lab.ablation_recipe import read_ablation

    ablation = read_ablation(arguments.config, budget_of(arguments))
    device = pick_device(arguments.device)
    evaluator = read_evaluator(arguments, device)
    runner = AblationRunner(ablation, arguments.data, arguments.out, evaluator, device)
    count = len(ablation.rows)
    some = arguments.rows or range(1, count + 1)
    if strange := [n for n in some if not 1 <= n <= count]:
        raise PipelineError(f"--rows {strange[0]}: {arguments.config} has the rows 1 to {count}.")
    done: dict[str, Row] = {}
    text = ""
    for number, row in enumerate(ablation.rows, 1):
        if number not in some:
            continue
        print(f"{number} of {count}: {row.group or 'all'}: {row.name}")
        done[row.folder] = runner.row(row)
        # Other processes may work on the other rows; the command without --rows makes the tables.
        if not arguments.rows:
            text = "\n".join(table.markdown() for table in tables(ablation, done))
            (arguments.out / TABLES).write_text(text, encoding="utf-8")
    if not arguments.rows:
        print(f"\n{text}\ntables written to {arguments.out / TABLES}")
        print(*curves(ablation, done, arguments.out), sep="\n")
    return 0

"""``compare-tokenizers``: several tokenizers, the same data, the same budget."""

from __future__ import annotations

import argparse

from ext_models.commands.options import add_training, budget_of
from ext_models.devices import pick_device


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the options."""
    add_training(
        parser,
        "recipe (TOML) with a [comparison] table",
        "folder of table and runs",
        whose="each training",
    )


def run(arguments: argparse.Namespace) -> int:
    """Train every tokenizer on every data set; print the table and write it."""
    from ext_models.lab.compare_tokenizers import TABLE, compare, read_comparison

    wanted = read_comparison(arguments.config, budget_of(arguments))
    device = pick_device(arguments.device)
    table = compare(wanted, arguments.data, arguments.out, device)
    (arguments.out / TABLE).write_text(table, encoding="utf-8")
    print(table)
    return 0

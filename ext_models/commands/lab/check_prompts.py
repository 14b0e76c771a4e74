"""``check-prompts``: measures on real clips how far the checks of prompts can be trusted."""

from __future__ import annotations

import argparse

from ext_models.commands.options import add_data, data_sets_of
from ext_models.errors import PipelineError


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the options."""
    add_data(parser)
    parser.add_argument("--sets", nargs="+", help="sets of the data folder (all)")
    parser.add_argument("--clips", type=int, default=100, help="of each kind (%(default)s)")
    parser.add_argument("--seed", type=int, default=0, help="of the choice (%(default)s)")
    parser.set_defaults(config=None)


def run(arguments: argparse.Namespace) -> int:
    """Print the table."""
    from ext_models.datasets.layouts import read_sets
    from ext_models.lab.check_precision import precision_table

    if arguments.clips < 1:
        raise PipelineError(f"--clips {arguments.clips}: at least 1.")
    sets, _ = data_sets_of(arguments, pack="")
    examples = read_sets(arguments.data, sets)
    print(precision_table(examples, arguments.clips, arguments.seed).markdown())
    return 0

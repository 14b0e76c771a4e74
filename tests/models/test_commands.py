"""Every command line's command is where it is said to be."""

from __future__ import annotations

import argparse
from functools import partial
from importlib import import_module

import ext_models.__main__ as command_line
from ext_models.pipelines import TRIES

SUBCOMMANDS = next(
    action
    for action in command_line._parser()._actions
    if isinstance(action, argparse._SubParsersAction)
).choices


def test_every_command_runs_something_that_exists() -> None:
    """A misspelt module would show only when someone asks for the command."""
    runs = {name: parser.get_default("run") for name, parser in SUBCOMMANDS.items()}
    late = {name: run.args for name, run in runs.items() if isinstance(run, partial)}
    assert len(late) > 5
    assert all(map(callable, runs.values()))
    for name, (module, function) in late.items():
        target = getattr(import_module(module, "ext_models"), function, None)
        assert callable(target), f"{name} asks {module} for {function}"


def test_as_many_tries_are_drawn_everywhere():
    """The command line knows the number without importing what it belongs to."""
    parse = command_line._parser().parse_args
    assert parse(["generate", "--prompt", "x", "--out", "y.npz"]).tries == TRIES
    assert parse(["evaluate"]).tries == TRIES

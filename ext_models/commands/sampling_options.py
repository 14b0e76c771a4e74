"""The options of the commands that sample: one for each field of ``wire.Sampling``."""

from __future__ import annotations

import argparse
import typing
from collections.abc import Iterable
from dataclasses import fields
from typing import Any

from ext_models.generation.request import PipelineError
from motiongpt_blender.wire import HELP, Sampling

#: The options of a command that gives one kind of result and ranks nothing.
UNRANKED = ("seed", "temperature", "top_p", "top_k", "variations")


def add_options(
    parser: argparse.ArgumentParser, names: Iterable[str] | None = None, **defaults: Any
) -> None:
    """Add ``--seed``, ``--top-p`` and so on to a command.

    Args:
        parser: of the command.
        names: fields that become options; None is all.
        defaults: values in place of the field's own.
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
    """The sampling that a command line asks for; raises PipelineError for a value out of range.

    Args:
        arguments: of a parser with ``add_options``.
        fixed: fields that the command sets itself.
    """
    given = {f.name: getattr(arguments, f.name) for f in fields(Sampling) if f.name in arguments}
    sampling = Sampling(**{**given, **fixed})
    if (sentence := sampling.out_of_range()) is not None:
        name, _, said = sentence.partition(" ")
        raise PipelineError(f"--{name.replace('_', '-')} {said}")
    return sampling

"""``train-pack``: trains all parts of a pack from a recipe, one after the other."""

from __future__ import annotations

import argparse

from . import train_language, train_tokenizer
from .options import add_training


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the options."""
    add_training(
        parser, "recipe (TOML)", "folder of the pack", whose="the tokenizer, then the rest"
    )


def run(arguments: argparse.Namespace) -> int:
    """Train the tokenizer, then language model and reranker; resumes where it was stopped."""
    arguments.keep_codes = False
    return train_tokenizer.run(arguments) or train_language.run(arguments)

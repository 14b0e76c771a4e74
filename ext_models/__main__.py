"""The command line of the model process: ``python -m ext_models COMMAND``.

Only the module of the command that runs is imported, so that ``--help`` and the server's
greeting answer at once, without torch.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from importlib import import_module
from typing import Final

from ext_models.datasets.examples import DataError
from motiongpt_blender.core.body.motion import MotionError
from motiongpt_blender.core.timeline.prompts import PromptError

from . import __version__, logs
from .errors import PipelineError
from .packs import PackError

#: Each command: its module in ``commands`` and what it does.
COMMANDS: Final = {
    "generate": ("generate", "one prompt to one motion clip"),
    "caption": ("caption", "say what a motion clip shows"),
    "serve": ("serve", "answer requests on standard input (Blender starts this)"),
    "mcp": ("mcp", "let an agent work on the Blender files of one folder"),
    "packs": ("packs", "list, install and remove model packs"),
    "bases": ("bases", "list, fetch and remove the pretrained models that packs build on"),
    "prepare-data": (
        "prepare_data",
        "turn BVH files, clips, HumanML3D or KIT-ML into a data folder",
    ),
    "train-pack": ("train_pack", "train a whole pack from a TOML recipe"),
    "train-tokenizer": ("train_tokenizer", "train a tokenizer from a TOML recipe"),
    "train-language": ("train_language", "train a language model from a TOML recipe"),
    "train-planner": (
        "train_planner",
        "train a pretrained language model to plan the motions of a pack, into that pack",
    ),
    "train-reranker": ("train_reranker", "train the reranker of a pack, into that pack"),
    "train-lengths": ("train_lengths", "fit the length model of a pack, into that pack"),
    "build-datastore": (
        "build_datastore",
        "give a pack the motions of its training, or others, to look up, into that pack",
    ),
    "train-evaluator": ("train_evaluator", "train the evaluator of text and motion"),
    "evaluate": ("evaluate", "measure a pack on held-out clips"),
    "export-merged": (
        "export_merged",
        "a pack's language model as one folder for vLLM or transformers",
    ),
    "import-checkpoint": (
        "import_checkpoint",
        "turn the reference system's downloads into a model pack",
    ),
    "ablate": ("lab.ablate", "train and measure the variants of a recipe, in tables"),
    "bench": ("lab.bench", "measure how fast a pack generates, as ratios of one run"),
    "check-prompts": (
        "lab.check_prompts",
        "measure on real clips how far the checks of prompts can be trusted",
    ),
    "compare-guidance": (
        "lab.compare_guidance",
        "put settings of generation side by side on validation clips",
    ),
    "compare-levels": (
        "lab.compare_levels",
        "put ways to a pack's finer levels side by side: filled in parallel, or written",
    ),
    "compare-tokenizers": (
        "lab.compare_tokenizers",
        "train several tokenizers alike, and put them in one table",
    ),
    "fit-score": (
        "lab.fit_score",
        "fit the weights of the candidate score to validation clips",
    ),
    "measure-poses": (
        "lab.measure_poses",
        "measure how evenly a pack walks to placed poses, and how early it reaches unusual ones",
    ),
    "evaluate-folds": (
        "lab.evaluate_folds",
        "cross-validate a recipe: every clip is held out once",
    ),
    "evaluate-paper": (
        "lab.evaluate_paper",
        "measure a pack of the style 'paper' as the paper was measured",
    ),
}


def main(argv: Sequence[str] | None = None) -> int:
    """Run one command; returns the exit status. Errors are one sentence on standard error."""
    words = list(sys.argv[1:] if argv is None else argv)
    arguments = parser_for(words).parse_args(words)
    logs.set_up(verbose=arguments.verbose)
    try:
        return int(arguments.run(arguments) or 0)
    except (PackError, PipelineError, DataError, PromptError, MotionError) as error:
        print(f"motiongpt: {error}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print("\nmotiongpt: stopped.", file=sys.stderr)
        return 130


def parser_for(words: Sequence[str]) -> argparse.ArgumentParser:
    """The parser of a command line; it knows the options of the command that is asked for."""
    parser = argparse.ArgumentParser(prog="python -m ext_models", description=__doc__)
    parser.add_argument("--version", action="version", version=__version__)
    _add_verbose(parser, default=False)
    commands = parser.add_subparsers(required=True, metavar="COMMAND")
    asked = next((word for word in words if not word.startswith("-")), None)
    for name, (module, what) in COMMANDS.items():
        command = commands.add_parser(name, help=what)
        if name == asked:
            _add_verbose(command, default=argparse.SUPPRESS)
            chosen = import_module(f".commands.{module}", __package__)
            command.set_defaults(run=chosen.run)
            chosen.add_arguments(command)
    return parser


def _add_verbose(parser: argparse.ArgumentParser, default: object) -> None:
    parser.add_argument(
        "--verbose", action="store_true", default=default, help="show details of what happens"
    )


if __name__ == "__main__":
    sys.exit(main())

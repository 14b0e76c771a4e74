"""The command line of the model's process: ``python -m ext_models COMMAND``.

Only the standard library is imported before a command runs, so that ``--help``
and the server's greeting answer at once.
"""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Callable
from functools import partial
from importlib import import_module
from pathlib import Path

from ext_models.generation.request import Pipeline, PipelineError
from motiongpt_blender.core.body.motion import MotionError
from motiongpt_blender.core.timeline.prompts import PromptError
from motiongpt_blender.wire import PROTOCOL, Hello

from . import __version__, packs
from .commands import packs as pack_commands
from .commands.sampling_options import UNRANKED, add_options

DEFAULT_SECONDS = 4.0


def main(argv: list[str] | None = None) -> int:
    """Run one command; returns the exit status. Errors are one sentence on stderr."""
    arguments = _parser().parse_args(argv)
    try:
        return int(arguments.run(arguments) or 0)
    except (packs.PackError, PipelineError, PromptError, MotionError) as error:
        print(f"motiongpt: {error}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print("\nmotiongpt: stopped.", file=sys.stderr)
        return 130


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m ext_models", description=__doc__)
    parser.add_argument("--version", action="version", version=__version__)
    commands = parser.add_subparsers(required=True, metavar="COMMAND")
    _add_generate(commands)
    _add_caption(commands)
    _add_serve(commands)
    _add_training(commands)
    _add_compare(commands)
    _add_train_evaluator(commands)
    _add_train_reranker(commands)
    _add_evaluate(commands)
    _add_evaluate_folds(commands)
    _add_evaluate_paper(commands)
    _add_import(commands)
    _add_export(commands)
    _add_bench(commands)
    _add_ablate(commands)
    _add_prepare(commands)
    _add_packs(commands)
    return parser


def _data(p: argparse.ArgumentParser) -> None:
    p.add_argument(
        "--data",
        type=Path,
        default=os.environ.get("MOTIONGPT_DATA"),
        help="folder with the motion data (or set MOTIONGPT_DATA)",
    )


def _pack(p: argparse.ArgumentParser) -> None:
    p.add_argument(
        "--pack", type=packs.named, default=packs.DEFAULT_PACK, help="model pack, name or folder"
    )


def _device(p: argparse.ArgumentParser) -> None:
    p.add_argument("--device", default="auto", help="auto, cpu, cuda or mps")


def _budget(p: argparse.ArgumentParser) -> None:
    p.add_argument("--minutes", type=float, help="stop after so many minutes")
    p.add_argument("--steps", type=int, help="stop after so many steps")


def _add_packs(commands: argparse._SubParsersAction) -> None:
    p = commands.add_parser("packs", help="list, install and remove model packs")
    p.set_defaults(run=lambda _: pack_commands.listing())
    actions = p.add_subparsers(metavar="ACTION")
    add = actions.add_parser("install", help="install a pack for this user")
    add.add_argument("source", type=Path, help="a pack's .zip, or its folder")
    add.add_argument("--replace", action="store_true", help="in place of one of the same name")
    add.set_defaults(run=lambda a: pack_commands.install(a.source, replace=a.replace))
    remove = actions.add_parser("remove", help="remove an installed pack")
    remove.add_argument("name", help="as `packs` lists it")
    remove.set_defaults(run=lambda a: pack_commands.remove(a.name))


def _add_generate(commands: argparse._SubParsersAction) -> None:
    p = commands.add_parser("generate", help="one prompt to one motion clip")
    p.add_argument("--prompt", required=True, help="what happens, in English")
    p.add_argument("--seconds", type=float, default=DEFAULT_SECONDS, help="length (%(default)s)")
    p.add_argument(
        "--pose",
        action="append",
        default=[],
        metavar="WHEN:FILE.npy",
        help="a pose (22, 3) in metres to pass through; WHEN is start, end or seconds",
    )
    p.add_argument(
        "--place", action="store_true", help="where the poses stand counts too, from the first one"
    )
    add_options(p)
    p.add_argument(
        "--raw", action="store_true", help="as the model gave it, not corrected to meet the poses"
    )
    _pack(p)
    _device(p)
    p.add_argument(
        "--out", type=Path, default=Path("clip.npz"), help="file, .npz or .bvh (%(default)s)"
    )
    p.set_defaults(run=_later(".commands.commands", "generate"))


def _add_caption(commands: argparse._SubParsersAction) -> None:
    p = commands.add_parser("caption", help="say what a motion clip shows")
    p.add_argument("clip", type=Path, help="a clip.npz")
    add_options(p, UNRANKED, temperature=0.0)
    _pack(p)
    _device(p)
    p.set_defaults(run=_later(".commands.commands", "caption"))


def _add_serve(commands: argparse._SubParsersAction) -> None:
    p = commands.add_parser("serve", help="answer requests on stdin (what Blender starts)")
    _pack(p)
    _device(p)
    p.add_argument("--fake", action="store_true", help="no model: for tests of the interface")
    p.set_defaults(run=_serve)


def _add_training(commands: argparse._SubParsersAction) -> None:
    for name, what in (("train-tokenizer", "poses to codes"), ("train-language", "the LLM")):
        p = commands.add_parser(name, help=f"train {what} from a TOML recipe")
        p.add_argument("config", type=Path, help="recipe (TOML)")
        _data(p)
        p.add_argument("--out", type=Path, required=True, help="folder of the pack")
        _device(p)
        _budget(p)
        if name == "train-tokenizer":
            p.add_argument(
                "--keep-codes",
                action="store_true",
                help="train a new decoder for the codes of the tokenizer that --out holds",
            )
        p.set_defaults(run=_later(".commands.commands", "train"), what=name)


def _add_compare(commands: argparse._SubParsersAction) -> None:
    p = commands.add_parser(
        "compare-tokenizers", help="train several tokenizers alike, and put them in one table"
    )
    p.add_argument("config", type=Path, help="recipe (TOML) with a [comparison] table")
    _data(p)
    p.add_argument("--out", type=Path, required=True, help="folder of the table and of the runs")
    _device(p)
    p.add_argument("--minutes", type=float, help="train each so many minutes")
    p.add_argument("--steps", type=int, help="train each so many steps")
    p.set_defaults(run=_later(".lab.compare_tokenizers"))


def _add_train_evaluator(commands: argparse._SubParsersAction) -> None:
    p = commands.add_parser(
        "train-evaluator", help="train the evaluator: text and motion in one space"
    )
    p.add_argument("config", type=Path, help="recipe (TOML) with an [evaluator] table")
    _data(p)
    p.add_argument("--out", type=Path, required=True, help="folder of the evaluator")
    _device(p)
    _budget(p)
    p.set_defaults(run=_later(".commands.train_evaluator"))


def _add_train_reranker(commands: argparse._SubParsersAction) -> None:
    p = commands.add_parser(
        "train-reranker", help="train only what chooses among a pack's candidates, into that pack"
    )
    p.add_argument("config", type=Path, help="recipe (TOML) with a [reranker] table")
    _data(p)
    p.add_argument("--out", type=Path, required=True, help="folder of the pack")
    _device(p)
    _budget(p)
    p.set_defaults(run=_later(".text_motion.reranker_training"))


def _add_evaluate(commands: argparse._SubParsersAction) -> None:
    p = commands.add_parser("evaluate", help="measure a pack on held-out clips")
    p.add_argument("config", type=Path, nargs="?", help="recipe that says which data sets count")
    _data(p)
    _pack(p)
    p.add_argument("--evaluator", type=Path, help="folder of an evaluator (runs/evaluator)")
    p.add_argument("--out", type=Path, help="folder of the report (runs/evaluate/PACK)")
    p.add_argument("--sets", nargs="+", help="sets of the data folder (the recipe's, or all)")
    p.add_argument(
        "--split", default="test", choices=("val", "test"), help="held out (%(default)s)"
    )
    p.add_argument("--clips", type=int, help="look at so many clips only")
    p.add_argument("--pool", type=int, default=32, help="captions that compete (%(default)s)")
    p.add_argument("--draws", type=int, default=20, help="how often pools are drawn (%(default)s)")
    p.add_argument("--samples", type=int, default=3, help="motions of each text (%(default)s)")
    p.add_argument("--pose-clips", type=int, default=0, help="fewer clips for pose tasks (all)")
    add_options(p, ("seed", "temperature", "candidates"))
    p.add_argument(
        "--prompts", type=Path, nargs="+", help="lists of prompts (those that are shipped)"
    )
    p.add_argument("--sheets", type=int, default=0, help="draw so many clips, pose by pose")
    p.add_argument("--card", action="store_true", help="write the pack's MODEL_CARD.md, too")
    _device(p)
    p.set_defaults(run=_later(".commands.evaluate"))


def _add_evaluate_paper(commands: argparse._SubParsersAction) -> None:
    p = commands.add_parser(
        "evaluate-paper", help="measure a pack of the style 'paper' as the paper was measured"
    )
    p.add_argument("config", type=Path, help="recipe (TOML), e.g. humanml3d_paper.toml")
    _data(p)
    p.add_argument("--pack", type=Path, required=True, help="model pack folder")
    p.add_argument("--authors", type=Path, required=True, help="checkpoints of Guo et al. 2022")
    p.add_argument("--glove", type=Path, required=True, help="their word vectors (our_vab_*)")
    p.add_argument("--split", default="test", help="which clips (%(default)s)")
    p.add_argument("--repeats", type=int, help="measurements, instead of the recipe's")
    p.add_argument("--clips", type=int, help="at most so many clips, instead of all")
    p.add_argument("--seed", type=int, default=0, help="of orders, captions and motions")
    _device(p)
    p.add_argument("--out", type=Path, help="folder of the tables (runs/evaluate/NAME)")
    p.set_defaults(run=_later(".commands.evaluate_paper"))


def _add_evaluate_folds(commands: argparse._SubParsersAction) -> None:
    p = commands.add_parser(
        "evaluate-folds", help="train and measure a recipe several times, each clip held out once"
    )
    p.add_argument("config", type=Path, help="recipe (TOML)")
    _data(p)
    p.add_argument("--out", type=Path, required=True, help="folder of the folds and the tables")
    p.add_argument("--folds", type=int, default=5, help="how many (%(default)s)")
    p.add_argument("--fold", type=int, help="only this one; without it the table of all is made")
    p.add_argument("--share", type=float, default=1.0, help="of the recipe's minutes (1)")
    p.add_argument("--evaluator", type=Path, help="folder of an evaluator (runs/evaluator)")
    p.add_argument("--sets", nargs="+", help="sets of the data folder (the recipe's)")
    p.add_argument("--pool", type=int, default=16, help="captions that compete (%(default)s)")
    p.add_argument("--samples", type=int, default=3, help="motions of each text (%(default)s)")
    p.add_argument("--pose-clips", type=int, default=0, help="fewer clips for pose tasks (all)")
    p.add_argument("--minutes", type=float, help="of each training")
    p.add_argument("--steps", type=int, help="of each training")
    _device(p)
    p.add_argument("--seed", type=int, default=0, help="of the folds and all draws")
    p.set_defaults(run=_later(".lab.folds"))


def _add_import(commands: argparse._SubParsersAction) -> None:
    p = commands.add_parser(
        "import-checkpoint", help="turn the reference system's downloads into a model pack"
    )
    for option, what in (
        ("--vqvae", "pretrained_vqvae/t2m.pth or kit.pth"),
        ("--mean", "mean.npy that the VQ-VAE was trained with"),
        ("--std", "std.npy that the VQ-VAE was trained with"),
        ("--base", "lit-llama.pth, or a folder with a Llama"),
        ("--lora", "pretrained_lora/pretrained.pth"),
        ("--tokenizer", "tokenizer.model, or a folder with tokenizer.json"),
        ("--out", "folder of the pack, new"),
    ):
        p.add_argument(option, type=Path, required=True, help=what)
    p.add_argument("--skeleton", type=Path, help="one of the data set's new_joints/*.npy")
    p.add_argument("--heads", type=int, help="attention heads, if not of 128 channels each")
    p.add_argument("--name", help="short name (that of the folder)")
    p.add_argument("--licence", help="licence as the pack will say it")
    p.set_defaults(run=_later(".importers.import_pack"))


def _add_export(commands: argparse._SubParsersAction) -> None:
    p = commands.add_parser(
        "export-merged", help="a pack's language model as one folder for vLLM or transformers"
    )
    _pack(p)
    p.add_argument("--out", type=Path, required=True, help="folder to write, new")
    p.add_argument("--dtype", default="float32", help="float32, bfloat16 or float16")
    p.set_defaults(run=_later(".commands.export_merged"))


def _add_bench(commands: argparse._SubParsersAction) -> None:
    p = commands.add_parser("bench", help="how fast a pack writes motion, as ratios of one run")
    _pack(p)
    p.add_argument("--seconds", type=float, default=DEFAULT_SECONDS, help="length (%(default)s)")
    p.add_argument("--rounds", type=int, default=3, help="the best of so many (%(default)s)")
    _device(p)
    p.add_argument("--out", type=Path, help="also write the numbers (JSON)")
    p.set_defaults(run=_later(".lab.bench"))


def _add_ablate(commands: argparse._SubParsersAction) -> None:
    p = commands.add_parser("ablate", help="what each choice of a recipe is worth, in tables")
    p.add_argument("config", type=Path, help="recipe (TOML) with an [ablation] table")
    _data(p)
    p.add_argument("--out", type=Path, required=True, help="folder of the rows and tables")
    p.add_argument("--evaluator", type=Path, help="folder of an evaluator (runs/evaluator)")
    _device(p)
    p.add_argument("--rows", type=int, nargs="+", help="only these, by number; all make the tables")
    p.add_argument("--minutes", type=float, help="each training takes so many minutes")
    p.add_argument("--steps", type=int, help="each training takes so many steps")
    p.set_defaults(run=_later(".lab.ablation"))


def _add_prepare(commands: argparse._SubParsersAction) -> None:
    p = commands.add_parser(
        "prepare-data", help="turn BVH files, clips, HumanML3D or KIT-ML into a data folder"
    )
    p.add_argument("source", type=Path, help="folder with the motion")
    p.add_argument("--out", type=Path, required=True, help="data folder to write")
    p.add_argument("--captions", type=Path, help="captions.json or .csv, if not in the source")
    p.add_argument("--captions-from-names", action="store_true", help="file names as captions")
    p.add_argument("--pack", help="name of the pack (that of the source)")
    p.add_argument("--split", help="percent of train/val/test (85/5/10, or the official one)")
    p.add_argument("--licence", default="", help="noted with each clip")
    p.add_argument("--scale", type=float, help="metres in one unit of a BVH (guessed)")
    p.add_argument("--up", choices=("auto", "y", "z"), default="auto", help="up axis of a BVH")
    p.add_argument("--own-proportions", action="store_true", help="keep each file's bone lengths")
    p.set_defaults(run=_later(".commands.commands", "prepare_data"))


def _later(module: str, name: str = "run") -> Callable[[argparse.Namespace], int]:
    """A command whose module is imported when it runs."""
    return partial(_call, module, name)


def _call(module: str, name: str, arguments: argparse.Namespace) -> int:
    return int(getattr(import_module(module, __package__), name)(arguments))


def _serve(arguments: argparse.Namespace) -> int:
    from .serving import server

    if arguments.fake:
        from ext_models.serving.fake import FakePipeline

        hello = _hello("fake (no model)", "none", fps=20.0, max_frames=196)
        return server.serve(hello, FakePipeline)
    manifest = packs.read_manifest(arguments.pack)
    hello = _hello("motiongpt", manifest.name, manifest.fps, manifest.max_frames)

    def load() -> Pipeline:
        from ext_models.generation.pipeline import MotionPipeline

        return MotionPipeline.from_pack(arguments.pack, arguments.device)

    return server.serve(hello, load)


def _hello(backend: str, pack: str, fps: float, max_frames: int) -> Hello:
    return Hello(PROTOCOL, backend, __version__, os.getpid(), pack, fps, max_frames)


if __name__ == "__main__":
    sys.exit(main())

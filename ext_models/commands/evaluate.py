"""``evaluate``: measures a pack on held-out clips; writes tables, numbers and pictures."""

from __future__ import annotations

import argparse
import datetime
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Final

from ext_models import packs
from ext_models.datasets.examples import Example
from ext_models.datasets.layouts import read_sets
from ext_models.devices import pick_device
from ext_models.errors import PipelineError
from ext_models.evaluation.contact_sheets import draw_sheets
from ext_models.evaluation.metrics import TOP
from ext_models.evaluation.prompts.prompt_lists import (
    PromptList,
    read_prompts,
    shipped_lists,
    standard_lists,
)
from ext_models.evaluation.settings import EvalSettings
from motiongpt_blender.core.packs.manifest import CARD

from .options import (
    RUNS,
    add_data,
    add_device,
    add_evaluator,
    add_pack,
    add_sampling,
    all_sets,
    data_sets_of,
    read_evaluator,
    sampling_of,
)

if TYPE_CHECKING:
    from ext_models.evaluation.clip_maker import ClipMaker
    from ext_models.evaluation.eval_set import EvalSet
    from ext_models.evaluation.evaluation import Evaluation

#: The sampling options of an evaluation.
SAMPLED: Final = ("seed", "temperature", "candidates")


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the options."""
    defaults = EvalSettings()
    parser.add_argument("config", type=Path, nargs="?", help="recipe that names the data sets")
    add_data(parser)
    parser.add_argument(
        "--held-out",
        type=Path,
        metavar="DIR",
        help="instead of --data: a data folder that the pack has not seen; all of its clips are "
        "measured, and none are training clips to compare with",
    )
    add_pack(parser)
    add_evaluator(parser)
    parser.add_argument("--out", type=Path, help="folder of the report (runs/evaluate/PACK)")
    parser.add_argument(
        "--sets", nargs="+", help="sets of the data folder (those of the recipe, or all)"
    )
    parser.add_argument(
        "--split", default="test", choices=("val", "test"), help="held out (%(default)s)"
    )
    parser.add_argument("--clips", type=int, help="measure at most so many clips")
    for name, what in (
        ("pool", "captions that compete"),
        ("draws", "how often pools are drawn"),
        ("samples", "motions of each text"),
        ("pose_clips", "clips of the pose tasks; 0 is all"),
    ):
        parser.add_argument(
            "--" + name.replace("_", "-"),
            type=int,
            default=getattr(defaults, name),
            help=what + " (%(default)s)",
        )
    add_sampling(parser, SAMPLED)
    parser.add_argument(
        "--prompts",
        nargs="+",
        metavar="LIST",
        help=f"lists of prompts: files, or names of shipped ones: {', '.join(shipped_lists())} "
        "(the standard ones)",
    )
    parser.add_argument("--sheets", type=int, default=0, help="contact sheets of so many clips")
    parser.add_argument("--card", action="store_true", help="write the pack's MODEL_CARD.md, too")
    add_device(parser)


def run(arguments: argparse.Namespace) -> int:
    """Measure the pack, print the report and write it."""
    from ext_models.evaluation.clip_maker import ClipMaker, pack_hash
    from ext_models.evaluation.eval_set import build_eval_set
    from ext_models.evaluation.evaluation import evaluate
    from ext_models.evaluation.plots import draw
    from ext_models.generation.pipeline import MotionPipeline

    settings = _settings(arguments)
    if arguments.card and arguments.held_out:
        raise PipelineError(
            "--card: a card counts the pack's training clips, which --held-out does not have: give "
            "the whole data folder with --data."
        )
    manifest = packs.read_manifest(arguments.pack)
    sets = read_clips(arguments, manifest.name)
    lists = named_lists(arguments.prompts) if arguments.prompts else standard_lists()
    evaluator = read_evaluator(arguments, pick_device(arguments.device))
    examples = [example for clips in sets.values() for example in clips]
    pipeline = MotionPipeline.from_pack(arguments.pack, arguments.device)
    eval_set = build_eval_set(
        pipeline,
        examples,
        settings,
        evaluator,
        clips=arguments.clips,
        split=arguments.split,
        data_sets={example.id: name for name, clips in sets.items() for example in clips},
    )
    out = arguments.out or RUNS / "evaluate" / manifest.name
    maker = ClipMaker(pipeline, out / "clips" / f"{pack_hash(arguments.pack)}.jsonl")
    facts = {
        "pack": f"{manifest.name}, {pack_hash(arguments.pack)}",
        "data": f"{', '.join(sets)}, "
        + ("all clips held out" if arguments.held_out else f"split {arguments.split}"),
        "evaluator": evaluator.name if evaluator else "none",
        "seed": settings.sampling.seed,
        "samples of each text": settings.samples,
        "date": datetime.date.today().isoformat(),
    }
    kept, notes = usable(lists, examples, named=bool(arguments.prompts))
    result = evaluate(eval_set, maker, kept, RUNS / "evaluate" / "points", facts)
    print(result.markdown())
    result.save(out)
    sheets = _sheets(eval_set, maker, kept, arguments.sheets, out)
    print("\n".join([*notes, *draw(result, out), *sheets, f"report written to {out}"]))
    if arguments.card:
        write_card(arguments.pack, eval_set, examples, result)
    return 0


def read_clips(arguments: argparse.Namespace, pack: str) -> dict[str, list[Example]]:
    """The clips of each data set that a pack is measured on, by the set's name.

    Those of ``--held-out`` are in the held-out split, whatever their folder says.
    """
    if arguments.held_out is None:
        names, quoted = data_sets_of(arguments, pack)
        return {n: read_sets(arguments.data, n, quoted_captions=quoted) for n in names}
    names = arguments.sets or all_sets(arguments.held_out)
    return {
        n: [replace(e, split=arguments.split) for e in read_sets(arguments.held_out, n)]
        for n in names
    }


def named_lists(names: Sequence[str]) -> tuple[PromptList, ...]:
    """The lists of some files, or of the names of shipped ones; raises PipelineError."""
    shipped = shipped_lists()
    return tuple(read_prompts(shipped.get(name) or Path(name)) for name in names)


def usable(
    lists: Sequence[PromptList], examples: Sequence[Example], *, named: bool
) -> tuple[tuple[PromptList, ...], list[str]]:
    """The prompts whose labels the data has, and sentences about those that it has not."""
    kept: list[PromptList] = []
    notes: list[str] = []
    for one in lists:
        known, left_out = one.known(examples)
        if left_out:
            notes.append(
                f"{one.name}: {left_out} of {len(one.prompts)} prompts name labels that this "
                "data has not; they were left out."
            )
        if len(known.prompts) > TOP:
            kept.append(known)
        elif named:
            raise PipelineError(
                f"The list of prompts '{one.name}' names labels that the data has not: evaluate "
                "with --sets that have them."
            )
    return tuple(kept), notes


def write_card(
    pack: Path, eval_set: EvalSet, examples: Sequence[Example], result: Evaluation
) -> None:
    """Write the pack's ``MODEL_CARD.md`` from what was measured."""
    from ext_models.evaluation.model_card import (
        model_card,
        motions_to_look_up,
        parameter_counts,
        planner_lines,
        training_note,
    )

    card = model_card(
        eval_set.pipeline.manifest,
        result,
        {name: count / 1e6 for name, count in parameter_counts(pack).items()},
        {s: sum(e.split == s for e in examples) for s in ("train", "val", "test")}
        | {"measured": len(eval_set.clips), "look_up": motions_to_look_up(pack)},
        pretrained=training_note(pack).get("pretrained", True),
        planner=planner_lines(pack),
    )
    (pack / CARD).write_text(card, encoding="utf-8")
    print(f"card written to {pack / CARD}")


def _sheets(
    eval_set: EvalSet, maker: ClipMaker, lists: Sequence[PromptList], count: int, out: Path
) -> list[str]:
    """Draw the first sample of some texts, as many of each list; sentences about it."""
    from ext_models.evaluation.baselines import text_request
    from ext_models.evaluation.prompts.prompt_scores import prompt_requests

    if not count:
        return []
    asked = [[text_request(eval_set, i, 0) for i in range(len(eval_set.clips))]]
    asked += [prompt_requests(eval_set, one)[: len(one.prompts)] for one in lists]
    share = -(-count // len(asked))
    chosen = [r for requests in asked for r in requests[:: -(-len(requests) // share)][:share]]
    chosen = chosen[:count]
    clips = maker.make(chosen, "sheets")
    titles = [f"{r.prompt} ({r.frames / eval_set.pipeline.manifest.fps:.1f} s)" for r in chosen]
    pages = draw_sheets(list(zip(titles, clips, strict=True)), out / "sheets")
    return [f"{len(chosen)} clips drawn: {out / 'sheets'}"] if pages else []


def _settings(arguments: argparse.Namespace) -> EvalSettings:
    for name, least in (
        ("pool", TOP + 1),
        ("samples", 1),
        ("draws", 1),
        ("pose_clips", 0),
        ("sheets", 0),
        ("clips", TOP + 1),
    ):
        value = getattr(arguments, name)
        if value is not None and value < least:
            raise PipelineError(f"--{name.replace('_', '-')} {value}: {least} at least.")
    return EvalSettings(
        pool=arguments.pool,
        draws=arguments.draws,
        samples=arguments.samples,
        sampling=sampling_of(arguments),
        pose_clips=arguments.pose_clips,
    )

"""Cross-validation: a recipe is trained and measured once a fold.

The test split of a small data set is a few clips. Here every clip is held out once: takes are
assigned to folds, and for each fold a pack is trained on the other folds and measured on it.
A take stays in one fold, so that no pack is measured on half of a take that it has seen.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import asdict, replace
from pathlib import Path
from typing import Final

import numpy as np

from ext_models import packs
from ext_models.datasets import data_folder
from ext_models.datasets.examples import data_hash
from ext_models.datasets.layouts import Example
from ext_models.errors import PipelineError
from ext_models.evaluation.clip_maker import ClipMaker, pack_hash
from ext_models.evaluation.eval_set import Evaluator, build_eval_set
from ext_models.evaluation.evaluation import LABELS, Evaluation, evaluate
from ext_models.evaluation.metrics import mean_and_half
from ext_models.evaluation.settings import EvalSettings
from ext_models.evaluation.tables import Row, Table, Value
from ext_models.generation.pipeline import MotionPipeline
from ext_models.language.pack_training import train_pack
from ext_models.recipes.schema import Recipe
from ext_models.text_motion.reranker_training import train_reranker
from ext_models.tokenizer.recipe import train_from_recipe
from ext_models.tokenizer.vqvae import save_tokenizer
from ext_models.training.run_identity import claim, short_hash

#: Every n-th training take goes to the val split, which tells when to stop.
VAL_EVERY: Final = 20
SUMMARY: Final = "folds.md"


def take_of_clips(folder: Path | str | None) -> dict[str, str]:
    """The take of each clip of a data folder; empty where the data set does not say."""
    root = Path(folder or ".")
    if not data_folder.is_data_folder(root):
        return {}
    return {c["id"]: str(c.get("take") or c["id"]) for c in data_folder.read_clips(root)}


def assign_folds(
    examples: Sequence[Example], take: Mapping[str, str], folds: int, seed: int
) -> list[list[Example]]:
    """The clips with new splits, one list a fold; each clip is held out in one of them.

    Args:
        examples: clips of any split.
        take: of each clip by id; a clip that is not there is a take of its own.
        folds: how many.
        seed: of the order in which takes are assigned.
    """
    groups: dict[str, list[str]] = defaultdict(list)
    for example in examples:
        groups[take.get(example.id, example.id)].append(example.id)
    names = sorted(groups)
    if len(names) < folds:
        raise PipelineError(f"{len(names)} takes cannot be split into {folds} folds: use fewer.")
    order = np.random.default_rng(seed).permutation(len(names))
    sizes, fold_of = [0] * folds, dict[str, int]()
    # The largest takes first, each to the smallest fold: folds of like size.
    for index in sorted(order, key=lambda k: -len(groups[names[k]])):
        fold = sizes.index(min(sizes))
        sizes[fold] += len(groups[names[index]])
        fold_of[names[index]] = fold

    def fold_of_examples(fold: int) -> list[Example]:
        others = [names[k] for k in order if fold_of[names[k]] != fold]
        val_takes = set(others[::VAL_EVERY])

        def split(example: Example) -> str:
            name = take.get(example.id, example.id)
            if fold_of[name] == fold:
                return "test"
            return "val" if name in val_takes else "train"

        return [replace(e, split=split(e)) for e in examples]

    return [fold_of_examples(fold) for fold in range(folds)]


def train_fold(
    recipe: Recipe, examples: list[Example], folder: Path, device: str, data: Path | None
) -> Path:
    """Train a fold's pack, or find it: its folder.

    Args:
        recipe: of the pack, with the budget of the fold.
        examples: clips of all splits.
        folder: of the fold.
        device: cpu, cuda or mps.
        data: the data folder, for the statistics of a published tokenizer.

    Raises:
        PackError: when it was trained on other clips, or otherwise.
    """
    pack, work = folder / "pack", folder / "training"
    refusal = "holds a fold of other clips, recipe or budget: delete it, or choose another --out."
    identity = {"recipe": short_hash(asdict(recipe)), "data": data_hash(examples)}
    claim(folder, identity, refusal, begun=pack.is_dir() or work.is_dir())
    if (pack / packs.MANIFEST).is_file():
        return pack
    table, language = recipe.pack_table, recipe.language_table
    work.mkdir(parents=True, exist_ok=True)
    if not (pack / packs.TOKENIZER_WEIGHTS).is_file():
        model = train_from_recipe(
            recipe.tokenizer_table, examples, work, seed=table.seed, device=device, data=data
        )
        save_tokenizer(model, pack)
    if recipe.reranker:
        train_reranker(recipe.reranker, table, language, examples, pack, work, device=device)
    train_pack(table, language, examples, pack, work, device=device)
    return pack


def measure_fold(
    pack: Path,
    examples: list[Example],
    folder: Path,
    settings: EvalSettings,
    evaluator: Evaluator | None,
    device: str,
) -> Evaluation:
    """Measure a fold's pack on its held-out clips and save the report."""
    pipeline = MotionPipeline.from_pack(pack, device)
    eval_set = build_eval_set(pipeline, examples, settings, evaluator)
    maker = ClipMaker(pipeline, folder / "clips" / f"{pack_hash(pack)}.jsonl")
    facts = {"pack": pack_hash(pack), "evaluator": evaluator.name if evaluator else "none"}
    result = evaluate(eval_set, maker, (), folder / "points", facts)
    result.save(folder)
    return result


def save_folds(results: Sequence[Evaluation], folder: Path) -> str:
    """Write the folds' tables, each cell the mean over the folds with its interval.

    Returns:
        The tables as Markdown, and where they are.
    """
    tables = average_over_folds(results)
    text = "\n".join(
        [
            f"# {len(results)} folds",
            "",
            *(table.markdown() for table in tables.values()),
            "± is the 95 % interval over the folds. The evaluator may have learnt from clips that "
            "are held out here; all rows gain from that alike.",
        ]
    )
    (folder / SUMMARY).write_text(text + "\n", encoding="utf-8")
    for name, table in tables.items():
        table.save(folder / f"{name}.json")
    return f"{text}\nwritten to {folder / SUMMARY}"


def average_over_folds(results: Sequence[Evaluation]) -> dict[str, Table]:
    """The tables of one evaluation, with the means over several; folds have labels of their own."""
    tables: dict[str, Table] = {}
    for name, first in results[0].tables.items():
        if name == LABELS:
            continue
        rows: list[Row] = []
        for place, row in enumerate(first.rows):
            same = [result.tables[name].rows[place] for result in results]
            values: dict[str, Value] = {
                metric: mean_and_half([_mean(one.values[metric]) for one in same])
                for metric in row.values
            }
            rows.append(Row(row.name, values, row.evaluator))
        tables[name] = Table(f"{name}, {len(results)} folds", tuple(rows))
    return tables


def _mean(value: Value) -> float:
    return value[0] if isinstance(value, tuple) else value

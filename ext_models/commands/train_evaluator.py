"""The command ``train-evaluator``: recipe, data and folder in, an evaluator out."""

from __future__ import annotations

import argparse
import hashlib
import json
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

from ext_models.datasets.examples import data_hash
from ext_models.datasets.joining import join_examples
from ext_models.datasets.layouts import DataError, Example, read_examples
from ext_models.devices import pick_device
from ext_models.evaluation.metrics import interval
from ext_models.text_motion import model as files
from ext_models.text_motion.clips import clip_label
from ext_models.text_motion.network import TextMotionConfig, TextMotionError
from ext_models.text_motion.training import (
    FEWEST_HELD_OUT,
    TextMotionTraining,
    retrieval,
    train_text_motion,
)
from ext_models.training.recipe import read_toml

from .commands import RUNS


def run(arguments: argparse.Namespace) -> int:
    """Train from a recipe's ``[evaluator]`` tables and measure on the test split."""
    table = _table(arguments.config)
    training: dict[str, Any] = dict(table.pop("training", {}))
    for name in ("steps", "minutes"):
        if getattr(arguments, name) is not None:
            training[name] = getattr(arguments, name)
    packs, seed = table.pop("data"), int(table.pop("seed", 0))
    together = int(table.pop("together", 0))
    quoted = bool(table.pop("quoted_captions", False))
    try:
        config, settings = TextMotionConfig(**table), TextMotionTraining(**training)
    except TypeError as error:
        raise TextMotionError(f"{arguments.config}: {error}.") from None
    device = pick_device(arguments.device)
    packs = [packs] if isinstance(packs, str) else packs
    examples = read_packs(arguments.data, packs, quoted_captions=quoted)
    examples += _at_once(examples, together, config.max_frames, seed)
    data = data_hash(examples)
    work = RUNS / f"evaluator-{data}-{_settings_hash(config, settings, seed)}"
    evaluator = train_text_motion(config, settings, examples, work, seed=seed, device=device)
    notes = {
        **files.read_card(work / "best")["notes"],
        "packs": packs,
        "seed": seed,
        "together": together,
        "clips": {s: sum(e.split == s for e in examples) for s in ("train", "val", "test")},
        "training": asdict(settings),
    }
    test = [e for e in examples if e.split == "test"]
    pool = min(32, len({clip_label(e) for e in test}))
    if pool >= FEWEST_HELD_OUT:
        scores = [interval(column) for column in retrieval(evaluator, test).T]
        notes["test_r_precision"] = {"pool": pool, "top_1_2_3": [[i.mean, i.half] for i in scores]}
        print(
            f"R-precision of {len(test)} real test clips, pools of {pool} (chance {1 / pool:.3f}):"
        )
        print("  " + "   ".join(f"top {k}: {score}" for k, score in enumerate(scores, 1)))
    files.save(evaluator, arguments.out, notes)
    print(f"evaluator {evaluator.name} written to {arguments.out}")
    return 0


def read_packs(
    folder: Path | str | None, packs: Sequence[str], *, quoted_captions: bool = False
) -> list[Example]:
    """The clips of several packs of one data folder; raises EvaluatorError in a sentence."""
    root = Path(folder) if folder else None
    try:
        parts = [read_examples(root, p, quoted_captions=quoted_captions) for p in packs]
    except DataError as error:
        raise TextMotionError(str(error)) from None
    return [example for part in parts for example in part]


def _at_once(examples: Sequence[Example], count: int, longest: int, seed: int) -> list[Example]:
    """Training clips of an upper body on other legs: a judge should hear "while", too.

    It may know the pairs that are kept from packs: it is to tell whether they are there.
    """
    train = [e for e in examples if e.split == "train"]
    return join_examples(train, then=0, together=count, longest=longest, seed=seed)


def _table(recipe: Path) -> dict[str, Any]:
    """The recipe's ``[evaluator]`` table; its data, unless named there, is the pack's."""
    body = read_toml(recipe)
    pack = body.get("pack", {})
    if "evaluator" not in body:
        raise TextMotionError(f"{recipe}: the recipe has no [evaluator] table.")
    shared = {k: pack[k] for k in ("data", "seed", "quoted_captions") if k in pack}
    table = {**shared, **body["evaluator"]}
    if not table.get("data"):
        raise TextMotionError(f'{recipe}: [evaluator] names no data; write data = ["clean"], say.')
    return table


def _settings_hash(config: TextMotionConfig, settings: TextMotionTraining, seed: int) -> str:
    """Names a run: a longer budget resumes it, anything else starts another."""
    fixed = {k: v for k, v in asdict(settings).items() if k not in ("steps", "minutes")}
    text = json.dumps([asdict(config), fixed, seed], sort_keys=True)
    return hashlib.sha256(text.encode()).hexdigest()[:8]

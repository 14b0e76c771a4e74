"""``train-evaluator``: trains the evaluator of text and motion from a recipe."""

from __future__ import annotations

import argparse
import hashlib
import json
from collections.abc import Sequence
from dataclasses import asdict
from typing import TYPE_CHECKING

from ext_models.datasets.examples import SPLITS, Example, data_hash
from ext_models.datasets.joining import join_examples
from ext_models.datasets.layouts import read_sets
from ext_models.devices import pick_device
from ext_models.evaluation.metrics import Interval, interval
from ext_models.training.pack_table import PackTable

from .options import RUNS, add_training, read_recipe

if TYPE_CHECKING:
    from ext_models.text_motion.network import TextMotionConfig
    from ext_models.text_motion.training import TextMotionTraining


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the options."""
    add_training(parser, "recipe (TOML) with an [evaluator] table", "folder of the evaluator")


def run(arguments: argparse.Namespace) -> int:
    """Train from a recipe's ``[evaluator]`` tables and measure on the test split."""
    from ext_models.text_motion.clips import clip_label
    from ext_models.text_motion.model import read_card, save
    from ext_models.text_motion.network import TextMotionError
    from ext_models.text_motion.training import (
        BEST,
        MIN_LABELS,
        POOL,
        retrieval,
        train_text_motion,
    )

    recipe = read_recipe(arguments)
    table = recipe.demand(recipe.evaluator, "evaluator")
    shared = recipe.pack or PackTable("evaluator")
    config, settings, together = table.config, table.training, table.together
    sets = table.data or shared.data_sets
    seed = shared.seed if table.seed is None else table.seed
    quoted = shared.quoted_captions if table.quoted_captions is None else table.quoted_captions
    if not sets:
        raise TextMotionError(
            f'{arguments.config}: [evaluator] names no data; write data = ["clean"], say.'
        )
    device = pick_device(arguments.device)
    examples = read_sets(arguments.data, sets, quoted_captions=quoted)
    examples += _overlaid(examples, together, config.max_frames, seed)
    work = RUNS / f"evaluator-{data_hash(examples)}-{_settings_hash(config, settings, seed)}"
    evaluator = train_text_motion(config, settings, examples, work, seed=seed, device=device)
    notes = {
        **read_card(work / BEST)["notes"],
        "packs": [sets] if isinstance(sets, str) else list(sets),
        "seed": seed,
        "together": together,
        "clips": {s: sum(e.split == s for e in examples) for s in SPLITS},
        "training": asdict(settings),
    }
    test = [e for e in examples if e.split == "test"]
    pool = min(POOL, len({clip_label(e) for e in test}))
    if pool >= MIN_LABELS:
        scores = [interval(column) for column in retrieval(evaluator, test).T]
        notes["test_r_precision"] = {"pool": pool, "top_1_2_3": [[i.mean, i.half] for i in scores]}
        _print_scores(scores, len(test), pool)
    save(evaluator, arguments.out, notes)
    print(f"evaluator {evaluator.name} written to {arguments.out}")
    return 0


def _print_scores(scores: Sequence[Interval], clips: int, pool: int) -> None:
    print(f"R-precision of {clips} real test clips, pools of {pool} (chance {1 / pool:.3f}):")
    print("  " + "   ".join(f"top {k}: {score}" for k, score in enumerate(scores, 1)))


def _overlaid(examples: Sequence[Example], count: int, longest: int, seed: int) -> list[Example]:
    """Training clips with the upper body of other clips, so that "while" is learnt, too.

    The pairs that are held out from packs may be among them: the evaluator has to know them.
    """
    train = [e for e in examples if e.split == "train"]
    return join_examples(train, then=0, together=count, longest=longest, seed=seed)


def _settings_hash(config: TextMotionConfig, settings: TextMotionTraining, seed: int) -> str:
    """Names a run: a longer budget resumes it, anything else starts another."""
    fixed = {k: v for k, v in asdict(settings).items() if k not in ("steps", "minutes")}
    text = json.dumps([asdict(config), fixed, seed], sort_keys=True)
    return hashlib.sha256(text.encode()).hexdigest()[:8]

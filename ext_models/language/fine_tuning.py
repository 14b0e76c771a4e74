"""Training of the language model: a small base from scratch, and an adapter on any base.

A base from scratch sees captions alone and motion codes alone, never a pair, as a pretrained
language model has seen text alone. The adapter then learns the instructions.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import torch

from ext_models.training.log import TrainingLog
from ext_models.training.trainer import Trainer, TrainingData

from .base_models.adapters import ADAPTER, set_learning
from .corpus import Encoded, Pool, add_code_noise, batch_of
from .instructions import answer
from .loss import Batch, HeldOut, TokenWeights
from .recipe import AdapterRecipe, LanguageTraining
from .tasks import TaskMix, draw, draw_summary
from .vocabulary import TokenIds

Pair = tuple[Sequence[int], Sequence[int]]
#: How many times more sequences a batch has when all its answers are summaries.
SUMMARIES_PER_ANSWER = 4
#: Share of the budget from which ``TaskMix.late_summary_share`` holds.
LATE = 0.5


def pretraining_pair(one: Encoded, ids: TokenIds, eos: int) -> Pair:
    """A caption alone or a clip's codes alone, one in four a caption.

    A clip without a caption gives its codes.
    """
    if one.captions and float(torch.rand(())) < 0.25:
        caption = one.captions[int(torch.randint(len(one.captions), ()))]
        return [caption[0]], [*caption[1:], eos]
    return [ids.start], answer(one.codes.tolist(), ids, one.summary)


def pretrain(
    model: Any,
    train: Sequence[Encoded],
    held_out: Sequence[Encoded],
    ids: TokenIds,
    eos: int,
    settings: LanguageTraining,
    run: Path,
) -> TrainingLog:
    """Teach a base from scratch captions alone and motions alone."""

    def draw_pair(pool: Pool) -> Pair:
        return pretraining_pair(pool.pick(), ids, eos)

    return _fit("base", model, draw_pair, (train, held_out), ids, settings, run, TaskMix())


def fine_tune(
    model: Any,
    train: Sequence[Encoded],
    held_out: Sequence[Encoded],
    ids: TokenIds,
    eos: int,
    mix: TaskMix,
    adapter: AdapterRecipe,
    run: Path,
) -> list[TrainingLog]:
    """Teach an adapter, or a whole base, the instructions of all tasks, one stage after another.

    Each stage resumes from ``run``, and one that another has followed is not trained again.
    """

    def draw_pair(pool: Pool) -> Pair:
        return draw(pool.pick(), mix, ids, eos)

    clips = train, held_out
    if not adapter.stages:
        return [_fit(ADAPTER, model, draw_pair, clips, ids, adapter.training, run, mix)]
    logs: list[TrainingLog] = []
    names = [f"{ADAPTER}-{at}-{stage.learns}" for at, stage in enumerate(adapter.stages, 1)]
    for at, (name, stage) in enumerate(zip(names, adapter.stages, strict=True), 1):
        settings = stage.settings(adapter.training)
        if any((run / f"{later}.pt").is_file() for later in names[at:]):
            settings = replace(settings, steps=1)  # a longer budget is for what is left to learn
        set_learning(model, stage.learns)
        logs.append(_fit(name, model, draw_pair, clips, ids, settings, run, mix))
    set_learning(model, "adapter")
    return logs


def _fit(
    name: str,
    model: Any,
    draw_pair: Callable[[Pool], Pair],
    clips: tuple[Sequence[Encoded], Sequence[Encoded]],
    ids: TokenIds,
    settings: LanguageTraining,
    run: Path,
    mix: TaskMix,
) -> TrainingLog:
    """Train on batches of drawn pairs; resumes from ``run``."""
    device = next(model.parameters()).device
    weights = TokenWeights(ids, settings.levels, device, settings.summary)
    summaries_alone = mix.summary_share == 1 and ids.vocabulary.summary[0] > 0
    asked = (lambda pool: draw_summary(pool.pick(), mix, ids)) if summaries_alone else draw_pair
    held_out = _held_out_batches(asked, Pool(clips[1]), ids, settings.batch)
    draw_batch = _batches(draw_pair, Pool(clips[0]), ids, settings.batch, mix)
    data = TrainingData(draw_batch, weights.loss, HeldOut(held_out, weights.measure))
    return Trainer(name, model, data, settings, run).run()


def _batches(
    draw_pair: Callable[[Pool], Pair], pool: Pool, ids: TokenIds, size: int, mix: TaskMix
) -> Callable[[float], Batch]:
    """Draws a batch at a share of the budget: whole answers, or more of summaries alone."""
    early = mix.summary_share if ids.vocabulary.summary[0] else 0.0
    late = early
    if mix.late_summary_share is not None and ids.vocabulary.summary[0]:
        late = mix.late_summary_share

    def summary() -> Pair:
        return draw_summary(pool.pick(), mix, ids)

    def batch(done: float) -> Batch:
        if float(torch.rand(())) < (late if done >= LATE else early):
            return batch_of(_similar_lengths(summary, SUMMARIES_PER_ANSWER * size), ids.pad)
        drawn = batch_of(_similar_lengths(lambda: draw_pair(pool), size), ids.pad)
        add_code_noise(drawn, ids, mix.code_noise)
        return drawn

    return batch


def _similar_lengths(draw_one: Callable[[], Pair], batch: int, pool: int = 4) -> list[Pair]:
    """A batch cut out of a larger, sorted draw, so that little of it is padding."""
    drawn = sorted((draw_one() for _ in range(batch * pool)), key=lambda p: len(p[0]) + len(p[1]))
    start = int(torch.randint(pool, ())) * batch
    return drawn[start : start + batch]


def _held_out_batches(
    draw_pair: Callable[[Pool], Pair], pool: Pool, ids: TokenIds, batch: int
) -> list[Batch]:
    """The same held-out batches at every validation; the random state stays as it was."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        pairs = [draw_pair(pool) for _ in range(4 * batch)]
    return [batch_of(pairs[i : i + batch], ids.pad) for i in range(0, len(pairs), batch)]

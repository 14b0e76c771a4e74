"""Training of the language model: a small base from scratch, and LoRA on any base.

The base sees captions alone and motion codes alone, never a pair, as a language model
off the shelf would have read text alone. LoRA then learns the instructions.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import torch

from ext_models.training.trainer import Batch, LanguageTraining, Trainer, TrainingData, TrainingLog
from ext_models.training.workers import Workers

from .corpus import Encoded, Pool, batch_of, with_code_noise
from .instructions import answer
from .loss import TokenWeights
from .tasks import TaskMix, draw, draw_summary
from .vocabulary import TokenIds

Pair = tuple[Sequence[int], Sequence[int]]
#: How many more sequences a batch has when all its answers are summaries.
SUMMARIES_PER_ANSWER = 4
#: Share of the budget from which ``TaskMix.late_summary_share`` holds.
HALF = 0.5
#: A training in one process.
ALONE = Workers()


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
    workers: Workers = ALONE,
) -> TrainingLog:
    """Teach a base from scratch what captions and what motions look like, separately."""
    return _fit(
        "base",
        model,
        lambda pool: pretraining_pair(pool.pick(), ids, eos),
        (train, held_out),
        ids,
        settings,
        run,
        TaskMix(),
        workers,
    )


def fine_tune(
    model: Any,
    train: Sequence[Encoded],
    held_out: Sequence[Encoded],
    ids: TokenIds,
    eos: int,
    mix: TaskMix,
    settings: LanguageTraining,
    run: Path,
    workers: Workers = ALONE,
) -> TrainingLog:
    """Teach the adapter the instructions, all tasks mixed."""
    return _fit(
        "adapter",
        model,
        lambda pool: draw(pool.pick(), mix, ids, eos),
        (train, held_out),
        ids,
        settings,
        run,
        mix,
        workers,
    )


def _fit(
    name: str,
    model: Any,
    draw: Callable[[Pool], Pair],
    clips: tuple[Sequence[Encoded], Sequence[Encoded]],
    ids: TokenIds,
    settings: LanguageTraining,
    run: Path,
    mix: TaskMix,
    workers: Workers,
) -> TrainingLog:
    """A stage on batches of drawn pairs; resumes from ``run`` when it was stopped."""
    pool = Pool(clips[0])
    weights = TokenWeights(ids, settings.levels, next(model.parameters()).device, settings.summary)
    held = _held_out_batches(draw, Pool(clips[1]), ids, settings.batch)
    data = TrainingData(_drawn(draw, pool, ids, settings.batch, mix), held, weights.loss)
    return Trainer(name, model, data, settings, run, workers).run()


def _drawn(
    draw: Callable[[Pool], Pair], pool: Pool, ids: TokenIds, size: int, mix: TaskMix
) -> Callable[[float], Batch]:
    """Draws a batch at a share of the budget: whole answers, or more of summaries alone."""
    early = mix.summary_share if ids.vocabulary.summary[0] else 0.0
    late = (
        early
        if mix.late_summary_share is None or not ids.vocabulary.summary[0]
        else mix.late_summary_share
    )

    def outline() -> Pair:
        return draw_summary(pool.pick(), mix, ids)

    def batch(done: float) -> Batch:
        if float(torch.rand(())) < (late if done >= HALF else early):
            return batch_of(_similar_lengths(outline, SUMMARIES_PER_ANSWER * size), ids.pad)
        made = batch_of(_similar_lengths(lambda: draw(pool), size), ids.pad)
        with_code_noise(made, ids, mix.code_noise)
        return made

    return batch


def _similar_lengths(draw: Callable[[], Pair], batch: int, pool: int = 4) -> list[Pair]:
    """A batch cut out of a larger, sorted draw, so that little of it is padding."""
    drawn = sorted((draw() for _ in range(batch * pool)), key=lambda p: len(p[0]) + len(p[1]))
    start = int(torch.randint(pool, ())) * batch
    return drawn[start : start + batch]


def _held_out_batches(
    draw: Callable[[Pool], Pair], pool: Pool, ids: TokenIds, batch: int
) -> list[Batch]:
    """The same held-out batches at every look, drawn apart from the training's own draws."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        pairs = [draw(pool) for _ in range(4 * batch)]
    return [batch_of(pairs[i : i + batch], ids.pad) for i in range(0, len(pairs), batch)]

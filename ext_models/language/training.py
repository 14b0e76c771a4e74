"""Training of the language model: a small base from scratch, and LoRA on any base.

The base sees captions alone and motion codes alone, never a pair, as a language model
off the shelf would have read text alone. LoRA then learns the instructions.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

import torch

from ext_models.training import Checkpoint, Schedule

from .corpus import Encoded, Pool, batch_of, corrupted
from .instructions import answer
from .loss import TokenWeights
from .tasks import TaskMix, draw
from .vocabulary import TokenIds

Batch = dict[str, torch.Tensor]
Pair = tuple[Sequence[int], Sequence[int]]


@dataclass(frozen=True)
class LanguageTraining:
    """Settings of one stage.

    Attributes:
        steps, minutes: the budget; whichever ends first.
        batch: sequences a step.
        learning_rate: of AdamW, at its highest.
        weight_decay: of AdamW.
        warm_up: steps until the full learning rate.
        check_every: steps between looks at the held-out loss.
        keep: which weights stay: the ``last``, or those of the ``best`` look.
        save_every: steps between checkpoints.
        levels: what an answer's code counts by its level, coarse first; all alike when empty.
    """

    steps: int = 20000
    minutes: float = 30.0
    batch: int = 16
    learning_rate: float = 1e-3
    weight_decay: float = 0.05
    warm_up: int = 100
    check_every: int = 250
    save_every: int = 500
    keep: Literal["best", "last"] = "last"
    levels: Sequence[float] = ()


@dataclass
class Curve:
    """Loss over time, for the card and the picture."""

    name: str
    train: list[tuple[int, float]] = field(default_factory=list)
    held_out: list[tuple[int, float]] = field(default_factory=list)

    @property
    def best(self) -> float:
        """Lowest held-out loss."""
        return min((loss for _, loss in self.held_out), default=float("nan"))


def pretraining_pair(one: Encoded, ids: TokenIds, eos: int) -> Pair:
    """A caption alone or a clip's codes alone, one in four a caption.

    A clip without a caption gives its codes.
    """
    if one.captions and float(torch.rand(())) < 0.25:
        caption = one.captions[int(torch.randint(len(one.captions), ()))]
        return [caption[0]], [*caption[1:], eos]
    return [ids.start], answer(one.codes.tolist(), ids)


def pretrain(
    model: Any,
    train: Sequence[Encoded],
    held_out: Sequence[Encoded],
    ids: TokenIds,
    eos: int,
    settings: LanguageTraining,
    run: Path,
) -> Curve:
    """Teach a base from scratch what captions and what motions look like, separately."""
    return _fit(
        "base",
        model,
        lambda pool: pretraining_pair(pool.pick(), ids, eos),
        (train, held_out),
        ids,
        settings,
        run,
        0.0,
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
) -> Curve:
    """Teach the adapter the instructions, all tasks mixed."""
    return _fit(
        "adapter",
        model,
        lambda pool: draw(pool.pick(), mix, ids, eos),
        (train, held_out),
        ids,
        settings,
        run,
        mix.corrupt,
    )


def _fit(
    name: str,
    model: Any,
    draw: Callable[[Pool], Pair],
    clips: tuple[Sequence[Encoded], Sequence[Encoded]],
    ids: TokenIds,
    settings: LanguageTraining,
    run: Path,
    corrupt: float,
) -> Curve:
    """The loop that both stages share; resumes from ``run`` when it was stopped."""
    trained = [p for p in model.parameters() if p.requires_grad]
    optimizer = torch.optim.AdamW(
        trained, settings.learning_rate, (0.9, 0.98), weight_decay=settings.weight_decay
    )
    schedule = Schedule(name, settings.steps, settings.minutes, settings.warm_up)
    checkpoint = Checkpoint(run / f"{name}.pt")
    checkpoint.resume(model, optimizer, schedule)
    curve = Curve(name)
    device = next(model.parameters()).device
    pool = Pool(clips[0])
    held = _held_out_batches(draw, Pool(clips[1]), ids, settings.batch)
    weights = TokenWeights(ids, settings.levels, device)
    best = Best(run / f"{name}.best.pt", settings.keep == "best")
    average = 0.0
    for step, bar in schedule:
        model.train()
        batch = batch_of(_similar_lengths(lambda: draw(pool), settings.batch), ids.pad)
        corrupted(batch, ids, corrupt)
        loss = weights.loss(model, batch)
        for group in optimizer.param_groups:
            group["lr"] = settings.learning_rate * schedule.rate
        optimizer.zero_grad(set_to_none=True)
        loss.backward()
        torch.nn.utils.clip_grad_norm_(trained, 1.0)
        optimizer.step()
        value = float(loss.detach())
        average = value if average == 0 else 0.98 * average + 0.02 * value
        if step % 10 == 0:
            bar.set_postfix_str(f"step {step} loss {average:.3f} held out {curve.best:.3f}")
        if step % settings.check_every == settings.check_every - 1:
            curve.train.append((step, average))
            curve.held_out.append((step, held_out_loss(model, held, weights)))
            best.look(model, curve.held_out[-1][1])
        if step % settings.save_every == settings.save_every - 1:
            checkpoint.save(model, optimizer, schedule)
    curve.train.append((schedule.step, average))
    curve.held_out.append((schedule.step, held_out_loss(model, held, weights)))
    checkpoint.save(model, optimizer, schedule)
    best.restore(model, curve.held_out[-1][1])
    model.eval()
    return curve


@dataclass
class Best:
    """The trained weights of the best look so far, in a file of their own."""

    path: Path
    wanted: bool
    loss: float = float("inf")

    def __post_init__(self) -> None:
        if self.wanted and self.path.is_file():
            self.loss = float(torch.load(self.path, weights_only=True)["loss"])

    def look(self, model: Any, loss: float) -> None:
        """Keep the weights when they are better than any before."""
        if self.wanted and loss < self.loss:
            self.loss = loss
            weights = {n: p.detach().cpu() for n, p in model.named_parameters() if p.requires_grad}
            torch.save({"loss": loss, "weights": weights}, self.path)

    def restore(self, model: Any, last: float) -> None:
        """Bring the best weights back, unless the last ones are better still."""
        if self.wanted and self.loss < last:
            weights = torch.load(self.path, weights_only=True)["weights"]
            model.load_state_dict(weights, strict=False)


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


@torch.no_grad()
def held_out_loss(model: Any, batches: Sequence[Batch], weights: TokenWeights) -> float:
    """Mean loss of the answers' tokens, weighted as in training."""
    model.eval()
    losses = [weights.loss(model, b) for b in batches]
    return float(torch.stack(losses).mean())

"""Many different requests written in one batch: what an evaluation needs thousands of.

Prompts are padded on their left, so that all answers begin in one column. Each row
draws from random numbers of its own seed: what it becomes does not hang on its
neighbours, but for rounding. A single request goes through ``generation``, whose draws
are others: the same seed gives another answer there.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

import torch
from torch import Tensor
from transformers import LogitsProcessor, LogitsProcessorList, StoppingCriteriaList

from ext_models.pipelines import CancelCheck

from .generation import GIST_SPREAD, Sampling, StepWatch
from .steering import Course, Helm, Rudder
from .vocabulary import TokenIds, Written

#: How far the seeds of variations, and of the tries of one variation, are apart.
APART: Final = 7919
TRIES_APART: Final = 104_729


@dataclass(frozen=True)
class Asked:
    """One instruction of a batch, in the style ``tokens``.

    Attributes:
        prompt: its token ids.
        untold: the same instruction without its caption, for guidance.
        steps: code steps to write.
        seed: of its draws; its gist is drawn from it.
        attempt: number of the try among those of one gist, from 0; each draws other codes.
        course: the marked poses that it is steered by.
    """

    prompt: Sequence[int]
    untold: Sequence[int]
    steps: int
    seed: int
    attempt: int = 0
    course: Course = field(default_factory=Course)

    def numbers(self, gist: int, count: int) -> Tensor:
        """Random numbers (count,) that it is drawn with, the gist's first."""
        first = torch.rand(count, generator=torch.Generator().manual_seed(self.seed))
        if not self.attempt:
            return first
        other = self.seed + self.attempt * TRIES_APART
        return torch.cat(
            [
                first[:gist],
                torch.rand(count - gist, generator=torch.Generator().manual_seed(other)),
            ]
        )


class RowDraws:
    """Draws one column after the other of a batch, each row with random numbers of its own."""

    def __init__(self, numbers: Sequence[Tensor], sampling: Sampling) -> None:
        """Args: numbers of each row; how they are drawn (its seed is not used)."""
        self.sampling = sampling
        self.numbers = torch.stack(list(numbers))

    @classmethod
    def of_seeds(cls, seeds: Sequence[int], longest: int, sampling: Sampling) -> RowDraws:
        """One seed a row, for answers up to a length."""
        return cls([Asked((), (), 0, s).numbers(0, longest) for s in seeds], sampling)

    def __call__(self, step: int, logits: Tensor, spread: float = 1.0) -> Tensor:
        """Columns (B,) drawn from logits (B, C) at a step of the answer.

        ``spread`` multiplies the temperature.
        """
        if self.sampling.temperature <= 0:
            return logits.argmax(-1)
        heat = spread * self.sampling.temperature
        likeliest, order = (logits.float() / heat).sort(-1, descending=True)
        shares = likeliest.softmax(-1)
        # A column stays as long as those before it do not fill the share that is drawn from.
        kept = shares.cumsum(-1) - shares < self.sampling.top_p
        if self.sampling.top_k:
            kept[:, self.sampling.top_k :] = False
        shares = shares * kept
        upto = shares.cumsum(-1)
        at = self.numbers[:, step, None].to(upto.device) * upto[:, -1:]
        last = (shares > 0).sum(-1, keepdim=True) - 1
        place = torch.searchsorted(upto, at, right=True).clamp(max=last)
        return order.gather(-1, place)[:, 0]


class CodeColumns(LogitsProcessor):
    """Writes what is due, gist and codes, in all rows at once; then the padding.

    With guidance the batch is doubled: behind the rows stand the same ones without their
    captions, which are given the same tokens.
    """

    def __init__(
        self,
        ids: TokenIds,
        asked: Sequence[Asked],
        width: int,
        guidance: float,
        draws: RowDraws,
        helm: Helm | None = None,
    ) -> None:
        self.ids, self.width, self.guidance, self.draws, self.helm = (
            ids,
            width,
            guidance,
            draws,
            helm,
        )
        self.totals = torch.tensor([ids.vocabulary.tokens_of(a.steps) for a in asked])

    def __call__(self, input_ids: Any, scores: Any) -> Any:
        """Scores (B, V), or (2 B, V) with guidance, that leave each row one token."""
        step = input_ids.shape[1] - self.width
        due = self.ids.due(step)
        span = scores[:, due]
        told, untold = span[: len(self.totals)], span[len(self.totals) :]
        if len(untold):
            told = untold + self.guidance * (told - untold)
        if self.helm is not None:
            told = self.helm(input_ids[: len(told), self.width :], told)
        spread = GIST_SPREAD if step < self.ids.vocabulary.gist[0] else 1.0
        tokens = due.start + self.draws(step, told, spread)
        tokens[(step >= self.totals).to(tokens.device)] = self.ids.pad
        return only(tokens, scores)


class GrammarColumns(LogitsProcessor):
    """Writes what each row's own grammar allows, in all rows at once."""

    def __init__(self, grammars: Sequence[LogitsProcessor], width: int, draws: RowDraws) -> None:
        self.grammars, self.width, self.draws = grammars, width, draws

    def __call__(self, input_ids: Any, scores: Any) -> Any:
        """Scores (B, V) that leave each row one token."""
        held: list[Tensor] = [
            grammar(input_ids[row : row + 1], scores[row : row + 1])
            for row, grammar in enumerate(self.grammars)
        ]
        return only(self.draws(input_ids.shape[1] - self.width, torch.cat(held)), scores)


def only(tokens: Tensor, scores: Tensor) -> Tensor:
    """Scores (N B, V) that allow each row nothing but its token of (B,), N times over."""
    held = torch.full_like(scores, -torch.inf)
    every = tokens.repeat(len(scores) // len(tokens))
    return held.scatter_(1, every[:, None], 0.0)


def generate_codes_of_many(
    model: Any,
    ids: TokenIds,
    asked: Sequence[Asked],
    sampling: Sampling,
    *,
    guidance: float = 1.0,
    rudder: Rudder | None = None,
    progress: Callable[[float], None] = lambda _: None,
    cancelled: CancelCheck = lambda: False,
) -> list[Written]:
    """One answer for each of some instructions of the style ``tokens``.

    Args:
        model: a causal language model of transformers.
        ids: ids of the added tokens.
        asked: the instructions; of similar lengths little is padding.
        sampling: how all are drawn; seed and variations of it are not used.
        guidance: scale of classifier-free guidance; 1 does without.
        rudder: steers each towards its marked poses.
        progress: told the share that is done after every step.
        cancelled: asked at every step.

    Raises:
        GenerationCancelledError: as soon as ``cancelled()`` is true at a step.
    """
    tokens_of = ids.vocabulary.tokens_of
    longest = tokens_of(max(a.steps for a in asked))
    prompts = [a.prompt for a in asked]
    if guidance != 1:
        prompts += [a.untold for a in asked]
    width = max(map(len, prompts))
    gist = ids.vocabulary.gist[0]
    draws = RowDraws([a.numbers(gist, longest) for a in asked], sampling)
    whole = [a.steps + len(a.course.given) for a in asked]
    helm = rudder.helm(ids, [a.course for a in asked], whole) if rudder else None
    columns = CodeColumns(ids, asked, width, guidance, draws, helm)
    rows = generate_columns(
        model, prompts, longest, columns, pad=ids.pad, end=None,
        progress=progress, cancelled=cancelled,
    )  # fmt: skip
    return [
        ids.written(row[: tokens_of(a.steps)])
        for a, row in zip(asked, rows[: len(asked)], strict=True)
    ]


@torch.no_grad()
def generate_columns(
    model: Any,
    prompts: Sequence[Sequence[int]],
    longest: int,
    columns: LogitsProcessor,
    *,
    pad: int,
    end: int | None,
    progress: Callable[[float], None],
    cancelled: CancelCheck,
) -> list[list[int]]:
    """Token ids of one answer a prompt, whatever their lengths.

    Args:
        model: a causal language model of transformers.
        prompts: token ids of each.
        longest: most tokens of an answer.
        columns: leaves each row the one token that it writes.
        pad: id before the shorter prompts and after the shorter answers.
        end: id that ends an answer; None where its length does.
        progress: told the share that is done after every step.
        cancelled: asked at every step.
    """
    width = max(map(len, prompts))
    tokens = torch.full((len(prompts), width), pad)
    mask = torch.zeros_like(tokens)
    for row, prompt in enumerate(prompts):
        tokens[row, width - len(prompt) :] = torch.tensor(list(prompt))
        mask[row, width - len(prompt) :] = 1
    out = model.generate(
        input_ids=tokens.to(model.device),
        attention_mask=mask.to(model.device),
        max_new_tokens=longest,
        do_sample=False,
        pad_token_id=pad,
        eos_token_id=end,
        logits_processor=LogitsProcessorList([columns]),
        stopping_criteria=StoppingCriteriaList([StepWatch(width, longest, progress, cancelled)]),
        **({"min_new_tokens": longest} if end is None else {}),
    )
    return [row[width:].tolist() for row in out]

"""Answers of the language model, held to the grammar of a motion: many in one batch.

transformers generates; a logits processor leaves each row at each step one token, drawn
from what is due: the clip summary, then codes level by level, until the row's length is reached. A
broken answer is impossible. Prompts are padded on their left, so that all answers begin in
one column.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

import torch
from torch import Tensor
from transformers import (
    LogitsProcessor,
    LogitsProcessorList,
    StoppingCriteria,
    StoppingCriteriaList,
)

from ext_models.language.vocabulary import GeneratedCodes, TokenIds
from motiongpt_blender.wire import Sampling

from .pose_guidance import BatchGuidance, GuidanceTargets, PoseGuidance
from .request import CancelCheck, GenerationCancelledError
from .sampling import SUMMARY_TEMPERATURE_SCALE, RowSampler, numbers


@dataclass(frozen=True)
class TokenPrompt:
    """One instruction of a batch, in the style ``tokens``.

    Attributes:
        prompt: its token ids.
        untold: the same instruction without its caption, for guidance.
        steps: code steps to write.
        seed: of its draws, its clip summary's too.
        course: the marked poses that it is steered by.
    """

    prompt: Sequence[int]
    uncond: Sequence[int]
    steps: int
    seed: int
    targets: GuidanceTargets = field(default_factory=GuidanceTargets)


class CodeRows(LogitsProcessor):
    """Writes what is due, clip summary and codes, in all rows at once; then the padding.

    With guidance the batch is doubled: behind the rows stand the same ones without their
    captions, which are given the same tokens.
    """

    def __init__(
        self,
        ids: TokenIds,
        asked: Sequence[TokenPrompt],
        width: int,
        sampling: Sampling,
        *,
        cfg_scale: float = 1.0,
        helm: BatchGuidance | None = None,
    ) -> None:
        """Args: ids; the rows; columns of their prompts; how all are drawn; what else leads."""
        self.ids, self.width, self.cfg_scale, self.helm = ids, width, cfg_scale, helm
        self.totals = torch.tensor([ids.vocabulary.tokens_of(a.steps) for a in asked])
        longest = int(self.totals.max())
        self.draws = RowSampler([numbers(a.seed, longest) for a in asked], sampling)

    def __call__(self, input_ids: Any, scores: Any) -> Any:
        """Scores (B, V), or (2 B, V) with guidance, that leave each row one token."""
        step = input_ids.shape[1] - self.width
        due = self.ids.due(step)
        span = scores[:, due]
        told, uncond = span[: len(self.totals)], span[len(self.totals) :]
        if len(uncond):
            told = uncond + self.cfg_scale * (told - uncond)
        if self.helm is not None:
            told = self.helm(input_ids[: len(told), self.width :], told)
        spread = SUMMARY_TEMPERATURE_SCALE if step < self.ids.vocabulary.summary[0] else 1.0
        tokens = due.start + self.draws(step, told, spread)
        tokens[(step >= self.totals).to(tokens.device)] = self.ids.pad
        return only(tokens, scores)


class GrammarRows(LogitsProcessor):
    """Writes what each row's own grammar allows, in all rows at once."""

    def __init__(self, grammars: Sequence[LogitsProcessor], width: int, draws: RowSampler) -> None:
        self.grammars, self.width, self.draws = grammars, width, draws

    def __call__(self, input_ids: Any, scores: Any) -> Any:
        """Scores (B, V) that leave each row one token."""
        held: list[Tensor] = [
            grammar(input_ids[row : row + 1], scores[row : row + 1])
            for row, grammar in enumerate(self.grammars)
        ]
        return only(self.draws(input_ids.shape[1] - self.width, torch.cat(held)), scores)


class WordsOnly(LogitsProcessor):
    """Leaves the added tokens out, so that an answer is words."""

    def __init__(self, added: Sequence[int]) -> None:
        self.added = list(added)

    def __call__(self, input_ids: Any, scores: Any) -> Any:
        """Scores (B, V) with the added tokens at minus infinity."""
        held = scores.clone()
        held[:, self.added] = -torch.inf
        return held


class StepWatch(StoppingCriteria):
    """Tells the progress after every step and stops when asked."""

    def __init__(
        self, prompt_length: int, total: int, progress: Callable[[float], None], stop: CancelCheck
    ) -> None:
        self.prompt_length = prompt_length
        self.total = total
        self.progress = progress
        self.stop = stop

    def __call__(self, input_ids: Any, scores: Any, **kwargs: Any) -> Any:
        """One flag a sequence (B,): stop or not."""
        if self.stop():
            raise GenerationCancelledError
        self.progress((input_ids.shape[1] - self.prompt_length) / self.total)
        return torch.zeros(len(input_ids), dtype=torch.bool, device=input_ids.device)


def only(tokens: Tensor, scores: Tensor) -> Tensor:
    """Scores (N B, V) that allow each row nothing but its token of (B,), N times over."""
    held = torch.full_like(scores, -torch.inf)
    every = tokens.repeat(len(scores) // len(tokens))
    return held.scatter_(1, every[:, None], 0.0)


def generate_codes(
    model: Any,
    ids: TokenIds,
    asked: Sequence[TokenPrompt],
    sampling: Sampling,
    *,
    cfg_scale: float = 1.0,
    rudder: PoseGuidance | None = None,
    progress: Callable[[float], None] = lambda _: None,
    cancelled: CancelCheck = lambda: False,
    **more: Any,
) -> list[GeneratedCodes]:
    """One answer for each of some instructions of the style ``tokens``.

    Args:
        model: a causal language model of transformers.
        ids: ids of the added tokens.
        asked: the instructions; of similar lengths little is padding.
        sampling: how all are drawn; seed and variations of it are not used.
        cfg_scale: scale of classifier-free guidance; 1 does without.
        rudder: steers each towards its marked poses.
        progress: told the share that is done after every step.
        cancelled: asked at every step.
        more: further arguments of transformers' ``generate``.

    Raises:
        GenerationCancelledError: as soon as ``cancelled()`` is true at a step.
    """
    tokens_of = ids.vocabulary.tokens_of
    longest = tokens_of(max(a.steps for a in asked))
    prompts = [a.prompt for a in asked]
    if cfg_scale != 1:
        prompts += [a.uncond for a in asked]
    whole = [a.steps + len(a.targets.given) for a in asked]
    helm = rudder.helm(ids, [a.targets for a in asked], whole) if rudder else None
    width = max(map(len, prompts))
    held = CodeRows(ids, asked, width, sampling, cfg_scale=cfg_scale, helm=helm)
    rows = generate_rows(
        model, prompts, longest, held, pad=ids.pad, end=None,
        progress=progress, cancelled=cancelled, **more,
    )  # fmt: skip
    return [
        ids.written(row[: tokens_of(a.steps)])
        for a, row in zip(asked, rows[: len(asked)], strict=True)
    ]


@torch.no_grad()
def generate_rows(
    model: Any,
    prompts: Sequence[Sequence[int]],
    longest: int,
    rows: LogitsProcessor,
    *,
    pad: int,
    end: int | None,
    progress: Callable[[float], None] = lambda _: None,
    cancelled: CancelCheck = lambda: False,
    **more: Any,
) -> list[list[int]]:
    """Token ids of one answer a prompt, whatever their lengths.

    Args:
        model: a causal language model of transformers.
        prompts: token ids of each.
        longest: most tokens of an answer.
        rows: leaves each row the one token that it writes.
        pad: id before the shorter prompts and after the shorter answers.
        end: id that ends an answer; None where its length does.
        progress: told the share that is done after every step.
        cancelled: asked at every step.
        more: further arguments of transformers' ``generate``.

    Raises:
        GenerationCancelledError: as soon as ``cancelled()`` is true at a step.
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
        logits_processor=LogitsProcessorList([rows]),
        stopping_criteria=StoppingCriteriaList([StepWatch(width, longest, progress, cancelled)]),
        **({"min_new_tokens": longest} if end is None else {}),
        **more,
    )
    return [row[width:].tolist() for row in out]

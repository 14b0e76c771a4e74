"""Sampling from the language model in the prompt style ``tokens``, many answers in one batch.

``CodeSampler`` chooses each row's token at each step, sampled from the tokens that the grammar
allows there: the clip summary, then codes level by level, until the row's length is reached. An
invalid answer is impossible. A ``LlamaDecoder`` runs a small Llama; transformers' ``generate`` runs
any other model, with the sampler as its logits processor. Prompts are padded on the left, so that
all answers begin in one column.
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

from ext_models.language.llama_decoder import LlamaDecoder
from ext_models.language.narrow_head import only_ids
from ext_models.language.vocabulary import GeneratedCodes, TokenIds
from motiongpt_blender.wire import Sampling

from .neighbours import Neighbour, NeighbourMixture
from .planning import Plan
from .pose_guidance import BatchGuidance, PoseGuidance
from .request import CancelCheck, GenerationCancelledError
from .sampling import SUMMARY_TEMPERATURE, RowSampler, uniform_numbers
from .sketching import Sketcher
from .targets import GuidanceTargets


@dataclass(frozen=True)
class TokenPrompt:
    """One row of a batch in the style ``tokens``.

    Attributes:
        cond: token ids of the instruction.
        uncond: the same instruction without its caption, for classifier-free guidance.
        steps: code steps to generate.
        seed: of the row's random numbers.
        targets: what pose guidance leads the row to.
        neighbour: the training motion that it keeps close to; None without one.
    """

    cond: Sequence[int]
    uncond: Sequence[int]
    steps: int
    seed: int
    targets: GuidanceTargets = field(default_factory=GuidanceTargets)
    neighbour: Neighbour | None = None


class CodeSampler(LogitsProcessor):
    """Samples summary tokens and codes in all rows at once, then padding.

    With classifier-free guidance the batch is doubled: the unconditional rows follow the
    conditional ones and get the same tokens. A batch that is not doubled has none.
    """

    def __init__(
        self,
        ids: TokenIds,
        prompts: Sequence[TokenPrompt],
        width: int,
        sampling: Sampling,
        *,
        cfg_scale: float = 1.0,
        summary_temperature: float = SUMMARY_TEMPERATURE,
        guidance: BatchGuidance | None = None,
        plan: Plan | None = None,
        mixture: NeighbourMixture | None = None,
        sketcher: Sketcher | None = None,
    ) -> None:
        """Args: ids; the rows; columns of their prompts; how all are sampled; what guides them."""
        self.ids, self.width, self.cfg_scale, self.guidance = ids, width, cfg_scale, guidance
        self.plan, self.mixture, self.sketcher = plan, mixture, sketcher
        self.summary_temperature = summary_temperature
        self.lengths = torch.tensor([ids.vocabulary.tokens_of(p.steps) for p in prompts])
        longest = int(self.lengths.max())
        self.sample = RowSampler([uniform_numbers(p.seed, longest) for p in prompts], sampling)

    def __call__(self, input_ids: Any, scores: Any) -> Any:
        """Scores (B, V), or (2 B, V) with guidance, that leave each row one token."""
        written = input_ids[: len(self.lengths), self.width :]
        allowed = self.ids.due(written.shape[1])
        return force_tokens(self.choose(written, scores[:, allowed]), scores)

    def choose(self, written: Tensor, logits: Tensor) -> Tensor:
        """The next token (B,) of each row.

        Args:
            written: tokens (B, S) of the answers so far.
            logits: (B, I), or (2 B, I) with guidance, of the tokens that are due.
        """
        rows, step = written.shape
        if self.sketcher is not None and self.sketcher.due:
            self.sketcher.sketch(self.ids.written(written[0].tolist()).codes)
        allowed = self.ids.due(step)
        cond, uncond = logits[:rows], logits[rows:]
        if len(uncond):
            cond = uncond + self.cfg_scale * (cond - uncond)
        if self.mixture is not None:
            cond = self.mixture(written, cond, allowed)
        if self.guidance is not None:
            cond = self.guidance(written, cond)
        in_summary = step < self.ids.vocabulary.summary[0]
        if in_summary and self.plan is not None:
            firsts = torch.tensor(self.ids.first_summary[:step], device=written.device)
            cond = self.plan.own * cond + self.plan(written - firsts).to(cond)
        tokens = allowed.start + self.sample(
            step, cond, self.summary_temperature if in_summary else 1.0
        )
        tokens[(step >= self.lengths).to(tokens.device)] = self.ids.pad
        return tokens


class GrammarSampler(LogitsProcessor):
    """Samples in all rows at once what each row's own grammar allows."""

    def __init__(self, grammars: Sequence[LogitsProcessor], width: int, sample: RowSampler) -> None:
        """Args: a grammar for each row; columns of the prompts; samples the tokens."""
        self.grammars, self.width, self.sample = grammars, width, sample

    def __call__(self, input_ids: Any, scores: Any) -> Any:
        """Scores (B, V) that leave each row one token."""
        allowed: list[Tensor] = [
            grammar(input_ids[row : row + 1], scores[row : row + 1])
            for row, grammar in enumerate(self.grammars)
        ]
        step = input_ids.shape[1] - self.width
        return force_tokens(self.sample(step, torch.cat(allowed)), scores)


class WordsOnly(LogitsProcessor):
    """Excludes the added tokens, so that an answer is words."""

    def __init__(self, added: Sequence[int]) -> None:
        self.added = list(added)

    def __call__(self, input_ids: Any, scores: Any) -> Any:
        """Scores (B, V) with the added tokens at minus infinity."""
        words = scores.clone()
        words[:, self.added] = -torch.inf
        return words


class ProgressCriteria(StoppingCriteria):
    """Reports the progress after every step and stops when cancelled."""

    def __init__(
        self, width: int, longest: int, progress: Callable[[float], None], cancelled: CancelCheck
    ) -> None:
        """Args: columns of the prompts; most tokens of an answer; the two callbacks."""
        self.width, self.longest = width, longest
        self.progress, self.cancelled = progress, cancelled

    def __call__(self, input_ids: Any, scores: Any, **kwargs: Any) -> Any:
        """One flag a row (B,): never stop; raises GenerationCancelledError instead."""
        if self.cancelled():
            raise GenerationCancelledError
        self.progress((input_ids.shape[1] - self.width) / self.longest)
        return torch.zeros(len(input_ids), dtype=torch.bool, device=input_ids.device)


def force_tokens(tokens: Tensor, scores: Tensor) -> Tensor:
    """Scores (N B, V) that allow each row nothing but its token of (B,), N times over."""
    forced = torch.full_like(scores, -torch.inf)
    repeated = tokens.repeat(len(scores) // len(tokens))
    return forced.scatter_(1, repeated[:, None], 0.0)


def generate_codes(
    model: Any,
    ids: TokenIds,
    prompts: Sequence[TokenPrompt],
    sampling: Sampling,
    *,
    cfg_scale: float = 1.0,
    summary_temperature: float = SUMMARY_TEMPERATURE,
    guidance: PoseGuidance | None = None,
    plan: Plan | None = None,
    neighbour_share: float = 0.0,
    progress: Callable[[float], None] = lambda _: None,
    cancelled: CancelCheck = lambda: False,
    sketcher: Sketcher | None = None,
    plain: bool = False,
    **more: Any,
) -> list[GeneratedCodes]:
    """One answer for each prompt of the style ``tokens``.

    Args:
        model: a causal language model of transformers.
        ids: ids of the added tokens.
        prompts: of similar lengths, or much of the batch is padding.
        sampling: temperature, ``top_p`` and ``top_k`` of all rows.
        cfg_scale: scale of classifier-free guidance; 1 does without. It guides the clip summary,
            which the codes follow; those of a pack without one.
        summary_temperature: of the summary tokens, relative to that of the codes.
        guidance: leads each row to its targets.
        plan: a planner's opinion of the rows' summaries.
        neighbour_share: of a code's probability that is the one of the row's neighbour.
        progress: called after every step with the share that is done.
        cancelled: asked at every step.
        sketcher: shows the first answer while it is written.
        plain: transformers' ``generate`` runs the model, even a small Llama.
        more: further arguments of transformers' ``generate``, for a plain run.

    Raises:
        GenerationCancelledError: as soon as ``cancelled()`` is true at a step.
    """
    longest = ids.vocabulary.tokens_of(max(p.steps for p in prompts))
    batch = None
    if guidance is not None:
        whole = [p.steps + len(p.targets.given) for p in prompts]
        batch = guidance.for_batch(ids, [p.targets for p in prompts], whole)
    mixture = None
    if any(p.neighbour is not None for p in prompts):
        mixture = NeighbourMixture(ids, [p.neighbour for p in prompts], neighbour_share)
    rows, others = [list(p.cond) for p in prompts], [list(p.uncond) for p in prompts]
    sample = CodeSampler(
        ids,
        prompts,
        max(map(len, [*rows, *others])),
        sampling,
        cfg_scale=cfg_scale,
        summary_temperature=summary_temperature,
        guidance=batch,
        plan=plan,
        mixture=mixture,
        sketcher=sketcher,
    )
    guided = _guided(ids.vocabulary.summary[0], longest, cfg_scale)
    if not plain and LlamaDecoder.can_decode(model):
        doubled = [*rows, *others] if guided else rows
        answers = _decode(
            LlamaDecoder(model), doubled, sample, guided, longest, progress, cancelled
        )
    else:
        spans = [(begin, end) for begin, end in ((0, guided), (guided, longest)) if begin < end]
        answers = [[] for _ in prompts]
        with only_ids(model, ids.added):
            for begin, end in spans:
                asked = [*rows, *others] if begin < guided else rows
                written = generate_rows(
                    model, _followed(asked, answers), end - begin, sample, pad=ids.pad, end=None,
                    progress=lambda part, a=begin, b=end: progress((a + part * (b - a)) / longest),
                    cancelled=cancelled, width=sample.width + begin, **more,
                )  # fmt: skip
                answers = _followed(answers, written)
    tokens_of = ids.vocabulary.tokens_of
    return [
        ids.written(answer[: tokens_of(p.steps)])
        for p, answer in zip(prompts, answers, strict=True)
    ]


@torch.inference_mode()
def _decode(
    decoder: LlamaDecoder,
    rows: Sequence[Sequence[int]],
    sample: CodeSampler,
    guided: int,
    longest: int,
    progress: Callable[[float], None],
    cancelled: CancelCheck,
) -> list[list[int]]:
    """Token ids of one answer a prompt; ``rows`` are doubled for the first ``guided`` tokens."""
    count, pad = len(sample.lengths), sample.ids.pad
    written = torch.full((count, longest), pad)
    hidden = decoder.begin(rows, longest, pad)
    for step in range(longest):
        if cancelled():
            raise GenerationCancelledError
        if step == guided and len(hidden) > count:
            decoder.keep(count)
            hidden = hidden[:count]
        logits = decoder.logits(hidden, sample.ids.due(step))
        written[:, step] = sample.choose(written[:, :step], logits)
        progress((step + 1) / longest)
        if step + 1 < longest:
            hidden = decoder.step(written[:, step].repeat(len(hidden) // count))
    return written.tolist()


def _guided(summary: int, longest: int, cfg_scale: float) -> int:
    """How many of an answer's first tokens classifier-free guidance decides.

    It doubles the work. It decides what the whole motion is; the codes, thirty times as many
    tokens, follow the summary and do without.
    """
    return 0 if cfg_scale == 1 else summary or longest


def _followed(rows: Sequence[list[int]], by: Sequence[list[int]]) -> list[list[int]]:
    """Rows, which may be doubled, each with what was written for it."""
    return [[*row, *by[k % len(by)]] for k, row in enumerate(rows)]


@torch.no_grad()
def generate_rows(
    model: Any,
    prompts: Sequence[Sequence[int]],
    longest: int,
    sample: LogitsProcessor,
    *,
    pad: int,
    end: int | None,
    progress: Callable[[float], None] = lambda _: None,
    cancelled: CancelCheck = lambda: False,
    width: int = 0,
    **more: Any,
) -> list[list[int]]:
    """Token ids of one answer a prompt, whatever their lengths.

    Args:
        model: a causal language model of transformers.
        prompts: token ids of each.
        longest: most tokens of an answer.
        sample: leaves each row one token at each step.
        pad: id before the shorter prompts and after the shorter answers.
        end: id that ends an answer; None if its length does.
        progress: called after every step with the share that is done.
        cancelled: asked at every step.
        width: columns of the prompts at least.
        more: further arguments of transformers' ``generate``.

    Raises:
        GenerationCancelledError: as soon as ``cancelled()`` is true at a step.
    """
    width = max(width, *map(len, prompts))
    tokens = torch.full((len(prompts), width), pad)
    mask = torch.zeros_like(tokens)
    for row, prompt in enumerate(prompts):
        tokens[row, width - len(prompt) :] = torch.tensor(list(prompt))
        mask[row, width - len(prompt) :] = 1
    criteria = ProgressCriteria(width, longest, progress, cancelled)
    out = model.generate(
        input_ids=tokens.to(model.device),
        attention_mask=mask.to(model.device),
        max_new_tokens=longest,
        do_sample=False,
        pad_token_id=pad,
        eos_token_id=end,
        logits_processor=LogitsProcessorList([sample]),
        stopping_criteria=StoppingCriteriaList([criteria]),
        **({"min_new_tokens": longest} if end is None else {}),
        **more,
    )
    return [row[width:].tolist() for row in out]

"""Answers of the language model, held to the grammar of a motion.

transformers generates; a logits processor allows at each step only the codes of the
level that is due, until the asked length is reached. A broken answer is impossible.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Final

import torch
from transformers import (
    LogitsProcessor,
    LogitsProcessorList,
    StoppingCriteria,
    StoppingCriteriaList,
    set_seed,
)

from ext_models.pipelines import CancelCheck, GenerationCancelledError

from .steering import Helm
from .vocabulary import TokenIds, Written

#: The spread of a gist's tokens, of that of the codes: what a sentence means is not to be
#: diced as freely as how it is carried out.
GIST_SPREAD: Final = 0.5


@dataclass(frozen=True)
class Sampling:
    """How answers are drawn.

    Attributes:
        seed: the same seed gives the same answer on the same device.
        temperature: spread; 0 takes the likeliest token each time.
        top_p: share of the likeliest tokens that are drawn from.
        top_k: number of the likeliest tokens that are drawn from; 0 is all.
        variations: answers to write, in one batch.
        tries: of each of them; tries share their gist.
    """

    seed: int = 0
    temperature: float = 0.8
    top_p: float = 0.95
    top_k: int = 0
    variations: int = 1
    tries: int = 1

    @property
    def asked(self) -> int:
        """Answers to give."""
        return self.variations * self.tries

    @property
    def count(self) -> int:
        """Answers that differ: without a spread there is only one."""
        return self.asked if self.temperature > 0 else 1

    @property
    def options(self) -> dict[str, Any]:
        """The same as transformers names it."""
        if self.temperature <= 0:
            return {"do_sample": False}
        spread = {"temperature": self.temperature, "top_p": self.top_p, "top_k": self.top_k}
        return {"do_sample": True, **spread}


class MotionGrammar(LogitsProcessor):
    """Allows, after the prompt, tokens of what is due: the gist, then codes level by level.

    A gist is drawn here, once for all the tries of a variation.
    """

    def __init__(
        self,
        ids: TokenIds,
        prompt_length: int,
        sampling: Sampling | None = None,
        helm: Helm | None = None,
    ) -> None:
        self.ids = ids
        self.prompt_length = prompt_length
        self.sampling = sampling or Sampling()
        self.helm = helm

    def __call__(self, input_ids: Any, scores: Any) -> Any:
        """Scores (B, V) with everything else at minus infinity."""
        step = input_ids.shape[1] - self.prompt_length
        span = self.ids.due(step)
        held = torch.full_like(scores, -torch.inf)
        due = scores[:, span]
        if self.helm is not None:
            due = self.helm(input_ids[:, self.prompt_length :], due)
        held[:, span] = due
        if step >= self.ids.vocabulary.gist[0] or self.sampling.temperature <= 0:
            return held
        # The tries of a variation have read the same so far: the first one draws for all.
        tries = self.sampling.tries
        spread = GIST_SPREAD * self.sampling.temperature
        drawn = torch.multinomial((held[::tries].float() / spread).softmax(-1), 1)
        return torch.full_like(scores, -torch.inf).scatter_(
            1, drawn.repeat_interleave(tries, 0), 0.0
        )


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


def generate_codes(
    model: Any,
    ids: TokenIds,
    prompt: Sequence[int],
    steps: int,
    sampling: Sampling,
    *,
    untold: Sequence[int] = (),
    guidance: float = 1.0,
    helm: Helm | None = None,
    progress: Callable[[float], None] = lambda _: None,
    cancelled: CancelCheck = lambda: False,
) -> list[Written]:
    """Answers to an instruction of the style ``tokens``: the tries of each variation in a row.

    Args:
        model: a causal language model of transformers.
        ids: ids of the added tokens.
        prompt: token ids of the instruction.
        steps: code steps to write.
        sampling: how they are drawn.
        untold: the same instruction without its caption, for guidance.
        guidance: scale of classifier-free guidance; 1 does without.
        helm: steers all answers towards marked poses.
        progress: told the share that is done after every step.
        cancelled: asked at every step.

    Raises:
        GenerationCancelledError: as soon as ``cancelled()`` is true at a step.
    """
    total = ids.vocabulary.tokens_of(steps)
    more: dict[str, Any] = {"min_new_tokens": total}
    if guidance != 1 and untold:
        other = torch.tensor([list(untold)] * sampling.count, device=model.device)
        more |= {"guidance_scale": guidance, "negative_prompt_ids": other}
        more |= {"negative_prompt_attention_mask": torch.ones_like(other)}
    rows = generate_ids(
        model,
        prompt,
        total,
        MotionGrammar(ids, len(prompt), sampling, helm),
        sampling,
        pad=ids.pad,
        end=None,
        progress=progress,
        cancelled=cancelled,
        **more,
    )
    return [ids.written(row) for row in rows]


@torch.no_grad()
def generate_ids(
    model: Any,
    prompt: Sequence[int],
    total: int,
    grammar: LogitsProcessor,
    sampling: Sampling,
    *,
    pad: int,
    end: int | None,
    progress: Callable[[float], None],
    cancelled: CancelCheck,
    **more: Any,
) -> list[list[int]]:
    """Token ids of N answers to a prompt, each at most ``total`` long and held to a grammar.

    Args:
        model: a causal language model of transformers.
        prompt: token ids.
        total: the longest answer.
        grammar: what may follow what has been written.
        sampling: how they are drawn.
        pad: id after the end of the shorter answers.
        end: id that ends an answer; None where the length alone does.
        progress: told the share that is done after every step.
        cancelled: asked at every step.
        more: further arguments of transformers' ``generate``.

    Raises:
        GenerationCancelledError: as soon as ``cancelled()`` is true at a step.
    """
    tokens = torch.tensor([list(prompt)], device=model.device)
    set_seed(sampling.seed)
    out = model.generate(
        input_ids=tokens,
        attention_mask=torch.ones_like(tokens),
        max_new_tokens=total,
        num_return_sequences=sampling.count,
        pad_token_id=pad,
        eos_token_id=end,
        logits_processor=LogitsProcessorList([grammar]),
        stopping_criteria=StoppingCriteriaList(
            [StepWatch(tokens.shape[1], total, progress, cancelled)]
        ),
        **sampling.options,
        **more,
    )
    answers = [row[tokens.shape[1] :].tolist() for row in out]
    return answers if len(answers) == sampling.asked else answers * sampling.asked

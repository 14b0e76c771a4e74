"""Answers of the language model, held to the grammar of a motion.

transformers generates; a logits processor allows at each step only the codes of the
level that is due, until the asked length is reached. A broken answer is impossible.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import torch
from transformers import (
    LogitsProcessor,
    LogitsProcessorList,
    StoppingCriteria,
    StoppingCriteriaList,
    set_seed,
)

from ext_models.pipelines import CancelCheck, GenerationCancelledError

from .vocabulary import TokenIds


class MotionGrammar(LogitsProcessor):
    """Allows, after the prompt, code tokens of the level that is due."""

    def __init__(self, ids: TokenIds, prompt_length: int) -> None:
        self.ids = ids
        self.prompt_length = prompt_length

    def __call__(self, input_ids: Any, scores: Any) -> Any:
        """Scores (B, V) with everything else at minus infinity."""
        level = (input_ids.shape[1] - self.prompt_length) % self.ids.vocabulary.levels
        first = self.ids.first_code[level]
        span = slice(first, first + self.ids.vocabulary.codes)
        held = torch.full_like(scores, -torch.inf)
        held[:, span] = scores[:, span]
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


@torch.no_grad()
def generate_codes(
    model: Any,
    ids: TokenIds,
    prompt: Sequence[int],
    steps: int,
    *,
    seed: int,
    temperature: float,
    top_p: float = 0.95,
    variations: int = 1,
    untold: Sequence[int] = (),
    guidance: float = 1.0,
    progress: Callable[[float], None] = lambda _: None,
    cancelled: CancelCheck = lambda: False,
) -> list[list[list[int]]]:
    """Codes (N, steps, L) that answer an instruction.

    Args:
        model: a causal language model of transformers.
        ids: ids of the added tokens.
        prompt: token ids of the instruction.
        steps: code steps to write.
        seed: the same seed gives the same codes on the same device.
        temperature: spread; 0 takes the likeliest code each time.
        top_p: share of the likeliest codes that are drawn from.
        variations: answers to write.
        untold: the same instruction without its caption, for guidance.
        guidance: scale of classifier-free guidance; 1 does without.
        progress: told the share that is done after every step.
        cancelled: asked at every step.

    Raises:
        GenerationCancelledError: as soon as ``cancelled()`` is true at a step.
    """
    total = steps * ids.vocabulary.levels
    tokens = torch.tensor([list(prompt)], device=model.device)
    sampling: dict[str, Any] = {"do_sample": False}
    if temperature > 0:
        sampling = {"do_sample": True, "temperature": temperature, "top_p": top_p, "top_k": 0}
    count = variations if temperature > 0 else 1
    if guidance != 1 and untold:
        other = torch.tensor([list(untold)] * count, device=model.device)
        sampling |= {"guidance_scale": guidance, "negative_prompt_ids": other}
        sampling |= {"negative_prompt_attention_mask": torch.ones_like(other)}
    set_seed(seed)
    out = model.generate(
        input_ids=tokens,
        attention_mask=torch.ones_like(tokens),
        max_new_tokens=total,
        min_new_tokens=total,
        num_return_sequences=count,
        pad_token_id=ids.pad,
        eos_token_id=None,
        logits_processor=LogitsProcessorList([MotionGrammar(ids, tokens.shape[1])]),
        stopping_criteria=StoppingCriteriaList(
            [StepWatch(tokens.shape[1], total, progress, cancelled)]
        ),
        **sampling,
    )
    answers = [ids.to_codes(row[tokens.shape[1] :].tolist()) for row in out]
    return answers if len(answers) == variations else answers * variations

"""A planner: a pretrained language model that says what a motion is as a whole.

The small model that writes a pack's codes knows the words of its captions. A pretrained one has
read far more, but costs too much for every code. So it has learnt, with a LoRA, to write the few
summary tokens from the sentence alone. Where the small model writes them, the log probabilities
of both are added: what is sampled suits the sentence and the poses.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import torch
from torch import Tensor

from ext_models.errors import PipelineError
from ext_models.language.base_models.adapters import load_model
from ext_models.language.instructions import MAX_TEXT_TOKENS, instruction, text_ids
from ext_models.language.narrow_head import only_ids
from ext_models.language.vocabulary import MotionVocabulary, TokenIds
from ext_models.packs import MANIFEST, PackError, read_manifest
from motiongpt_blender.core.packs.manifest import PLANNER

#: What its log probabilities count, beside 1 for those of the model that writes.
WEIGHT: Final = 1.0


@dataclass(frozen=True)
class Planner:
    """A language model that has learnt to write clip summaries.

    Attributes:
        model: a causal language model of transformers.
        text: its text tokenizer.
        ids: ids of the added tokens in its own vocabulary.
        weight: what its log probabilities count.
        own: what those of the model that writes count beside; 0 leaves the planner alone.
    """

    model: Any
    text: Any
    ids: TokenIds
    weight: float = WEIGHT
    own: float = 1.0

    def plan(self, prompts: Sequence[tuple[str, int]], answers: int) -> Plan:
        """Begin the summaries of a batch.

        Args:
            prompts: sentence and code steps of each request.
            answers: rows of each request, one behind the other.

        Raises:
            PipelineError: when a sentence is too long.
        """
        rows = [instruction(self._words(text), steps, [], self.ids) for text, steps in prompts]
        return Plan(self, rows, answers)

    def _words(self, prompt: str) -> list[int]:
        words = text_ids(self.text, prompt)
        if len(words) > MAX_TEXT_TOKENS:
            raise PipelineError(
                f"The prompt has {len(words)} tokens, and the planner reads {MAX_TEXT_TOKENS}: "
                "say it in fewer words."
            )
        return words


class Plan:
    """The summaries of a batch, one token of all rows after the other."""

    def __init__(self, planner: Planner, prompts: Sequence[Sequence[int]], answers: int) -> None:
        self.own = planner.own
        self._planner, self._answers = planner, answers
        width = max(map(len, prompts))
        tokens = torch.full((len(prompts), width), planner.ids.pad)
        mask = torch.zeros_like(tokens)
        for row, prompt in enumerate(prompts):
            tokens[row, width - len(prompt) :] = torch.tensor(list(prompt))
            mask[row, width - len(prompt) :] = 1
        device = planner.model.device
        self._tokens, self._mask, self._cache = tokens.to(device), mask.to(device), None

    @torch.no_grad()
    def __call__(self, kinds: Tensor) -> Tensor:
        """Weighted log probabilities (B, K) of the next summary token's kinds.

        Args:
            kinds: (B, N) those that the rows have so far.
        """
        planner, step = self._planner, kinds.shape[1]
        allowed = planner.ids.due(step)
        if step:
            first = planner.ids.first_summary[step - 1]
            self._tokens = (first + kinds[:, -1:]).to(self._mask.device)
            if step == 1:
                self._repeat()
            ones = self._mask.new_ones(len(self._mask), 1)
            self._mask = torch.cat([self._mask, ones], dim=1)
        places = (self._mask.cumsum(-1) - 1).clamp(min=0)[:, -self._tokens.shape[1] :]
        with only_ids(planner.model, allowed):
            out = planner.model(
                input_ids=self._tokens,
                attention_mask=self._mask,
                position_ids=places,
                past_key_values=self._cache,
                use_cache=True,
                logits_to_keep=1,
            )
        self._cache = out.past_key_values
        logits = out.logits[:, -1, allowed].float().log_softmax(-1) * planner.weight
        return logits if step else logits.repeat_interleave(self._answers, 0)

    def _repeat(self) -> None:
        """From one row a prompt to one row an answer."""
        assert self._cache is not None, "the first token comes first"
        self._cache.batch_repeat_interleave(self._answers)
        self._mask = self._mask.repeat_interleave(self._answers, 0)


def load_planner(folder: Path, vocabulary: MotionVocabulary, device: str) -> Planner | None:
    """The planner of a pack; None without one.

    Raises:
        PackError: when it does not fit the pack, or its base is missing.
    """
    own = folder / PLANNER
    if not (own / MANIFEST).is_file():
        return None
    plans = read_manifest(own)
    if plans.summary != vocabulary.summary:
        raise PackError(
            f"{own / MANIFEST}: its summaries have the shape {list(plans.summary)}, the pack's "
            f"{list(vocabulary.summary)}: install the pack again."
        )
    model, text = load_model(own, plans, vocabulary, device)
    return Planner(model, text, TokenIds.of(text, vocabulary))

"""A pack's language model as one thing that writes motion codes, in either prompt style."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, Protocol

from ext_models.errors import PipelineError
from ext_models.language.adapters import load_model, load_text_model
from ext_models.language.bases import context_of
from ext_models.language.instructions import (
    MAX_TEXT_TOKENS,
    PoseCode,
    instruction,
    question,
    text_ids,
)
from ext_models.language.paper import instructions as paper
from ext_models.language.vocabulary import GeneratedCodes, MotionVocabulary, Skill, TokenIds
from ext_models.packs import MANIFEST, PackError, PackManifest
from motiongpt_blender.wire import Sampling

from .decoding import GrammarRows, TokenPrompt, WordsOnly, generate_codes, generate_rows
from .pose_guidance import GuidanceTargets, PoseGuidance
from .request import CancelCheck
from .sampling import RowSampler, answer_seeds, numbers

NOT_LEARNT = (
    "This model pack has not learnt to describe motion: choose one with the skill 'caption'."
)

#: Fewest tokens that a code costs in digits: one for them, one for the comma.
DIGITS_A_CODE = 2


@dataclass(frozen=True)
class CodeRequest:
    """What is to be written.

    Attributes:
        prompt: what happens, in English.
        steps: code steps of the motion.
        poses: codes of the marked poses, at their steps.
        sampling: seed, spread and number of answers.
        given: codes (S', L) that the motion begins with; the answer is what follows.
        least: code steps from which on the model may end by itself; 0: it writes ``steps``.
            Only the style ``paper`` can.
        task: of the style ``paper``, when the poses do not tell it.
        course: the same poses as the motion is steered by them; the style ``tokens`` can.
    """

    prompt: str
    steps: int
    poses: tuple[PoseCode, ...]
    sampling: Sampling
    given: tuple[tuple[int, ...], ...] = ()
    least: int = 0
    task: paper.Task | None = None
    targets: GuidanceTargets = field(default_factory=GuidanceTargets)


class MotionGenerator(Protocol):
    """Writes the codes of a motion."""

    def generate(
        self,
        orders: Sequence[CodeRequest],
        progress: Callable[[float], None],
        cancelled: CancelCheck,
    ) -> list[GeneratedCodes]:
        """The answers to each of some orders in a row, written in one batch.

        The candidates of a variation stand together. All are drawn with the spread of the first
        order, each from its own seed. ``cancelled`` is asked at every step.
        """
        ...

    def caption(self, codes: list[list[int]], sampling: Sampling) -> list[str]:
        """Sentences that say what a motion, codes (S, L), shows.

        Raises:
            PipelineError: when the pack has not learnt to.
        """
        ...


@dataclass(frozen=True)
class TokenGenerator:
    """The style ``tokens``: an added token a code."""

    model: Any
    text: Any
    ids: TokenIds
    cfg_scale: float = 1.0
    rudder: PoseGuidance | None = None

    def generate(
        self,
        orders: Sequence[CodeRequest],
        progress: Callable[[float], None],
        cancelled: CancelCheck,
    ) -> list[GeneratedCodes]:
        """See ``MotionGenerator.generate``."""
        asked = [
            replace(asked, seed=seed)
            for order, asked in zip(orders, map(self._asked, orders), strict=True)
            for seed in answer_seeds(order.sampling)
        ]
        return generate_codes(
            self.model,
            self.ids,
            asked,
            orders[0].sampling,
            cfg_scale=self.cfg_scale,
            rudder=self.rudder,
            progress=progress,
            cancelled=cancelled,
        )

    def _asked(self, order: CodeRequest) -> TokenPrompt:
        """The instruction of an order; raises PipelineError when the model cannot read it."""
        words = text_ids(self.text, order.prompt)
        if len(words) > MAX_TEXT_TOKENS:
            raise PipelineError(
                f"The prompt has {len(words)} tokens, and the model reads {MAX_TEXT_TOKENS}: "
                "say it in fewer words."
            )
        prompt, uncond = (
            instruction(said, order.steps, order.poses, self.ids, given=order.given)
            for said in (words, ())
        )
        left = order.steps - len(order.given)
        fit_in(self.model, len(prompt), self.ids.vocabulary.tokens_of(left))
        return TokenPrompt(prompt, uncond, left, order.sampling.seed, targets=order.targets)

    def caption(self, codes: list[list[int]], sampling: Sampling) -> list[str]:
        """See ``MotionGenerator.caption``."""
        if Skill.CAPTION not in self.ids.vocabulary.skills:
            raise PipelineError(NOT_LEARNT)
        asked, seeds = question(codes, self.ids), answer_seeds(sampling)
        words = WordsOnly(list(self.ids.ids.values()))
        draws = RowSampler([numbers(seed, MAX_TEXT_TOKENS) for seed in seeds], sampling)
        rows = generate_rows(
            self.model,
            [asked] * len(seeds),
            MAX_TEXT_TOKENS,
            GrammarRows([words] * len(seeds), len(asked), draws),
            pad=self.ids.pad,
            end=self.text.eos_token_id,
        )
        return [self.text.decode(row, skip_special_tokens=True).strip() for row in rows]


@dataclass(frozen=True)
class PaperGenerator:
    """The style ``paper``: the reference's prompt, digits in text."""

    model: Any
    text: Any
    codes: int

    def generate(
        self,
        orders: Sequence[CodeRequest],
        progress: Callable[[float], None],
        cancelled: CancelCheck,
    ) -> list[GeneratedCodes]:
        """See ``MotionGenerator.generate``."""
        every = [o for o in orders for _ in answer_seeds(o.sampling)]
        prompts = [
            self.text(paper.prompt(o.prompt, o.steps, o.poses, o.task)).input_ids for o in every
        ]
        width, most = max(map(len, prompts)), max(o.steps for o in every)
        fit_in(self.model, width, most * DIGITS_A_CODE)
        grammars = {
            (steps, least): paper.DigitsGrammar(self.text, self.codes, steps, width, least=least)
            for steps, least in {(o.steps, o.least) for o in orders}
        }
        rules = [grammars[o.steps, o.least] for o in every]
        longest = most * (len(str(self.codes - 1)) + 1)
        drawn = [numbers(seed, longest) for o in orders for seed in answer_seeds(o.sampling)]
        end = rules[0].end
        rows = generate_rows(
            self.model,
            prompts,
            longest,
            GrammarRows(rules, width, RowSampler(drawn, orders[0].sampling)),
            pad=end if self.text.pad_token_id is None else self.text.pad_token_id,
            end=end,
            progress=progress,
            cancelled=cancelled,
        )
        return [self._read(rule.spell(row)) for rule, row in zip(rules, rows, strict=True)]

    def _read(self, spelled: str) -> GeneratedCodes:
        return GeneratedCodes([[code] for code in paper.parse(spelled, self.codes)])

    def caption(self, codes: list[list[int]], sampling: Sampling) -> list[str]:
        """The paper has no way back."""
        raise PipelineError(NOT_LEARNT)


def fit_in(model: Any, prompt: int, answer: int) -> None:
    """Refuse what the base cannot read to the end: tokens of the prompt, and of the answer."""
    context = context_of(model)
    if context is not None and prompt + answer > context:
        raise PipelineError(
            f"Prompt and poses take {prompt} tokens and the motion {answer}; the pack's language "
            f"model reads {context}: shorten the prompt or the motion, or mark fewer poses."
        )


def load_generator(
    folder: Path,
    manifest: PackManifest,
    vocabulary: MotionVocabulary,
    device: str,
    rudder: PoseGuidance | None = None,
) -> MotionGenerator:
    """The language model of a pack; raises PackError in one sentence."""
    if manifest.prompt_style == "tokens":
        model, text = load_model(folder, manifest, vocabulary, device)
        return TokenGenerator(
            model, text, TokenIds.of(text, vocabulary), manifest.cfg_scale, rudder
        )
    if manifest.prompt_style == "paper":
        model, text = load_text_model(folder, manifest, device)
        return PaperGenerator(model, text, vocabulary.codes)
    raise PackError(
        f"{folder / MANIFEST}: prompt_style '{manifest.prompt_style}' is unknown: "
        "update the add-on."
    )

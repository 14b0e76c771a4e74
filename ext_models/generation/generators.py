"""A pack's language model as a generator of motion codes, in either prompt style."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, Protocol

from ext_models.errors import PipelineError
from ext_models.language.base_models.adapters import load_model, load_text_model
from ext_models.language.base_models.bases import context_of
from ext_models.language.instructions import (
    MAX_TEXT_TOKENS,
    PoseCode,
    instruction,
    question,
    text_ids,
    unknown_words,
)
from ext_models.language.paper import instructions as paper
from ext_models.language.soft_tokens import SoftTokens, load_soft_tokens
from ext_models.language.vocabulary import GeneratedCodes, MotionVocabulary, Skill, TokenIds
from ext_models.packs import MANIFEST, PackError, PackManifest
from motiongpt_blender.wire import Sampling

from .decoding import GrammarSampler, TokenPrompt, WordsOnly, generate_codes, generate_rows
from .neighbours import Neighbour, Neighbours, load_neighbours
from .planning import Planner, load_planner
from .pose_guidance import PoseGuidance
from .request import CancelCheck
from .sampling import SUMMARY_TEMPERATURE, RowSampler, answer_seeds, uniform_numbers
from .sketching import Sketcher
from .targets import GuidanceTargets

NO_CAPTIONS = (
    "This model pack has not learnt to describe motion: choose one with the skill 'caption'."
)

#: Fewest tokens of a code in digits: one for the digits, one for the comma.
DIGITS_A_CODE = 2


@dataclass(frozen=True)
class CodeRequest:
    """What the language model is asked to generate.

    Attributes:
        prompt: what happens, in English.
        steps: code steps of the whole motion.
        poses: codes of the marked poses, at their steps.
        sampling: how the answers are sampled, and how many there are.
        given: codes (S', L) that the motion begins with; the answer is what follows.
        least: code steps from which on the model may end the motion itself; 0 if it has
            ``steps``. For the style ``paper`` only.
        task: of the style ``paper``, if the poses do not tell it.
        targets: what pose guidance leads the motion to. For the style ``tokens`` only.
        first: number of the first answer, where candidates take turns.
    """

    prompt: str
    steps: int
    poses: tuple[PoseCode, ...]
    sampling: Sampling
    given: tuple[tuple[int, ...], ...] = ()
    least: int = 0
    task: paper.Task | None = None
    targets: GuidanceTargets = field(default_factory=GuidanceTargets)
    first: int = 0


class MotionGenerator(Protocol):
    """Generates the codes of motions, and captions of codes."""

    @property
    def model(self) -> Any:
        """A causal language model of transformers."""
        ...

    def generate(
        self,
        requests: Sequence[CodeRequest],
        progress: Callable[[float], None],
        cancelled: CancelCheck,
        sketcher: Sketcher | None = None,
    ) -> list[GeneratedCodes]:
        """The answers to some requests, one after the other, generated in one batch.

        The candidates of a variation follow one another. Temperature, ``top_p`` and ``top_k``
        are those of the first request; each answer has a seed of its own. ``cancelled`` is asked
        at every step, and ``sketcher`` shows the first answer meanwhile (style ``tokens``).

        Raises:
            PipelineError: if the model cannot read a request.
            GenerationCancelledError: if ``cancelled()`` turned true.
        """
        ...

    def caption(self, codes: list[list[int]], sampling: Sampling) -> list[str]:
        """Captions of a motion, codes (S, L).

        Raises:
            PipelineError: if the pack has not learnt to caption.
        """
        ...

    def warm_up(self) -> None:
        """Make ready what the first motion would wait for."""
        ...


@dataclass(frozen=True)
class TokenGenerator:
    """The style ``tokens``: one added token a code.

    Attributes:
        model: a causal language model of transformers.
        text: its text tokenizer.
        ids: ids of the added tokens.
        cfg_scale: scale of classifier-free guidance; 1 does without.
        guidance: pose guidance of the pack.
        summary_temperature: of the summary tokens, relative to that of the codes.
        soft: soft tokens of the pack's sentence reader; None without one.
        known_words: words of the training captions.
        planner: has an opinion of the clip summary; None without one.
        neighbours: finds training motions for some candidates; None without a datastore.
    """

    model: Any
    text: Any
    ids: TokenIds
    cfg_scale: float = 1.0
    guidance: PoseGuidance | None = None
    summary_temperature: float = SUMMARY_TEMPERATURE
    soft: SoftTokens | None = None
    known_words: tuple[str, ...] = ()
    planner: Planner | None = None
    neighbours: Neighbours | None = None

    def generate(
        self,
        requests: Sequence[CodeRequest],
        progress: Callable[[float], None],
        cancelled: CancelCheck,
        sketcher: Sketcher | None = None,
    ) -> list[GeneratedCodes]:
        """See ``MotionGenerator.generate``."""
        if self.soft is not None:
            self.soft.forget()
        prompts = [row for request in requests for row in self._rows(request)]
        if self.soft is not None:
            self.soft.read()
        plan = None
        if self.planner is not None:
            asked = [(request.prompt, request.steps) for request in requests]
            plan = self.planner.plan(asked, len(prompts) // len(requests))
        return generate_codes(
            self.model,
            self.ids,
            prompts,
            requests[0].sampling,
            cfg_scale=self.cfg_scale,
            summary_temperature=self.summary_temperature,
            guidance=self.guidance,
            plan=plan,
            neighbour_share=self.neighbours.scales.share if self.neighbours else 0.0,
            progress=progress,
            cancelled=cancelled,
            sketcher=sketcher,
        )

    def _rows(self, request: CodeRequest) -> list[TokenPrompt]:
        """One row for each answer; some have a neighbour, the others follow their summaries."""
        prompt, seeds = self._prompt(request), answer_seeds(request.sampling)
        found = iter(self._found(request, len(seeds)))
        rows: list[TokenPrompt] = []
        for number, seed in enumerate(seeds, request.first):
            neighbour, turn = None, number
            if self.neighbours is not None:
                turn = self.neighbours.turn(number)
                if self.neighbours.has_neighbour(number):
                    neighbour = next(found, None)
            targets = replace(prompt.targets, turn=turn if neighbour is None else None)
            rows.append(replace(prompt, seed=seed, targets=targets, neighbour=neighbour))
        return rows

    def _found(self, request: CodeRequest, answers: int) -> list[Neighbour]:
        """A neighbour for each answer of a request that can have one.

        A way from pose to pose has none: a neighbour walks as far as it does in its clip.
        """
        targets = request.targets
        if self.neighbours is None or targets.strength <= 0 or targets.walked:
            return []
        numbers = range(request.first, request.first + answers)
        count = sum(map(self.neighbours.has_neighbour, numbers))
        stride = self.neighbours.tokenizer.config.stride
        ahead = len(request.given) * stride
        poses = [
            replace(pose, frame=pose.frame - ahead) for pose in targets.poses if pose.frame >= ahead
        ]
        steps = request.steps - len(request.given)
        seed = request.sampling.seed
        return self.neighbours.find(request.prompt, steps, count, seed, poses) if count else []

    def _prompt(self, request: CodeRequest) -> TokenPrompt:
        """The token ids of a request; raises PipelineError if the model cannot read them."""
        words = text_ids(self.text, request.prompt)
        if len(words) > MAX_TEXT_TOKENS:
            raise PipelineError(
                f"The prompt has {len(words)} tokens, and the model reads {MAX_TEXT_TOKENS}: "
                "say it in fewer words."
            )
        if self.soft is not None:
            # Words that no caption has are noise to the model; the reader knows them.
            known = not unknown_words(request.prompt, self.known_words)
            words = [*self.soft.ids(request.prompt), *(words if known else ())]
        cond, uncond = (
            instruction(caption, request.steps, request.poses, self.ids, given=request.given)
            for caption in (words, ())
        )
        steps = request.steps - len(request.given)
        check_context(self.model, len(cond), self.ids.vocabulary.tokens_of(steps))
        return TokenPrompt(cond, uncond, steps, request.sampling.seed, request.targets)

    def caption(self, codes: list[list[int]], sampling: Sampling) -> list[str]:
        """See ``MotionGenerator.caption``."""
        if Skill.CAPTION not in self.ids.vocabulary.skills:
            raise PipelineError(NO_CAPTIONS)
        prompt, seeds = question(codes, self.ids), answer_seeds(sampling)
        words = WordsOnly(list(self.ids.ids.values()))
        sample = RowSampler([uniform_numbers(seed, MAX_TEXT_TOKENS) for seed in seeds], sampling)
        rows = generate_rows(
            self.model,
            [prompt] * len(seeds),
            MAX_TEXT_TOKENS,
            GrammarSampler([words] * len(seeds), len(prompt), sample),
            pad=self.ids.pad,
            end=self.text.eos_token_id,
        )
        return [self.text.decode(row, skip_special_tokens=True).strip() for row in rows]

    def warm_up(self) -> None:
        """See ``MotionGenerator.warm_up``."""
        if self.guidance is not None and self.guidance.supported:
            self.guidance.warm_up()


@dataclass(frozen=True)
class PaperGenerator:
    """The style ``paper``: the reference's prompt, codes as digits in text.

    Attributes:
        model: a causal language model of transformers.
        text: its text tokenizer.
        codes: number of the tokenizer's codes.
    """

    model: Any
    text: Any
    codes: int

    def generate(
        self,
        requests: Sequence[CodeRequest],
        progress: Callable[[float], None],
        cancelled: CancelCheck,
        sketcher: Sketcher | None = None,
    ) -> list[GeneratedCodes]:
        """See ``MotionGenerator.generate``."""
        rows = [(r, seed) for r in requests for seed in answer_seeds(r.sampling)]
        prompts = [
            self.text(paper.prompt(r.prompt, r.steps, r.poses, r.task)).input_ids for r, _ in rows
        ]
        width, most = max(map(len, prompts)), max(r.steps for r in requests)
        check_context(self.model, width, most * DIGITS_A_CODE)
        by_length = {
            (steps, least): paper.DigitsGrammar(self.text, self.codes, steps, width, least=least)
            for steps, least in {(r.steps, r.least) for r in requests}
        }
        grammars = [by_length[r.steps, r.least] for r, _ in rows]
        longest = most * (len(str(self.codes - 1)) + 1)
        numbers = [uniform_numbers(seed, longest) for _, seed in rows]
        end = grammars[0].end
        answers = generate_rows(
            self.model,
            prompts,
            longest,
            GrammarSampler(grammars, width, RowSampler(numbers, requests[0].sampling)),
            pad=end if self.text.pad_token_id is None else self.text.pad_token_id,
            end=end,
            progress=progress,
            cancelled=cancelled,
        )
        spelled = [g.spell(row) for g, row in zip(grammars, answers, strict=True)]
        return [
            GeneratedCodes([[code] for code in paper.parse(text, self.codes)]) for text in spelled
        ]

    def caption(self, codes: list[list[int]], sampling: Sampling) -> list[str]:
        """The style has no captions; raises PipelineError."""
        raise PipelineError(NO_CAPTIONS)

    def warm_up(self) -> None:
        """Nothing waits."""


def check_context(model: Any, prompt: int, answer: int) -> None:
    """Refuse more tokens of prompt and answer than the base reads; raises PipelineError."""
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
    guidance: PoseGuidance | None = None,
) -> MotionGenerator:
    """The language model of a pack; raises PackError in one sentence."""
    if manifest.prompt_style == "tokens":
        model, text = load_model(folder, manifest, vocabulary, device)
        soft = None
        if manifest.reader:
            soft = load_soft_tokens(model, manifest.reader, manifest.soft_tokens, folder)
        neighbours = None
        if soft is not None and guidance is not None:
            neighbours = load_neighbours(folder, vocabulary, soft.reader, guidance.tokenizer)
        return TokenGenerator(
            model,
            text,
            TokenIds.of(text, vocabulary),
            manifest.cfg_scale,
            guidance,
            soft=soft,
            known_words=manifest.words,
            planner=load_planner(folder, vocabulary, device),
            neighbours=neighbours,
        )
    if manifest.prompt_style == "paper":
        model, text = load_text_model(folder, manifest, device)
        return PaperGenerator(model, text, vocabulary.codes)
    raise PackError(
        f"{folder / MANIFEST}: prompt_style '{manifest.prompt_style}' is unknown: "
        "update the add-on."
    )

"""Speed of a pack's language model, as ratios to one variant of the same run.

Seconds depend on the machine and on what else it does; ratios of one run hardly do. Every
variant generates the same number of code steps from the same instruction. What is measured is the
language model alone, warmed up, the best of several rounds.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Final

import torch

from ext_models.evaluation.tables import Row, Table
from ext_models.generation.decoding import (
    GrammarSampler,
    TokenPrompt,
    generate_codes,
    generate_rows,
)
from ext_models.generation.generators import PaperGenerator, TokenGenerator
from ext_models.generation.sampling import RowSampler, uniform_numbers
from ext_models.language.instructions import instruction, text_ids
from ext_models.language.paper import instructions
from motiongpt_blender.wire import Sampling

PROMPT: Final = "a person walks forward and waves."
#: Motions at once, beside one.
BATCHES: Final = (4, 16)
BASELINE: Final = "one motion, KV cache"


@dataclass(frozen=True)
class Variant:
    """One way of generating motion.

    Attributes:
        name: as the table names it.
        motions: how many it generates at once.
        write: generates; returns the tokens of each motion.
    """

    name: str
    motions: int
    write: Callable[[], int]


@dataclass(frozen=True)
class Timing:
    """What a way took: seconds of its best round, and tokens a motion."""

    variant: Variant
    seconds: float
    tokens: int

    @property
    def each(self) -> float:
        """Seconds a motion."""
        return self.seconds / self.variant.motions


class Bench:
    """A pack's language model, and the variants of running it."""

    def __init__(self, generator: TokenGenerator | PaperGenerator, steps: int, codes: int) -> None:
        self.generator, self.steps, self.codes = generator, steps, codes

    def variants(self) -> list[Variant]:
        """The baseline first."""
        if isinstance(self.generator, PaperGenerator):
            digits = [self._digits(1, use_cache=True), self._digits(1, use_cache=False)]
            many = [self._digits(n, use_cache=True) for n in BATCHES]
            return [Variant(BASELINE, 1, digits[0].write), digits[1], *many]
        tokens = self.generator
        return [
            self._tokens(tokens, BASELINE, 1),
            self._tokens(tokens, "one motion, no cache", 1, use_cache=False),
            self._tokens(tokens, "one motion, static cache", 1, cache_implementation="static"),
            self._tokens(tokens, "one motion, guidance", 1, cfg_scale=2.0),
            *(self._tokens(tokens, f"{n} motions at once", n) for n in BATCHES),
            self._digits(1, use_cache=True),
        ]

    def _tokens(self, generator: TokenGenerator, name: str, motions: int, **more: Any) -> Variant:
        prompt, uncond = (
            instruction(words, self.steps, [], generator.ids)
            for words in (text_ids(generator.text, PROMPT), ())
        )
        asked = [TokenPrompt(prompt, uncond, self.steps, seed) for seed in range(motions)]

        def write() -> int:
            generate_codes(generator.model, generator.ids, asked, Sampling(), **more)
            return generator.ids.vocabulary.tokens_of(self.steps)

        return Variant(name, motions, write)

    def _digits(self, motions: int, *, use_cache: bool) -> Variant:
        """The prompt style ``paper``: digits in text, with the same base."""
        model, text = self.generator.model, self.generator.text
        tokens = text(instructions.prompt(PROMPT, self.steps, [])).input_ids
        longest = self.steps * (len(str(self.codes - 1)) + 1)

        def write() -> int:
            grammar = instructions.DigitsGrammar(text, self.codes, self.steps, len(tokens))
            draws = RowSampler(
                [uniform_numbers(seed, longest) for seed in range(motions)], Sampling()
            )
            rows = generate_rows(
                model, [tokens] * motions, longest,
                GrammarSampler([grammar] * motions, len(tokens), draws),
                pad=grammar.end, end=grammar.end, use_cache=use_cache,
            )  # fmt: skip
            return max(sum(i in grammar.spelling for i in row) + 1 for row in rows)

        kind = "" if use_cache else ", no cache"
        name = f"{motions} motions as digits" if motions > 1 else f"one motion as digits{kind}"
        return Variant(name, motions, write)


def measure(variant: Variant, rounds: int, device: str) -> Timing:
    """The best of some rounds, after a warm-up round."""
    tokens = variant.write()
    best = float("inf")
    for _ in range(rounds):
        _finish(device)
        start = time.perf_counter()
        variant.write()
        _finish(device)
        best = min(best, time.perf_counter() - start)
    return Timing(variant, best, tokens)


def _finish(device: str) -> None:
    if device == "cuda":
        torch.cuda.synchronize()


def table(title: str, found: list[Timing]) -> Table:
    """Ratios to the first row: tokens a second of all motions together, and time a motion."""
    first = found[0]
    rate = first.tokens / first.each
    rows = tuple(
        Row(
            m.variant.name,
            {
                "tokens a motion": float(m.tokens),
                "tokens/s": m.tokens / m.each,
                "tokens/s, ratio": m.tokens / m.each / rate,
                "s a motion": m.each,
                "motions/s, ratio": first.each / m.each,
            },
        )
        for m in found
    )
    return Table(title, rows)

"""``bench``: how fast a pack writes motion, as ratios to one way of doing it in the same run.

Seconds depend on the machine and on what else it does; ratios of one run hardly do. Every
way writes the same number of code steps from the same instruction. What is measured is the
language model alone, warmed up, the best of several rounds.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import torch

from ext_models import packs
from ext_models.devices import pick_device
from ext_models.evaluation.tables import Row, Table
from ext_models.generation.decoding import GrammarRows, TokenPrompt, generate_codes, generate_rows
from ext_models.generation.generators import PaperGenerator, TokenGenerator, load_generator
from ext_models.generation.pipeline import vocabulary_of
from ext_models.generation.request import PipelineError
from ext_models.generation.sampling import RowSampler, Sampling, numbers
from ext_models.language.instructions import instruction, text_ids
from ext_models.language.paper import instructions
from ext_models.tokenizer.vqvae import load_tokenizer

PROMPT: Final = "a person walks forward and waves."
#: Motions at once, beside one.
BATCHES: Final = (4, 16)
BASELINE: Final = "one motion, KV cache"


@dataclass(frozen=True)
class Variant:
    """One way of writing motion.

    Attributes:
        name: as the table says it.
        motions: how many it writes in one go.
        write: does it; gives the tokens that were written for each motion.
    """

    name: str
    motions: int
    write: Callable[[], int]


@dataclass(frozen=True)
class Measured:
    """What a way took: seconds of its best round, and tokens a motion."""

    variant: Variant
    seconds: float
    tokens: int

    @property
    def each(self) -> float:
        """Seconds a motion."""
        return self.seconds / self.variant.motions


class Bench:
    """A pack's language model and the ways to run it."""

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
            draws = RowSampler([numbers(seed, longest) for seed in range(motions)], Sampling())
            rows = generate_rows(
                model, [tokens] * motions, longest,
                GrammarRows([grammar] * motions, len(tokens), draws),
                pad=grammar.end, end=grammar.end, use_cache=use_cache,
            )  # fmt: skip
            return max(sum(i in grammar.spelling for i in row) + 1 for row in rows)

        kind = "" if use_cache else ", no cache"
        name = f"{motions} motions as digits" if motions > 1 else f"one motion as digits{kind}"
        return Variant(name, motions, write)


def measure(variant: Variant, rounds: int, device: str) -> Measured:
    """The best of some rounds, after one that warms up."""
    tokens = variant.write()
    best = float("inf")
    for _ in range(rounds):
        _finish(device)
        start = time.perf_counter()
        variant.write()
        _finish(device)
        best = min(best, time.perf_counter() - start)
    return Measured(variant, best, tokens)


def _finish(device: str) -> None:
    if device == "cuda":
        torch.cuda.synchronize()


def table(title: str, found: list[Measured]) -> Table:
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


def run(arguments: argparse.Namespace) -> int:
    """The command, its arguments read."""
    if arguments.rounds < 1:
        raise PipelineError(f"--rounds {arguments.rounds}: at least 1.")
    device = pick_device(arguments.device)
    manifest = packs.read_manifest(arguments.pack)
    tokenizer = load_tokenizer(arguments.pack, device)
    frames = round(arguments.seconds * manifest.fps)
    if not 1 <= frames <= manifest.max_frames:
        longest = manifest.max_frames / manifest.fps
        raise PipelineError(f"--seconds {arguments.seconds:g}: the pack makes up to {longest:.1f}.")
    generator = load_generator(arguments.pack, manifest, vocabulary_of(manifest, tokenizer), device)
    if not isinstance(generator, TokenGenerator | PaperGenerator):
        raise PipelineError("this pack's language model cannot be measured.")
    steps = -(-frames // tokenizer.config.stride)
    found: list[Measured] = []
    for variant in Bench(generator, steps, tokenizer.config.codes).variants():
        try:
            found.append(measure(variant, arguments.rounds, device))
        except (RuntimeError, NotImplementedError, ImportError) as error:
            if not found:
                raise
            print(f"{variant.name}: not possible here ({str(error).splitlines()[0][:120]})")
            continue
        print(f"{variant.name}: {found[0].each / found[-1].each:.2f} x the motions of '{BASELINE}'")
    done = table(f"{manifest.name}, {arguments.seconds:g} s on {device}", found)
    print("\n" + done.markdown())
    if arguments.out:
        done.save(_writable(arguments.out))
        print(f"numbers written to {arguments.out}")
    return 0


def _writable(path: Path) -> Path:
    if not path.parent.is_dir():
        raise PipelineError(f"--out {path}: there is no folder {path.parent}; make it first.")
    return path

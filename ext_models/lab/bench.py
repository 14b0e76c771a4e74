"""Speed of a pack's language model, as ratios to one variant of the same run.

Seconds depend on the machine and on what else it does; ratios of one run hardly do. Every
variant generates the same number of code steps from the same instruction. What is measured is the
language model alone, warmed up, the best of several rounds.
"""

from __future__ import annotations

import functools
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Final

import torch
from transformers import LlamaConfig, LlamaForCausalLM

from ext_models.evaluation.tables import Row, Table
from ext_models.generation.decoding import (
    CodeSampler,
    GrammarSampler,
    TokenPrompt,
    generate_codes,
    generate_rows,
)
from ext_models.generation.generators import PaperGenerator, TokenGenerator
from ext_models.generation.sampling import RowSampler, uniform_numbers
from ext_models.language.base_models.adapters import AdapterConfig, add_adapter
from ext_models.language.corpus import batch_of
from ext_models.language.instructions import answer, instruction, text_ids
from ext_models.language.loss import TokenWeights
from ext_models.language.paper import instructions
from ext_models.language.vocabulary import MotionVocabulary, TokenIds
from motiongpt_blender.wire import Sampling

PROMPT: Final = "a person walks forward and waves."
#: Motions at once, beside one.
BATCHES: Final = (4, 16)
BASELINE: Final = "one motion, KV cache"
#: Motions of a training step.
LEARNT: Final = 16
#: Sizes of SmolLM2-135M, but for the number of its layers.
SMOLLM2: Final = LlamaConfig(
    vocab_size=49_152, hidden_size=576, intermediate_size=1536, num_attention_heads=9,
    num_key_value_heads=3, max_position_embeddings=8192,
    tie_word_embeddings=True,
)  # fmt: skip


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
            self.tokens(tokens, BASELINE, 1),
            self.tokens(tokens, "one motion, transformers", 1, plain=True),
            self.tokens(tokens, "one motion, no cache", 1, plain=True, use_cache=False),
            self.tokens(
                tokens, "one motion, static cache", 1, plain=True, cache_implementation="static"
            ),
            self.tokens(tokens, "one motion, guidance", 1, cfg_scale=2.0),
            *(self.tokens(tokens, f"{n} motions at once", n) for n in BATCHES),
            *(self._whole_head(tokens, n) for n in (1, *BATCHES)),
            self._digits(1, use_cache=True),
            *self._learning(tokens),
        ]

    def tokens(self, generator: TokenGenerator, name: str, motions: int, **more: Any) -> Variant:
        """So many motions at once; ``more`` are arguments of ``generate_codes``."""
        prompt, uncond = (
            instruction(words, self.steps, [], generator.ids)
            for words in (text_ids(generator.text, PROMPT), ())
        )
        asked = [TokenPrompt(prompt, uncond, self.steps, seed) for seed in range(motions)]

        def write() -> int:
            generate_codes(generator.model, generator.ids, asked, Sampling(), **more)
            return generator.ids.vocabulary.tokens_of(self.steps)

        return Variant(name, motions, write)

    def _whole_head(self, generator: TokenGenerator, motions: int) -> Variant:
        """The logits of all words beside those of the motion tokens."""
        ids = generator.ids
        prompt = instruction(text_ids(generator.text, PROMPT), self.steps, [], ids)
        asked = [TokenPrompt(prompt, (), self.steps, seed) for seed in range(motions)]

        def write() -> int:
            longest = ids.vocabulary.tokens_of(self.steps)
            sample = CodeSampler(ids, asked, len(prompt), Sampling())
            generate_rows(
                generator.model, [prompt] * motions, longest, sample, pad=ids.pad, end=None
            )
            return longest

        what = f"{motions} motions at once" if motions > 1 else "one motion"
        return Variant(f"{what}, whole head", motions, write)

    def _learning(self, generator: TokenGenerator) -> list[Variant]:
        """A training step of an adapter, the last variants: the model has the adapter then."""
        ids = generator.ids
        prompt = instruction(text_ids(generator.text, PROMPT), self.steps, [], ids)
        codes = [[0] * ids.vocabulary.levels] * self.steps
        reply = answer(codes, ids, [0] * ids.vocabulary.summary[0])
        batch = batch_of([(prompt, reply)] * LEARNT, ids.pad)

        @functools.cache
        def adapted() -> Any:
            if generator.soft is not None:  # adapters look for the base's own layer
                generator.soft.detach(generator.model)
            return add_adapter(generator.model, AdapterConfig(rank=32), list(ids.ids.values()))

        def narrow() -> int:
            weights = TokenWeights(ids, (), generator.model.device)
            weights.loss(adapted().train(), batch).backward()
            return len(reply)

        def whole() -> int:
            inputs = {name: values.to(generator.model.device) for name, values in batch.items()}
            adapted().train()(**inputs).loss.backward()
            return len(reply)

        name = f"LoRA step of {LEARNT} motions"
        return [Variant(name, LEARNT, narrow), Variant(f"{name}, whole head", LEARNT, whole)]

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


def random_generator(layers: int, text: Any, vocabulary: MotionVocabulary) -> TokenGenerator:
    """A generator whose base has SmolLM2's sizes, so many layers and random weights.

    Args: layers; the text tokenizer of a pack; the added tokens, whose rows follow the words'.
    """
    words = SMOLLM2.vocab_size
    sizes: dict[str, Any] = SMOLLM2.to_diff_dict()
    sizes |= {"num_hidden_layers": layers, "vocab_size": words + len(vocabulary.added)}
    config = LlamaConfig(**sizes)
    ids = {token: words + k for k, token in enumerate(vocabulary.added)}
    model = LlamaForCausalLM(config).eval()
    return TokenGenerator(model, text, TokenIds(vocabulary, ids, pad=0))


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

"""The tokens that a pack adds to the text vocabulary of its language model.

Every motion code is one token, so that a code costs one step; the paper's digits in text cost
almost four.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import Enum
from functools import cached_property
from typing import Any

from ext_models.packs import PackError

from . import place_tokens

MOTION_START = "<motion>"
MOTION_END = "</motion>"
POSE = "<pose>"
HISTORY = "<history>"
NOISY = "<noisy>"
CAPTION = "<caption>"


class Skill(Enum):
    """What a pack may have learnt beyond text and poses; the value is its name in ``pack.json``."""

    PLACES = "places"
    CONTINUE = "continue"
    DENOISE = "denoise"
    CAPTION = "caption"


@dataclass(frozen=True)
class MotionVocabulary:
    """Names of the added tokens.

    Attributes:
        levels: residual levels a code step, each with codes of its own.
        codes: codes a level.
        max_steps: longest motion in code steps.
        skills: whose tokens are added too.
        summary: number of summary tokens before an answer's codes, and of the codes of each; see
            ``tokenizer.clip_summary``.
    """

    levels: int
    codes: int
    max_steps: int
    skills: frozenset[Skill] = frozenset()
    summary: tuple[int, int] = (0, 0)

    @cached_property
    def added(self) -> list[str]:
        """All added tokens, in the order of their ids."""
        return [
            MOTION_START,
            MOTION_END,
            POSE,
            *(self.length(n) for n in range(1, self.max_steps + 1)),
            *(self.time(n) for n in range(self.max_steps)),
            *(self.code(level, c) for level in range(self.levels) for c in range(self.codes)),
            *self._of_skills(),
            *(
                self.summary_code(k, c)
                for k in range(self.summary[0])
                for c in range(self.summary[1])
            ),
        ]

    def tokens_of(self, steps: int) -> int:
        """Tokens of an answer of so many code steps, without the one that closes it."""
        return self.summary[0] + steps * self.levels

    def _of_skills(self) -> list[str]:
        words = {Skill.CONTINUE: HISTORY, Skill.DENOISE: NOISY, Skill.CAPTION: CAPTION}
        named = [word for skill, word in words.items() if skill in self.skills]
        if Skill.PLACES in self.skills:
            offsets, turns = range(place_tokens.OFFSETS), range(place_tokens.TURNS)
            named += [self.place(axis, k) for axis in ("left", "ahead") for k in offsets]
            named += [self.place("turn", k) for k in turns]
        return named

    def length(self, steps: int) -> str:
        """Token of the motion's length in code steps, 1 .. max_steps."""
        return f"<len_{steps}>"

    def time(self, step: int) -> str:
        """Token of the code step of a pose, 0 .. max_steps - 1."""
        return f"<at_{step}>"

    def code(self, level: int, code: int) -> str:
        """Token of one code of one level."""
        return f"<m{level}_{code}>"

    def summary_code(self, level: int, code: int) -> str:
        """Token of one code of one level of a clip summary."""
        return f"<s{level}_{code}>"

    def place(self, axis: str, number: int) -> str:
        """Token of one bin of a place: axis ``left``, ``ahead`` or ``turn``."""
        return f"<{axis}_{number}>"


@dataclass(frozen=True)
class GeneratedCodes:
    """The codes of one answer.

    Attributes:
        codes: (S, L) of the motion.
        summary: (G,) tokens before them; empty if the pack has no clip summary.
    """

    codes: list[list[int]]
    summary: tuple[int, ...] = ()


@dataclass(frozen=True)
class TokenIds:
    """The ids that a text tokenizer gives to the added tokens."""

    vocabulary: MotionVocabulary
    ids: dict[str, int]
    pad: int

    @classmethod
    def of(cls, tokenizer: Any, vocabulary: MotionVocabulary) -> TokenIds:
        """Look the added tokens up; raises PackError when one is missing."""
        known: dict[str, int] = tokenizer.get_vocab()
        missing = [t for t in vocabulary.added if t not in known]
        if missing:
            raise PackError(
                f"the text tokenizer lacks {len(missing)} motion tokens ({missing[0]} first): "
                "it belongs to another pack."
            )
        pad = tokenizer.pad_token_id if tokenizer.pad_token_id is not None else 0
        return cls(vocabulary, {t: known[t] for t in vocabulary.added}, pad)

    @property
    def start(self) -> int:
        """Id of the token that opens a motion."""
        return self.ids[MOTION_START]

    @property
    def end(self) -> int:
        """Id of the token that closes a motion."""
        return self.ids[MOTION_END]

    @property
    def pose(self) -> int:
        """Id of the token before a pose."""
        return self.ids[POSE]

    def length(self, steps: int) -> int:
        """Id of the length token."""
        return self.ids[self.vocabulary.length(steps)]

    def time(self, step: int) -> int:
        """Id of the time token."""
        return self.ids[self.vocabulary.time(step)]

    def word(self, name: str) -> int:
        """Id of an added token by its name: ``HISTORY``, ``NOISY``, ``CAPTION``."""
        return self.ids[name]

    def place(self, bins: place_tokens.Bins) -> list[int]:
        """Ids of the three tokens of a place."""
        axes = zip(("left", "ahead", "turn"), bins, strict=True)
        return [self.ids[self.vocabulary.place(axis, k)] for axis, k in axes]

    @cached_property
    def first_code(self) -> list[int]:
        """Id of code 0 of each level; the ids of a level are consecutive."""
        v = self.vocabulary
        return [
            self._run(v.code(level, 0), v.code(level, v.codes - 1), v.codes)
            for level in range(v.levels)
        ]

    @cached_property
    def first_summary(self) -> list[int]:
        """Id of code 0 of each level of a clip summary; the ids of a level are consecutive."""
        v, (levels, codes) = self.vocabulary, self.vocabulary.summary
        return [
            self._run(v.summary_code(level, 0), v.summary_code(level, codes - 1), codes)
            for level in range(levels)
        ]

    def _run(self, first: str, last: str, count: int) -> int:
        if self.ids[last] != self.ids[first] + count - 1:
            raise PackError("the motion tokens of the text tokenizer are out of order.")
        return self.ids[first]

    def due(self, at: int) -> slice:
        """The ids allowed at a position of an answer, from 0: its summary, then codes."""
        levels, kinds = self.vocabulary.summary
        if at < levels:
            return slice(self.first_summary[at], self.first_summary[at] + kinds)
        first = self.first_code[(at - levels) % self.vocabulary.levels]
        return slice(first, first + self.vocabulary.codes)

    @cached_property
    def added(self) -> slice:
        """The ids from the first to the last added token."""
        return slice(min(self.ids.values()), max(self.ids.values()) + 1)

    def summary_ids(self, summary: Sequence[int]) -> list[int]:
        """Ids of a clip summary (G,)."""
        return [first + int(c) for first, c in zip(self.first_summary, summary, strict=True)]

    def of_codes(self, codes: Sequence[Sequence[int]]) -> list[int]:
        """Ids of codes (S, L), step by step, coarse level first."""
        return [self.first_code[level] + int(c) for step in codes for level, c in enumerate(step)]

    def written(self, ids: Sequence[int]) -> GeneratedCodes:
        """Clip summary and codes of an answer's ids; what does not fit is left out."""
        kinds = self.vocabulary.summary[1]
        summary = [
            i - f for i, f in zip(ids, self.first_summary, strict=False) if f <= i < f + kinds
        ]
        return GeneratedCodes(self.to_codes(ids[len(summary) :]), tuple(summary))

    def to_codes(self, ids: Sequence[int]) -> list[list[int]]:
        """Codes (S, L) of ids as ``of_codes`` writes them; what does not fit is left out."""
        levels, steps = self.vocabulary.levels, []
        for at in range(0, len(ids) - levels + 1, levels):
            step = [i - f for i, f in zip(ids[at : at + levels], self.first_code, strict=True)]
            if not all(0 <= c < self.vocabulary.codes for c in step):
                break
            steps.append(step)
        return steps


def add_tokens(tokenizer: Any, vocabulary: MotionVocabulary) -> int:
    """Add the tokens that a text tokenizer lacks; returns their number."""
    if tokenizer.pad_token is None:
        tokenizer.pad_token = tokenizer.eos_token or MOTION_END
    return int(tokenizer.add_tokens(vocabulary.added, special_tokens=True))


def train_text_tokenizer(sentences: Sequence[str], size: int) -> Any:
    """A small byte-level text tokenizer for a base model made from scratch."""
    from tokenizers import ByteLevelBPETokenizer
    from transformers import PreTrainedTokenizerFast

    bpe = ByteLevelBPETokenizer(lowercase=True, add_prefix_space=True)
    bpe.train_from_iterator(
        sentences, vocab_size=size, min_frequency=2, special_tokens=["<pad>", "<s>", "</s>"],
        show_progress=False,
    )  # fmt: skip
    return PreTrainedTokenizerFast(
        tokenizer_object=bpe._tokenizer, pad_token="<pad>", bos_token="<s>", eos_token="</s>"
    )
